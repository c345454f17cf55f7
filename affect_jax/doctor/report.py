"""The report, worst first, as text for people and as JSON for programs."""

from collections.abc import Mapping, Sequence
import csv
import textwrap
from typing import Any

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.doctor import duplicates
from affect_jax.doctor import findings as findings_lib
from affect_jax.doctor import label_checks
from affect_jax.doctor import layout
from affect_jax.doctor import report_sequences
from affect_jax.doctor import survey as survey_lib
from affect_jax.doctor import values
from affect_jax.doctor import weak
from affect_jax.run import folder as run_folder

MAX_COLUMNS = 16  # The widest table of co-occurrence that is printed.
PAIRS = (
  'kind',
  'split_a',
  'id_a',
  'split_b',
  'id_b',
  'distance',
  'correlation',
  'line_a',
  'line_b',
)


def data(
  survey: survey_lib.Survey,
  findings: Sequence[findings_lib.Finding],
  counted: Mapping[str, Any],
  special: Mapping[str, Any],
  settings: Mapping[str, Any],
) -> dict[str, Any]:
  """Makes the whole report, as JSON.

  Args:
    survey: All samples.
    findings: What was found.
    counted: From `counts.tables`.
    special: Tables that only pictures, or only utterances, have.
    settings: How they were examined.
  """
  findings = findings_lib.worst_first(findings)
  return {
    'verdict': findings_lib.verdict(findings),
    'exit_code': findings_lib.exit_code(findings),
    'settings': dict(settings),
    'parts': [
      {
        'split': p.split,
        'corpus': p.corpus,
        'stored': p.stored,
        'samples': p.size,
      }
      for p in survey.parts
    ],
    'findings': [
      {
        'level': f.level,
        'kind': f.kind,
        'text': f.text,
        'advice': f.advice,
        **({'data': dict(f.data)} if f.data else {}),
      }
      for f in findings
    ],
    'counts': dict(counted),
    **special,
  }


def text(report: Mapping[str, Any]) -> str:
  """Makes a text of `data`; except in tables, lines are <= 100 characters."""
  lines = [f'VERDICT: {verdict(report)}', '']
  for f in report['findings']:
    label = f'{f["level"].upper():8}'
    lines += textwrap.wrap(
      f['text'], layout.WIDTH, initial_indent=label, subsequent_indent=' ' * 8
    )
    lines += textwrap.wrap(
      f['advice'],
      layout.WIDTH,
      initial_indent=' ' * 8 + '-> ',
      subsequent_indent=' ' * 11,
      break_on_hyphens=False,
    )
  return '\n'.join([*lines, *tables(report)]) + '\n'


def verdict(report: Mapping[str, Any]) -> str:
  """Says the verdict; without errors and warnings, of how many samples."""
  said = report['verdict']
  if any(f['level'] != findings_lib.NOTE for f in report['findings']):
    return said
  samples = report['counts']['samples']
  things = 'pictures' if 'picture_sizes' in report else 'utterances'
  detail = ', '.join(f'{split} {n:,}' for split, n in samples.items())
  return (
    f'{said}: no fault found in {sum(samples.values()):,} {things} ({detail})'
  )


def tables(report: Mapping[str, Any]) -> list[str]:
  """Makes the lines that follow the findings."""
  counted = report['counts']
  splits = list(counted['samples'])
  lines: list[str] = []
  rows = [['split', 'read from', 'samples']]
  for p in report['parts']:
    source = f'{p["corpus"]}[{p["stored"]}]'
    rows.append([p['split'], source, f'{p["samples"]:,}'])
  lines += ['', *layout.table(rows, left=2)]
  if 'picture_sizes' in report:
    sizes = list(report['picture_sizes'].items())
    shown = ', '.join(f'{k} ({n:,})' for k, n in sizes[:5])
    lines += ['', f'Sizes of pictures: {shown or "none"}.']
  else:
    lines += report_sequences.lines(report)
  lines += ['', 'Values of each modality (of pictures: greys, 0 to 255)']
  lines += layout.table(values.rows_of_text(report), left=3)
  for task, outputs in counted['outputs'].items():
    lines += ['', *_task(task, outputs, counted, splits)]
  lines += ['', 'Samples by the tasks they are labelled for']
  names = dict.fromkeys(n for c in counted['combinations'].values() for n in c)
  lines += layout.table(
    [['labels of', *splits]]
    + [
      [n, *(f'{counted["combinations"][s].get(n, 0):,}' for s in splits)]
      for n in names
    ]
  )
  lines += _co_occurrence(counted['together'])
  lines += weak.lines(report.get('weak_labels', ()))
  return [*lines, '', *_settings(report['settings'])]


def _task(
  task: str,
  outputs: Mapping[str, Any],
  counted: Mapping[str, Any],
  splits: Sequence[str],
) -> list[str]:
  """Makes lines of a task's labels: counts and shares, or means and ranges."""
  title = f'{task}: samples with labels: ' + ', '.join(
    f'{s} {counted["tasks"][task][s]:,} '
    f'({layout.share(counted["tasks"][task][s], counted["samples"][s])})'
    for s in splits
  )
  values = not any('count' in x[s] for x in outputs.values() for s in splits)
  # A class has as many labels as the task; a unit may have its own number.
  per_output = label_checks.kind(task) != 'class'
  head = ['']
  for s in splits:
    head += [s, 'std', 'range'] if values else [s, '%']
    head += ['labelled'] if per_output else []
  rows = [head]
  for name, by_split in outputs.items():
    row = [name]
    for s in splits:
      x = by_split[s]
      if values:
        row += (
          [
            f'{x["mean"]:+.3f}',
            f'{x["std"]:.3f}',
            f'{x["min"]:+.2f}..{x["max"]:+.2f}',
          ]
          if 'mean' in x
          else ['-'] * 3
        )
      else:
        row += [f'{x["count"]:,}', layout.share(x['count'], x['labelled'])]
      row += [f'{x["labelled"]:,}'] if per_output else []
    rows.append(row)
  return [title, *layout.table(rows), *_bins(outputs, splits)]


def _bins(outputs: Mapping[str, Any], splits: Sequence[str]) -> list[str]:
  """Makes a table of samples by the nearest whole sentiment."""
  bins_of_splits = [
    (s, x['bins'])
    for by_split in outputs.values()
    for s, x in by_split.items()
    if 'bins' in x
  ]
  if not bins_of_splits:
    return []
  rows = [['rounded', *bins_of_splits[0][1]]]
  rows += [
    [s, *(f'{n:,}' for n in bins.values())] for s, bins in bins_of_splits
  ]
  return layout.table(rows)


def _co_occurrence(together: Mapping[str, Any]) -> list[str]:
  split = next(iter(together), '')
  table = together.get(split)
  if not table:
    return []
  units = list(next(iter(table.values())))
  if len(units) > MAX_COLUMNS:
    return ['', f'{len(units)} outputs: co-occurrence is in doctor.json.']
  rows = [['', *units]]
  for name, shares in table.items():
    cells = ('-' if x is None else f'{100 * x:.0f}' for x in shares.values())
    rows.append([name, *cells])
  return ['', f'{split}: % of samples of a row that show', *layout.table(rows)]


def _settings(settings: Mapping[str, Any]) -> list[str]:
  if 'near_distance' in settings:
    text = (
      'Exact duplicate: equal size and RGB values once decoded. Near '
      f'duplicate: not exact, dHash at most {settings["near_distance"]} of 64 '
      'bits apart and 16 x 16 means correlating by '
      f'{settings["correlation"]:g} or more (other brightness, contrast, size, '
      'compression; not mirrored or shifted).'
    )
  else:
    text = (
      'Same words: equal except for case, punctuation and apostrophes, and '
      f'{settings["min_words"]} words or more. Same audio and vision: equal '
      'numbers in both, as far as they are present.'
    )
  lines = [text]
  if settings['sample']:
    lines.append(
      f'Only the first {settings["sample"]:,} samples of each part were read '
      '(--sample): there may be more duplicates, and labels or modalities '
      'that a split lacks were not looked for.'
    )
  return [line for text in lines for line in textwrap.wrap(text, layout.WIDTH)]


def write(
  folder: str,
  report: Mapping[str, Any],
  survey: survey_lib.Survey,
  groups: Mapping[str, duplicates.Exact],
  near: duplicates.Near | None,
  lines: Mapping[str, str],
) -> None:
  """Writes doctor.json, report.txt and duplicates.csv, each whole.

  Args:
    folder: Created if need be.
    report: From `data`.
    survey: All samples.
    groups: {kind in duplicates.csv: groups of equal samples}.
    near: Near duplicates of pictures.
    lines: {id: 'FILE:LINE'} of samples of a user's own tables.
  """
  out = user_path.expand(folder)
  out.mkdir(parents=True, exist_ok=True)
  run_folder.write_json(str(out / 'doctor.json'), dict(report))
  whole_file.write_text(out / 'report.txt', text(report))
  with (
    whole_file.writing(out / 'duplicates.csv') as partial,
    open(partial, 'w', encoding='utf-8', newline='') as file,
  ):
    rows = csv.writer(file)
    rows.writerow(PAIRS)
    who = lambda row: (survey.where(row), survey.id(row))
    line = lambda row: lines.get(survey.id(row), '')
    for kind, same in groups.items():
      for a, b in same.pairs().tolist():
        rows.writerow([kind, *who(a), *who(b), '0', '1', line(a), line(b)])
    if near is not None:
      for (a, b), bits, alike in zip(
        near.pairs.tolist(), near.distance, near.correlation, strict=True
      ):
        numbers = (int(bits), f'{alike:.4f}')
        rows.writerow(['near', *who(a), *who(b), *numbers, line(a), line(b)])
