"""The model card: what a model is, what it learned from, what it cannot do."""

import ast
from collections.abc import Mapping, Sequence
import json
import pathlib
from typing import Any

import affect_jax
from affect_jax.report import contents
from affect_jax.report import limits
from affect_jax.report import runs as runs_lib

# Where readers say who grants access to a corpus, and for what.
_READERS = pathlib.Path(affect_jax.__file__).parent / 'corpora'


def section(
  runs: Sequence[runs_lib.Run], split: str
) -> contents.Section | None:
  """Describes each run by its config, signature and environment."""
  described = [_model(run) for run in runs]
  names = dict.fromkeys(name for facts in described for name in facts)
  model = contents.Table(
    'card',
    'Models',
    ('', *(run.name for run in runs)),
    [[name, *(facts.get(name) for facts in described)] for name in names],
  )
  parts: list[Any] = [model]
  if rows := _data(runs):
    parts.append(
      contents.Table(
        'data',
        'Data',
        ('corpus', 'reader', 'runs', 'train', 'val', 'test', 'left out'),
        rows,
        'Samples; “left out” counts what preparation could not, or should not, '
        'use, and what it mended.',
      )
    )
  for reader in dict.fromkeys(row[1] for row in rows):
    if text := terms(reader):
      parts.append(contents.Text(f'Terms and traps of {reader}', text))
  of_each = {run.name: limits.of_run(run, split) for run in runs}
  shared = [
    x
    for x in next(iter(of_each.values()))
    if all(x in said for said in of_each.values())
  ]
  parts.append(contents.Points('Known limits', shared))
  for name, said in of_each.items():
    if more := [x for x in said if x not in shared]:
      parts.append(contents.Points(f'Known limits of {name}', more))
  return contents.Section(
    'card',
    'Model card',
    [
      'Data terms are those of the corpora: this page, pictures in it and a '
      'trained model pass none of them on. What a reader of a corpus knows of '
      'its terms stands below, in its own words.'
    ],
    parts,
  )


def terms(reader: str) -> str:
  """Returns what the reader of a corpus says of it; '' if there is no such.

  That is its docstring, read without importing it, which would import
  TensorFlow.
  """
  path = _READERS / f'{reader}.py'
  if not reader.isidentifier() or not path.exists():
    return ''
  return ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''


def _model(run: runs_lib.Run) -> dict[str, Any]:
  of = run.first
  config, inputs = of.config, of.signature.get('inputs', {})
  get = lambda *keys: _get(config, keys)
  start = of.starts[0] if of.starts else {}
  chosen = [
    step for scores in of.results.values() if (step := scores.get('step'))
  ]
  facts = {
    'predicts': '; '.join(
      f'{task}: {", ".join(options.get("outputs", ()))}'
      for task, options in of.signature.get('tasks', {}).items()
    ),
    'reads': of.signature.get('kind'),
    'network': _network(of.signature),
    'size of pictures (pixels)': inputs.get('image_size'),
    'features per step': _words(inputs.get('dims')),
    'begins with weights': get('init', 'weights')
    or get('init', 'checkpoint_workdir'),
    'text model': inputs.get('text_model'),
    'updates of the weights': get('num_train_steps'),
    'step of the chosen checkpoint (first seed)': max(chosen, default=None),
    'samples per update': get('batch_size'),
    'optimizer, learning rate': _words(
      [get('optimizer', 'name'), get('learning_rate')]
    ),
    'balancing of tasks': get('balancing', 'name'),
    'weak labels': _words(get('data', 'weak_labels')),
    'seeds': ', '.join(str(k) for k in run.seeds if k is not None)
    or _words([get('seed')]),
    'started': start.get('time'),
    'commit': start.get('commit'),
    'device': _words(list(dict.fromkeys(start.get('devices', ())))),
    'software': _words(
      {
        'Python': start.get('python'),
        **{
          k: v
          for k, v in start.get('packages', {}).items()
          if k in ('affect_jax', 'jax', 'flax')
        },
      }
    ),
  }
  return {k: v for k, v in facts.items() if v not in (None, '')}


def _network(signature: Mapping[str, Any]) -> str:
  model = signature.get('model', {})
  if signature.get('kind') == 'utterances':
    of = model.get('utterance', {})
    context = f', context by {x}' if (x := of.get('context')) else ''
    return f'fusion {of.get("fusion", "?")}{context}'
  if signature.get('kind') == 'faces':
    over = f', {x} over time' if (x := model.get('temporal')) else ''
    return f'ResNet-18{over}'
  return ''


def _data(runs: Sequence[runs_lib.Run]) -> list[list[Any]]:
  """Returns a row for each corpus, once for all runs that read it alike."""
  found: dict[str, tuple[list[Any], list[str], list[Any]]] = {}
  for run in runs:
    for corpus, facts in run.first.signature.get('data', {}).items():
      samples, skipped = facts.get('samples', {}), facts.get('skipped', {})
      key = json.dumps([corpus, facts.get('name'), samples], sort_keys=True)
      counts = [samples.get(split) for split in ('train', 'val', 'test')]
      head = [corpus, limits.reader(facts.get('name', ''))]
      tail = [*counts, _words(skipped)]
      found.setdefault(key, (head, [], tail))[1].append(run.letter)
  return [[*h, ', '.join(by), *tail] for h, by, tail in found.values()]


def _get(config: Any, keys: Sequence[str]) -> Any:
  for key in keys:
    config = config.get(key) if isinstance(config, dict) else None
  return config


def _words(value: Any) -> str | None:
  """Returns a list or dict as words, without what is None; or None."""
  if isinstance(value, Mapping):
    words = [f'{k} {v}' for k, v in value.items() if v is not None]
  else:
    words = [str(x) for x in value or () if x is not None]
  return ', '.join(words) or None
