"""Checks that what JSON files of a run hold is what sections read of them."""

import pathlib
from typing import Any

from affect_jax.errors import UserError

NUMBER = (int, float, type(None))
TEXT = (str, type(None))
# Of every key that a mapping has; other mappings name the keys that they check.
EACH = '*'
_SCORES = {EACH: NUMBER}
_CORPUS = {'name': str, 'samples': {EACH: NUMBER}, 'skipped': {EACH: NUMBER}}
_LABELLER = {
  'name': str,
  **dict.fromkeys(('scored', 'coverage', 'score', 'low', 'high'), NUMBER),
  'calibration_error': NUMBER,
}
# {file: its shape}: a type or several, {key: shape}, or [shape of each].
SHAPES = {
  'config.json': {'data': dict, 'init': dict},
  'results.json': {EACH: _SCORES},
  'subsets.json': {EACH: {EACH: _SCORES}},
  'signature.json': {
    'tasks': {EACH: {'outputs': [str]}},
    'inputs': {'text_model': TEXT},
    'model': {'utterance': dict},
    'data': {EACH: _CORPUS},
  },
  'environment.json': {
    'starts': [{'devices': [str], 'packages': {EACH: object}}]
  },
}
QUALITY = {
  'split': str,
  'results': [
    {
      **dict.fromkeys(('corpus', 'task', 'output', 'metric'), str),
      **dict.fromkeys(('gold', 'commonest'), NUMBER),
      'labellers': [_LABELLER],
    }
  ],
}
# Keys of QUALITY that its section cannot do without.
NEEDED = {
  *('corpus', 'task', 'output', 'metric', 'gold', 'labellers', 'name'),
  *('score', 'low', 'high', 'coverage'),
}
_WORDS = {dict: 'an object', list: 'a list', str: 'text', NUMBER: 'a number'}
_WORDS |= {TEXT: 'text'}


def check(path: pathlib.Path, content: Any, shape: Any, key: str = '') -> None:
  """Checks content against a shape, which names only what is read.

  Args:
    path: The file, for messages.
    content: What was read.
    shape: See `SHAPES`; keys that the content lacks are not missed.
    key: Where in the file the content stands; '' is all of it.

  Raises:
    UserError: It is something else; the message names file, key and value.
  """
  kind = type(shape) if isinstance(shape, (dict, list)) else shape
  wrong = not isinstance(content, kind)
  # True is an int.
  if wrong or (kind == NUMBER and isinstance(content, bool)):
    value = repr(content)
    value = value if len(value) <= 60 else f'{value[:57]}...'
    raise UserError(
      f'{path}: {key or "its content"} is {value}; it must be '
      f'{_WORDS[kind]}. Restore the file, or write it again with the command '
      'that wrote it.'
    )
  if isinstance(shape, dict):
    for name, value in content.items():
      if (of := shape.get(name, shape.get(EACH))) is not None:
        check(path, value, of, f'{key}.{name}'.lstrip('.'))
  elif isinstance(shape, list):
    for number, value in enumerate(content):
      check(path, value, shape[0], f'{key}[{number}]')


def check_quality(path: pathlib.Path, content: Any) -> None:
  """Checks what `label.quality --json` wrote.

  Raises:
    UserError: See `check`; also if a key is missing.
  """
  check(path, content, QUALITY)
  for number, one in enumerate(content['results']):
    _need(path, one, QUALITY['results'][0], f'results[{number}]')
    for i, labeller in enumerate(one['labellers']):
      _need(path, labeller, _LABELLER, f'results[{number}].labellers[{i}]')


def _need(path, content, shape, key):
  for name in shape:
    if name in NEEDED and name not in content:
      raise UserError(
        f'{path}: {key} has no {name!r}. Write the file again with '
        'affect_jax.label.quality --json.'
      )
