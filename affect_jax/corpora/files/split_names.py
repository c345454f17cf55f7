"""Names of splits, one list of synonyms for all readers."""

from collections.abc import Iterable
import pathlib
from typing import Any

from absl import logging

from affect_jax.errors import UserError

SPLITS = ('train', 'val', 'test')
# In small letters. 'eval' is missing: it means val to some, test to others.
SYNONYMS = {
  **dict.fromkeys(('train', 'training', 'trn'), 'train'),
  **dict.fromkeys(('val', 'valid', 'validation', 'vld'), 'val'),
  **dict.fromkeys(('dev', 'devel', 'development'), 'val'),
  **dict.fromkeys(('test', 'testing', 'tst'), 'test'),
}
KNOWN = 'train, val, test (or training; valid, validation, dev, devel; testing)'


def canonical(name: str) -> str:
  """Returns 'train', 'val' or 'test', whatever the case; '' if unknown."""
  return SYNONYMS.get(name.strip().lower(), '')


def unknown(what: str, name: str) -> str:
  """Says that a name, of a `what`, is none of a split, and which are."""
  return f'{what} {name!r} is not one of {KNOWN}.'


def of_keys(path: pathlib.Path, keys: Iterable[Any]) -> dict[str, Any]:
  """Returns {split: its key in a file}, in the order of SPLITS.

  Keys that are no split are named in the log.

  Raises:
    UserError: two keys mean the same split.
  """
  found: dict[str, Any] = {}
  others = []
  for key in keys:
    name = key.decode('utf-8', 'replace') if isinstance(key, bytes) else key
    split = canonical(name) if isinstance(name, str) else ''
    if not split:
      others.append(key)
    elif split in found:
      raise UserError(
        f'{path}: {found[split]!r} and {key!r} both mean the split {split}; '
        'remove one of them, or rename it.'
      )
    else:
      found[split] = key
  if others:
    logging.info(
      '%s: not read, as their names are no splits: %s.',
      path,
      ', '.join(repr(key) for key in others[:20]),
    )
  return {split: found[split] for split in SPLITS if split in found}
