"""What the modality 'text' of a corpus of utterances is made of.

given     the corpus' own word vectors or features
none      nothing: no text
tokens    token ids of a BERT-like model, to be fine-tuned
features  the hidden states of that model, computed once and kept
words     vectors of words, as those of GloVe
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import itertools
import pathlib
from typing import Any

from absl import logging
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.features import text_tokens
from affect_jax.corpora.features import word_vectors
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.models import bert
from affect_jax.models import hugging_face
from affect_jax.tasks import base

KINDS = ('given', 'none', 'tokens', 'features', 'words')
# Utterances that are tokenized, and sorted by length, at once; and rows and
# lengths of what goes through a model, so that few shapes are compiled.
BLOCK = 512
ROWS = 32
MULTIPLE = 16

Pair = tuple[utterance_listing.Utterance, np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class TextInputs:
  """How to make the text of utterances.

  Attributes:
    kind: Of KINDS.
    dim: Features per step; 0: token ids, or none.
    sources: {file or option: its sha256 or value}.
    read: Utterances, those of a dialogue in their order -> the same, each
      with its text [T, D] or ids [T], or None where there is none.
  """

  kind: str
  dim: int
  sources: Mapping[str, str]
  read: Callable[[Iterator[utterance_listing.Utterance]], Iterator[Pair]]


def build(
  kind: str,
  model: str,
  *,
  listing: utterance_listing.Listing,
  context: int = 0,
  max_tokens: int = 128,
  speakers: bool = False,
  average_layers: int = 1,
) -> TextInputs:
  """Checks what is asked for; nothing is computed yet.

  Args:
    kind: Of KINDS.
    model: A folder for 'tokens' and 'features', a file for 'words'.
    listing: Of the corpus.
    context: Sentences before an utterance that its ids include, at most:
      `Utterance.context` and earlier turns of its dialogue.
    max_tokens: Of an utterance and its context, at most.
    speakers: The ids of each sentence begin with who said it, 'NAME: ', where
      that is known (EmoBERTa: Kim and Vossen, 2021).
    average_layers: Of 'features': they are the mean of the model's last n
      states; 1 is the last layer's, layers + 1 includes the embeddings.

  Raises:
    ValueError: An unknown kind, one that lacks its model, or average_layers
      that the kind does not read or the model does not have.
    FileNotFoundError: No such model.
  """
  by_name.check('text', kind, KINDS)
  if average_layers != 1 and kind != 'features':
    raise UserError(
      f"average_layers={average_layers} is an option of text='features', not "
      f'of {kind!r}; config.utterance.text.average_layers is that of tokens.'
    )
  if kind in ('given', 'none'):
    dim = listing.dims.get('text', 0) if kind == 'given' else 0
    if kind == 'given' and not dim:
      raise UserError(
        "text='given': this corpus has transcripts only; use 'tokens', "
        "'features' or 'words' with a text_model."
      )
    given = lambda item: item.sequences.get('text') if dim else None
    return TextInputs(
      kind, dim, {'text': kind}, lambda items: ((i, given(i)) for i in items)
    )
  if not model:
    raise UserError(
      f'text={kind!r} needs text_model: '
      + ('a file of word vectors.' if kind == 'words' else 'a BERT folder.')
    )
  if kind == 'words':
    return _words(model, listing)
  folder = user_path.expand(model)
  own = {
    'text': kind,
    'context': str(context),
    'max_tokens': str(max_tokens),
    **({'speakers': 'named'} if speakers else {}),
    'tokenizer.json': sources.sha256(
      sources.existing(folder / text_tokens.FILE, "the model's tokenizer")
    ),
  }
  if kind == 'tokens':
    dim = 0
    encode = lambda blocks: blocks
  else:
    options = hugging_face.read_options(folder)
    base.check_range('average_layers', average_layers, 1, options['layers'] + 1)
    dim = options['width']
    own['text_model'] = hugging_face.fingerprint(folder)
    own['steps'] = 'of the utterance, without its context'
    if average_layers != 1:
      own['average_layers'] = str(average_layers)
    encode = lambda blocks: _hidden(folder, average_layers, blocks)

  def read(items: Iterator[utterance_listing.Utterance]) -> Iterator[Pair]:
    return _unblocked(
      encode(_ids(items, folder, context, max_tokens, speakers))
    )

  return TextInputs(kind, dim, own, read)


def _words(file: str, listing: utterance_listing.Listing) -> TextInputs:
  path = sources.existing(file, 'a file of word vectors')
  dim = word_vectors.read_dim(path)

  def read(items: Iterator[utterance_listing.Utterance]) -> Iterator[Pair]:
    kept = list(items)
    words = [word_vectors.tokenize(i.transcript) for i in kept]
    counts = collections.Counter(itertools.chain.from_iterable(words))
    vectors = word_vectors.load(path, counts, dim)
    logging.info('%s', vectors)
    for item, own in zip(kept, words, strict=True):
      found = word_vectors.embed(vectors, own)
      yield item, found if len(found) else None

  return TextInputs(
    'words', dim, {'text': 'words', path.name: sources.sha256(path)}, read
  )


Block = tuple[Sequence[utterance_listing.Utterance], Sequence[Any]]


def _ids(
  items: Iterable[utterance_listing.Utterance],
  folder: pathlib.Path,
  context: int,
  max_tokens: int,
  speakers: bool,
) -> Iterator[Block]:
  """Blocks of utterances and their token ids; None where nothing was said."""
  tokenizer = text_tokens.load(folder)
  pairs = _with_context(items, context, speakers)
  while block := list(itertools.islice(pairs, BLOCK)):
    encoded = text_tokens.encode(
      tokenizer,
      [_said(item, speakers) for item, _ in block],
      [before for _, before in block],
      max_length=max_tokens,
    )
    logging.info('%s', encoded)
    yield (
      [item for item, _ in block],
      [
        np.array(ids, np.int32) if item.transcript else None
        for ids, (item, _) in zip(encoded.ids, block, strict=True)
      ],
    )


def _with_context(
  items: Iterable[utterance_listing.Utterance],
  count: int,
  speakers: bool = False,
) -> Iterator[tuple[utterance_listing.Utterance, list[str]]]:
  """Utterances with what was said before them, oldest first."""
  dialogue, before = None, []
  for item in items:
    if not item.dialogue or item.dialogue != dialogue:
      dialogue, before = item.dialogue, []
    said = list(item.context)
    if speakers and item.context_speakers:
      said = list(map(_by, item.context_speakers, said))
    said += before
    yield item, said[-count:] if count else []
    if item.transcript:
      before = [*before, _said(item, speakers)][-count:] if count else []


def _said(item: utterance_listing.Utterance, speakers: bool) -> str:
  return _by(item.speaker, item.transcript) if speakers else item.transcript


def _by(speaker: str, text: str) -> str:
  """'NAME: text'. The show is left out: it can give a label away."""
  name = speaker.rpartition('/')[2]
  return f'{name}: {text}' if name and text else text


def _hidden(
  folder: pathlib.Path, average_layers: int, blocks: Iterator[Block]
) -> Iterator[Block]:
  """Replaces ids by the hidden states of the model, f32 [T, D]."""
  options, params = hugging_face.load(folder)
  sep = options.get('sep')
  model = bert.Bert(**options, average_layers=average_layers)

  @jax.jit
  def run(params: Any, ids: jax.Array, mask: jax.Array) -> Any:
    return model.apply({'params': params}, ids, mask, train=False)

  done = 0
  for items, ids in blocks:
    there = [i for i, x in enumerate(ids) if x is not None]
    there.sort(key=lambda i: len(ids[i]))
    found: list[Any] = [None] * len(ids)
    for start in range(0, len(there), ROWS):
      rows = there[start : start + ROWS]
      longest = max(len(ids[i]) for i in rows)
      padded, mask = text_tokens.pad(
        # Always ROWS of them: another shape would be compiled anew.
        [ids[i] for i in rows] + [[]] * (ROWS - len(rows)),
        min(-(-longest // MULTIPLE) * MULTIPLE, options['positions']),
      )
      states = np.asarray(run(params, padded, mask))
      own = mask
      if sep is not None:
        own = bert.utterance_mask(jnp.asarray(padded), jnp.asarray(mask), sep)
      for row, kept, i in zip(states, np.asarray(own), rows, strict=False):
        found[i] = row[kept]
    done += len(items)
    logging.info('text features of %d utterances', done)
    yield items, found


def _unblocked(blocks: Iterator[Block]) -> Iterator[Pair]:
  for items, texts in blocks:
    yield from zip(items, texts, strict=True)
