"""Options of corpora that predicting reads, without where files lie here."""

from collections.abc import Mapping
import pathlib
import typing
from typing import Any

from affect_jax import corpora

# Files of MUStARD that its reader looks for below the folder that it is given,
# so that their bare names say nothing of this machine.
_BELOW = ('folds', 'text_features', 'audio_features', 'vision_features')


def of_data(data: Mapping[str, Any]) -> dict[str, Any]:
  """Returns what a published model keeps of config.data, of utterances."""
  if several := data.get('corpora'):
    return {
      'corpora': {
        name: _of_corpus({'corpus': name, **own})
        for name, own in several.items()
      }
    }
  return _of_corpus(data)


def _of_corpus(options: Mapping[str, Any]) -> dict[str, Any]:
  if not (reader := options.get('corpus')):
    return {}
  known = corpora.options(reader)
  return {'corpus': reader} | {
    name: value
    for name, value in options.items()
    if name in known
    and (
      not _is_path(name, known[name].annotation)
      or (reader == 'mustard' and name in _BELOW and _is_bare(value))
    )
  }


def _is_path(name: str, annotation: Any) -> bool:
  return name == 'text_model' or any(
    x is pathlib.Path for x in (annotation, *typing.get_args(annotation))
  )


def _is_bare(value: Any) -> bool:
  return isinstance(value, str) and not {'/', '\\'} & {*value}
