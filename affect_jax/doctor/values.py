"""Range and scale of every modality, and splits that have another one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from affect_jax.doctor import findings
from affect_jax.doctor import survey as survey_lib
from affect_jax.doctor import utterances

# Splits whose spread differs by this factor were not scaled alike.
FACTOR = 10.0
# Likewise of means, in standard deviations of train.
SHIFT = 10.0
# With fewer sequences or steps, a spread says little.
MIN_SEQUENCES, MIN_STEPS = 10, 20
# Of pictures: a factor of their contrast, and grey levels between their means.
CONTRAST, BRIGHTNESS = 4.0, 64.0
IMAGE = 'image'

Table = dict[str, dict[str, dict[str, dict[str, float]]]]


def tables(survey: survey_lib.Survey) -> Table:
  """Measures the modalities of a survey, for JSON.

  Returns:
    {corpus: {modality: {split: {'min', 'max', 'mean', 'std'}}}} over all values
    of all features, except for token ids; of pictures over grey values 0 to 255
    of a grid of 16 x 16 means.
  """
  result: Table = {}
  for number, part in enumerate(survey.parts):
    of_corpus = result.setdefault(part.corpus, {})
    if survey.things == 'pictures':
      rows = (survey.part == number) & survey.looks['readable']
      grey = survey.looks['thumb'][rows]
      if len(grey):
        of_corpus.setdefault(IMAGE, {})[part.split] = {
          'min': float(grey.min()),
          'max': float(grey.max()),
          'mean': float(grey.mean()),
          'std': float(grey.std()),
        }
      continue
    for name, extent in survey.extents[number].items():
      mean = extent.total.sum() / (extent.steps * len(extent.total))
      square = extent.squares.sum() / (extent.steps * len(extent.total))
      of_corpus.setdefault(name, {})[part.split] = {
        'min': float(extent.low.min()),
        'max': float(extent.high.max()),
        'mean': float(mean),
        'std': float(np.sqrt(max(0.0, square - mean**2))),
      }
  return result


def find(survey: survey_lib.Survey) -> list[findings.Finding]:
  """Finds splits that are on another scale than train of their corpus."""
  places = {(p.corpus, p.split): i for i, p in enumerate(survey.parts)}
  result = []
  for (corpus, split), number in places.items():
    train = places.get((corpus, 'train'), number)
    if train == number:
      continue
    if survey.things == 'pictures':
      result += _of_pictures(survey, corpus, split, train, number)
      continue
    for name, extent in survey.extents[number].items():
      base = survey.extents[train].get(name)
      if base is not None:
        result += _of_features(corpus, split, name, base, extent)
  return result


def _of_features(
  corpus: str,
  split: str,
  name: str,
  train: utterances.Extent,
  other: utterances.Extent,
) -> list[findings.Finding]:
  for extent in (train, other):
    if extent.sequences < MIN_SEQUENCES or extent.steps < MIN_STEPS:
      return []
  (mean, std), (other_mean, other_std) = _moments(train), _moments(other)
  varying = std > 0
  if not varying.any():
    return []
  ratio = float(np.median(other_std[varying] / std[varying]))
  shift = float(np.median(np.abs(other_mean - mean)[varying] / std[varying]))
  if 1 / FACTOR < ratio < FACTOR and shift < SHIFT:
    return []
  return [
    findings.Finding(
      findings.WARNING,
      'other_scale_of_features',
      f'{corpus}: features of {name} are on another scale in {split} than in '
      f'train: they spread {ratio:.3g} times as much, and their means lie '
      f'{shift:.3g} standard deviations apart (medians of '
      f'{int(varying.sum()):,} features).',
      'What train teaches does not hold there: compute both splits by one '
      'program, and scale both by the mean and spread of train, as '
      '--config.utterance.standardize does with raw features.',
      {
        'corpus': corpus,
        'modality': name,
        'split': split,
        'spread': ratio,
        'shift': shift,
      },
    )
  ]


def _moments(extent: utterances.Extent) -> tuple[np.ndarray, np.ndarray]:
  """Returns mean and standard deviation of each feature, f64 [D]."""
  mean = extent.total / extent.steps
  variance = extent.squares / extent.steps - mean**2
  # Rounding alone leaves this much.
  floor = 1e-12 * extent.squares / extent.steps
  return mean, np.sqrt(np.where(variance > floor, variance, 0.0))


def _of_pictures(
  survey: survey_lib.Survey, corpus: str, split: str, train: int, number: int
) -> list[findings.Finding]:
  means, contrasts = [], []
  for part in (train, number):
    rows = (survey.part == part) & survey.looks['readable']
    grey = survey.looks['thumb'][rows].astype(np.float32).reshape(-1, 256)
    if len(grey) < MIN_SEQUENCES:
      return []
    means.append(float(grey.mean()))
    contrasts.append(float(np.median(grey.std(1))))
  ratio = contrasts[1] / max(contrasts[0], 1e-6)
  if 1 / CONTRAST < ratio < CONTRAST and abs(means[1] - means[0]) < BRIGHTNESS:
    return []
  return [
    findings.Finding(
      findings.WARNING,
      'other_scale_of_pictures',
      f'{corpus}: pictures of {split} are on another scale than those of '
      f'train: their mean grey is {means[1]:.0f}, not {means[0]:.0f}, of 255, '
      f'and their contrast {ratio:.3g} times as large.',
      'Were they saved with another range of values, or with more than 8 bits '
      '(--config.data.picture_bits)?',
      {
        'corpus': corpus,
        'split': split,
        'means': means,
        'contrasts': contrasts,
      },
    )
  ]


def rows_of_text(report: Mapping[str, Any]) -> list[list[str]]:
  """Makes the rows of the report's table of values."""
  rows = [['', '', '', 'min', 'max', 'mean', 'std']]
  for corpus, by_modality in report['values'].items():
    for name, by_split in by_modality.items():
      for split, x in by_split.items():
        numbers = [f'{x[k]:.4g}' for k in ('min', 'max', 'mean', 'std')]
        rows.append([corpus, name, split, *numbers])
  return rows
