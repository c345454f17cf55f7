"""README.md of a published model: its card, as huggingface.co reads it."""

from collections.abc import Sequence
import copy
import dataclasses
import pathlib
from typing import Any

import yaml

from affect_jax.errors import MissingExtra
from affect_jax.publish import scores as scores_lib

_COLUMNS = ('score', 'low', 'high')
# What the Hub calls these tasks.
_KINDS = {'faces': 'image-classification', 'utterances': 'text-classification'}
_USE = """```bash
python -m affect_jax.predict --workdir={name} --input photos --output=out.csv
python -m affect_jax.main --config=CONFIG.py --workdir=RUN \\
  --config.init.checkpoint_workdir={name}
```
"""


def write(
  workdir: str, name: str, license_name: str, scores: scores_lib.Scores
) -> str:
  """Returns the card as Markdown.

  Args:
    workdir: The run.
    name: Folder or repository that the model will be read from.
    license_name: Identifier of a licence, as the Hub knows it.
    scores: From `scores.of_validation`.

  Raises:
    MissingExtra: matplotlib is not installed.
  """
  try:
    from affect_jax.report import card
    from affect_jax.report import folders
  except ImportError as error:
    raise MissingExtra(
      f"The card needs the report's code ({error}): pip install "
      "'affect_jax[publish]'."
    ) from error
  [run] = folders.read([workdir])
  kind = run.first.signature.get('kind', 'faces')
  front = {
    'license': license_name,
    'library_name': 'affect_jax',
    'pipeline_tag': _KINDS[kind],
    'tags': ['affect', *run.tasks],
    'model-index': [{'name': name, 'results': _results(scores, _KINDS[kind])}],
  }
  if not scores:
    del front['model-index']
  rows = [(name, *map(x.get, _COLUMNS)) for name, x in scores.items()]
  parts = [
    f'---\n{yaml.safe_dump(front, sort_keys=False)}---\n# {name}\n',
    _USE.format(name=name) if kind == 'faces' else '',
    '## Scores on validation\n\nThe checkpoint was chosen on these samples, '
    'and thresholds were tuned on them, so that they flatter. The interval of '
    '95 % is over people, videos or dialogues.\n',
    _table(('', *_COLUMNS), rows) if scores else 'There was no validation.\n',
  ]
  section = card.section([_without_folders(run)], 'test')
  assert section is not None
  parts += [f'## {section.title}\n', *(f'{x}\n' for x in section.sentences)]
  parts += [_part(part) for part in section.parts]
  return '\n'.join(parts)


def _results(scores: scores_lib.Scores, kind: str) -> list[dict[str, Any]]:
  """Returns the scores as the Hub's model-index has them."""
  return [
    {
      'task': {'type': kind, 'name': metric.split('/')[0]},
      'dataset': {'type': corpus, 'name': corpus, 'split': 'validation'},
      'metrics': [{'type': metric.split('/')[1], 'value': x['score']}],
    }
    for name, x in scores.items()
    for corpus, _, metric in [name.partition('/')]
    if x['score'] is not None
  ]


def _without_folders(run: Any) -> Any:
  """Returns a run of whose files only names are said, not where they lie."""
  first = run.first
  config, signature = (
    copy.deepcopy(dict(x)) for x in (first.config, first.signature)
  )
  last = lambda path: pathlib.PurePath(path).name if path else path
  for key in ('weights', 'checkpoint_workdir'):
    if key in config.get('init', {}):
      config['init'][key] = last(config['init'][key])
  if weak := config.get('data', {}).get('weak_labels'):
    config['data']['weak_labels'] = [last(x) for x in weak]
  if text_model := signature.get('inputs', {}).get('text_model'):
    signature['inputs']['text_model'] = last(text_model)
  first = dataclasses.replace(first, config=config, signature=signature)
  return dataclasses.replace(run, path=last(run.path), seeds={None: first})


def _part(part: Any) -> str:
  """Returns a table, text or list of the report's card as Markdown."""
  head = f'### {part.title}\n\n'
  if hasattr(part, 'sentences'):
    return head + ''.join(f'- {x}\n' for x in part.sentences)
  if hasattr(part, 'text'):
    quoted = ''.join(f'    {x}'.rstrip() + '\n' for x in part.text.splitlines())
    return head + quoted
  caption = f'\n{part.caption}\n' if part.caption else ''
  return head + _table(part.columns, part.rows) + caption


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
  from affect_jax.report import contents

  line = lambda cells: f'| {" | ".join(cells)} |\n'
  shown = [
    [contents.cell(x).replace('|', '\\|').replace('\n', ' ') for x in row]
    for row in rows
  ]
  return (
    line(columns) + line(['---'] * len(columns)) + ''.join(map(line, shown))
  )
