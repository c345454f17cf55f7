"""Finds labels that are in range, but seem to be on another scale."""

import numpy as np

from affect_jax.corpora.builders import label_scales
from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib


def find(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds the columns of each corpus that `label_scales` suspects."""
  result = []
  for corpus in dict.fromkeys(p.corpus for p in survey.parts):
    numbers = [i for i, p in enumerate(survey.parts) if p.corpus == corpus]
    labels = survey.labels[np.isin(survey.part, numbers)]
    outputs: dict[str, list[str]] = {}
    values = {}
    for k, (task, name) in enumerate(survey.columns):
      outputs.setdefault(task, []).append(name)
      values[name] = labels[:, k]
    for name, odd in label_scales.suspects(outputs, values).items():
      result.append(
        findings.Finding(
          findings.WARNING,
          'other_scale',
          f'{corpus}: {odd.text}.',
          f"If {odd.pair} is their scale, config.data.scales={{'{name}': "
          f'{odd.pair}}} converts those of a CSV, config.data.label_range '
          'those of MMSA.',
          {'corpus': corpus, 'output': name, 'scale': [odd.low, odd.high]},
        )
      )
  return result
