"""Corpora by name: tfds builders of faces, and of utterances.

Readers are imported when one is asked for: they need TensorFlow, which
`corpora.files` does without.
"""

import functools
import importlib
import inspect
from typing import Any

from affect_jax import by_name

# {name, also of the module: the class in it}.
_CLASSES = {
  'aff_wild2': 'AffWild2',
  'affectnet': 'Affectnet',
  'raf_db': 'RafDb',
  'disfa': 'Disfa',
  'emotionet': 'Emotionet',
  'faces_csv': 'FacesCsv',
  'fer2013': 'Fer2013',
  'synthetic_faces': 'SyntheticFaces',
  'meld': 'Meld',
  'csd': 'Csd',
  'misa': 'Misa',
  'mmsa': 'Mmsa',
  'mosi': 'Mosi',
  'mult': 'Mult',
  'mustard': 'Mustard',
  'synthetic_utterances': 'SyntheticUtterances',
  'utterances_csv': 'UtterancesCsv',
}
CORPORA: dict[str, Any]  # {name: class}; see `__getattr__`.


@functools.cache
def _corpora() -> dict[str, Any]:
  return {
    name: getattr(importlib.import_module(f'{__name__}.{name}'), of)
    for name, of in _CLASSES.items()
  }


def __getattr__(name: str) -> Any:
  """Makes CORPORA when it is first asked for."""
  if name == 'CORPORA':
    return _corpora()
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def get_corpus(name: str) -> Any:
  """Returns the builder class of a corpus.

  Raises:
    UserError: the name is unknown; the message lists the known ones.
  """
  return by_name.get('corpus', name, _corpora())


def options(name: str) -> dict[str, inspect.Parameter]:
  """Options of a corpus: of its class, then those of its reader.

  Raises:
    UserError: unknown name; lists the known ones.
  """
  corpus = get_corpus(name)
  found = dict(inspect.signature(corpus).parameters)
  if listing := getattr(corpus, 'LISTING', None):
    found |= inspect.signature(listing).parameters
  return {
    option: parameter
    for option, parameter in found.items()
    if option != 'data_dir' and parameter.kind is not parameter.VAR_KEYWORD
  }
