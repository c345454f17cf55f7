"""Makes the text of new utterances as a run's text was made."""

from collections.abc import Iterator, Mapping
import dataclasses
import os
from typing import Any

from affect_jax import user_path
from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterance_listing
from affect_jax.errors import UserError

# Kinds that are made from words; others are somebody else's features.
FROM_WORDS = ('tokens', 'features', 'sentence', 'words')
# What tells models of text apart.
_CHECKSUMS = ('tokenizer.json', 'text_model')


def kind_of(made: Mapping[str, str]) -> str:
  """Returns the kind of a run's text, one of `text_inputs.KINDS`."""
  return made.get('text', 'none')


def lacks(dims: Mapping[str, int], made: Mapping[str, str]) -> str:
  """Returns why words cannot become the run's text; '' if they can.

  Args:
    dims: {modality: features per step} that the run reads.
    made: How the run's text was made, as its signature has it.
  """
  if 'text' not in dims or kind_of(made) in FROM_WORDS:
    return ''
  return f'the run reads {dims["text"]} numbers that others computed from words'


def build(
  made: Mapping[str, str], dim: int, model: str = ''
) -> text_inputs.TextInputs:
  """Returns how to make text, with the model that the run's was made with.

  Args:
    made: How the run's text was made, as its signature has it.
    dim: Features per step that the run reads; 0: token ids.
    model: Folder of the text model, or file of word vectors; '': where it was
      when the run was trained.

  Raises:
    UserError: There is no such model, or it is another one.
  """
  kind = kind_of(made)
  model = model or made.get('model', '')
  listing = utterance_listing.Listing({}, {'text': dim}, {}, {})
  if kind not in FROM_WORDS:
    return text_inputs.build(kind, '', listing=listing)
  what = 'file of word vectors' if kind == 'words' else 'folder of the model'
  advice = f'give by --text_model the {what} that the run read text with.'
  options: dict[str, Any] = {}
  if kind != 'words':
    options = {
      'context': int(made.get('context', 0)),
      'max_tokens': int(made.get('max_tokens', 128)),
      'speakers': 'speakers' in made,
      'average_layers': int(made.get('average_layers', 1)),
    }
  try:
    found = text_inputs.build(kind, model, listing=listing, **options)
  except FileNotFoundError as error:
    raise UserError(f'{error} Or {advice}') from error
  if not _is_same(made, found.sources):
    raise UserError(
      f'{model} is not what this run read text with, by its checksum: {advice}'
    )
  return found


def at_once(
  text: text_inputs.TextInputs, items: Iterator[utterance_listing.Utterance]
) -> text_inputs.TextInputs:
  """Returns what knows the text of all utterances, by id, before they come.

  Word vectors are looked up for all words together, as their file is large.
  With this, features of an utterance need not wait for those of all others.
  """
  known = {item.id: x for item, x in text.read(items)}
  return dataclasses.replace(
    text, read=lambda stream: ((x, known.get(x.id)) for x in stream)
  )


def _is_same(made: Mapping[str, str], now: Mapping[str, str]) -> bool:
  if kind_of(made) == 'words':  # The key of the checksum is the file's name.
    name = os.path.basename(user_path.expand(made.get('model', '')))
    old = made.get(name)
    return old is None or old in now.values()
  return all(made[key] == now.get(key) for key in _CHECKSUMS if key in made)
