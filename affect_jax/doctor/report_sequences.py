"""The report's tables of text, audio and vision."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax.doctor import layout


def lines(report: Mapping[str, Any]) -> list[str]:
  """Makes lines of modalities, lengths and features: `sequences.tables`."""
  samples = report['counts']['samples']
  splits = list(samples)
  result = ['', 'Samples by the modalities that they have']
  names = dict.fromkeys(n for c in report['modalities'].values() for n in c)
  rows = [['just', *(cell for s in splits for cell in (s, '%'))]]
  for name in names:
    row = [name]
    for s in splits:
      count = report['modalities'][s][name]
      row += [f'{count:,}', layout.share(count, samples[s])]
    rows.append(row)
  result += layout.table(rows)
  result += _of_tasks(report, splits)
  result += ['', 'Steps of the sequences that are present']
  rows = [['', '', 'samples', 'min', 'median', '95%', 'max']]
  for name, by_split in report['lengths'].items():
    for s in splits:
      x = by_split[s]
      keys = ('min', 'median', 'p95', 'max')
      cells = [f'{x[k]:g}' if k in x else '-' for k in keys]
      rows.append([name, s, f'{x["there"]:,}', *cells])
  result += layout.table(rows, left=2)
  rows = [['', '', 'features', 'constant', 'always 0', 'largest |x|']]
  for corpus, by_modality in report['features'].items():
    for name, x in by_modality.items():
      numbers = [f'{x[k]:,}' for k in ('features', 'constant', 'zero')]
      rows.append([corpus, name, *numbers, f'{x["largest"]:.4g}'])
  if len(rows) > 1:
    result += ['', 'Features of a step', *layout.table(rows, left=2)]
  return result


def _of_tasks(report: Mapping[str, Any], splits: Sequence[str]) -> list[str]:
  """Makes a table: for each task, how many of its samples have a modality."""
  of_tasks = report['modalities_of_tasks']
  names = list(report['lengths'])
  rows = [['labels of', *(f'{s} {m}' for s in splits for m in names)]]
  for task, by_modality in of_tasks.items():
    row = [task]
    for s in splits:
      total = report['counts']['tasks'][task][s]
      row += [layout.share(by_modality[m][s], total) for m in names]
    rows.append(row)
  return ['', '% of the labelled samples that have', *layout.table(rows)]
