"""Makes the modality 'text' of a corpus of utterances, in one of these kinds.

given     the corpus' own word vectors or features
none      no text
tokens    token ids of a model of BERT's kind, to be fine-tuned
features  the hidden states of that model, computed once and stored
sentence  their mean over the utterance: one step, and so much less to read
words     word vectors such as GloVe's
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
from affect_jax.models import json_file
from affect_jax.models import sentence_pair
from affect_jax.models import tokenizer_json
from affect_jax.tasks import base

KINDS = ('given', 'none', 'tokens', 'features', 'sentence', 'words')
# Those that average_layers is an option of.
FROZEN = ('features', 'sentence')
# Utterances that are tokenized, and sorted by length, at once. A model reads
# ROWS of them, padded to a MULTIPLE, so that few shapes are compiled.
BLOCK = 512
ROWS = 32
MULTIPLE = 16

Pair = tuple[utterance_listing.Utterance, np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class TextInputs:
  """How to make the text of utterances.

  Attributes:
    kind: One of KINDS.
    dim: Features per step; 0: token ids, or no text.
    sources: {file or option: its sha256 or value}.
    read: Function that streams utterances, each with its text [T, D], its ids
      [T] or None; the utterances of a dialogue must come in order.
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
  """Checks the options; computes nothing yet.

  Args:
    kind: One of KINDS.
    model: A folder for 'tokens', 'features' and 'sentence', a file for 'words'.
    listing: The corpus' listing.
    context: The most sentences before an utterance that its ids include:
      `Utterance.context` and earlier turns of its dialogue.
    max_tokens: The most tokens of an utterance and its context.
    speakers: Whether each sentence begins with 'NAME: ', who said it, if that
      is known (EmoBERTa: Kim and Vossen, 2021).
    average_layers: For 'features' and 'sentence', which are the mean of the
      model's last n states: 1 is the last layer's, layers + 1 includes the
      embeddings.

  Raises:
    UserError: The kind is unknown or lacks its model, or average_layers does
      not fit the kind or the model.
    FileNotFoundError: There is no such model.
  """
  by_name.check('text', kind, KINDS)
  if average_layers != 1 and kind not in FROZEN:
    raise UserError(
      f"average_layers={average_layers} is an option of text='features' and "
      f"text='sentence', not of {kind!r}; for tokens set "
      'config.utterance.text.average_layers.'
    )
  if kind in ('given', 'none'):
    dim = listing.dims.get('text', 0) if kind == 'given' else 0
    if kind == 'given' and not dim:
      raise UserError(
        "text='given': this corpus has only transcripts; use 'tokens', "
        "'features', 'sentence' or 'words' with a text_model."
      )
    text_of = lambda item: item.sequences.get('text') if dim else None
    return TextInputs(
      kind, dim, {'text': kind}, lambda items: ((i, text_of(i)) for i in items)
    )
  if not model:
    raise UserError(
      f'text={kind!r} needs text_model: '
      + (
        'a file of word vectors.'
        if kind == 'words'
        else 'a BERT folder, or that of another encoder of Hugging Face.'
      )
    )
  if kind == 'words':
    return _words(model, listing)
  folder = user_path.expand(model)
  sources.existing(folder / text_tokens.FILE, "the model's tokenizer")
  checksums = {
    'text': kind,
    'context': str(context),
    'max_tokens': str(max_tokens),
    **({'speakers': 'named'} if speakers else {}),
    'tokenizer.json': tokenizer_json.checksum(folder),
  }
  if kind == 'tokens':
    dim = 0
    encode = lambda blocks: blocks
  else:
    options = hugging_face.read_options(folder)
    base.check_range('average_layers', average_layers, 1, options['layers'] + 1)
    dim = options['width']
    checksums['text_model'] = hugging_face.fingerprint(folder)
    checksums['steps'] = 'of the utterance, without its context'
    if not _found_before(folder, options):
      checksums['separator'] = str(options['sep'])
    if average_layers != 1:
      checksums['average_layers'] = str(average_layers)
    encode = lambda blocks: _hidden(
      folder, average_layers, blocks, mean=kind == 'sentence'
    )

  def read(items: Iterator[utterance_listing.Utterance]) -> Iterator[Pair]:
    return _unblocked(
      encode(_ids(items, folder, context, max_tokens, speakers))
    )

  return TextInputs(kind, dim, checksums, read)


def _found_before(folder: pathlib.Path, options: Mapping[str, Any]) -> bool:
  """Returns whether earlier versions separated context and utterance, too.

  They looked for the added token [SEP]; where they found none, the same folder
  gave other features.
  """
  content = json_file.read(folder / text_tokens.FILE)
  added = {t['content']: t['id'] for t in content.get('added_tokens', [])}
  return options['token_types'] > 1 and added.get('[SEP]') == options['sep']


def _words(file: str, listing: utterance_listing.Listing) -> TextInputs:
  path = sources.existing(file, 'a file of word vectors')
  dim = word_vectors.read_dim(path)

  def read(stream: Iterator[utterance_listing.Utterance]) -> Iterator[Pair]:
    items = list(stream)
    words = [word_vectors.tokenize(item.transcript) for item in items]
    counts = collections.Counter(itertools.chain.from_iterable(words))
    vectors = word_vectors.load(path, counts, dim)
    logging.info('%s', vectors)
    for item, words_of_item in zip(items, words, strict=True):
      text = word_vectors.embed(vectors, words_of_item)
      yield item, text if len(text) else None

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
  """Yields blocks of utterances and their token ids; None without words."""
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
  """Yields utterances, each with what was said before it, oldest first."""
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
  """Returns 'NAME: text', without the show, which can give a label away."""
  name = speaker.rpartition('/')[2]
  return f'{name}: {text}' if name and text else text


def _hidden(
  folder: pathlib.Path,
  average_layers: int,
  blocks: Iterator[Block],
  *,
  mean: bool,
) -> Iterator[Block]:
  """Replaces ids by the model's hidden states, f32 [T, D], or their mean."""
  options, params = hugging_face.load(folder)
  sep, separators = options.get('sep'), options.get('separators', 1)
  model = bert.Bert(**options, average_layers=average_layers)

  @jax.jit
  def run(params: Any, ids: jax.Array, mask: jax.Array) -> Any:
    return model.apply({'params': params}, ids, mask, train=False)

  done = 0
  for items, ids in blocks:
    by_length = [i for i, x in enumerate(ids) if x is not None]
    by_length.sort(key=lambda i: len(ids[i]))
    texts: list[Any] = [None] * len(ids)
    for start in range(0, len(by_length), ROWS):
      rows = by_length[start : start + ROWS]
      longest = max(len(ids[i]) for i in rows)
      padded, mask = text_tokens.pad(
        # Always ROWS of them, as each other shape would be compiled anew.
        [ids[i] for i in rows] + [[]] * (ROWS - len(rows)),
        min(-(-longest // MULTIPLE) * MULTIPLE, options['positions']),
      )
      states = np.asarray(run(params, padded, mask))
      if sep is not None:  # Without the tokens of the context.
        mask = sentence_pair.utterance_mask(
          jnp.asarray(padded), jnp.asarray(mask), sep, separators
        )
      for row, in_text, i in zip(states, np.asarray(mask), rows, strict=False):
        texts[i] = row[in_text]
        if mean:
          texts[i] = texts[i].mean(0, keepdims=True)
    done += len(items)
    logging.info('text features of %d utterances', done)
    yield items, texts


def _unblocked(blocks: Iterator[Block]) -> Iterator[Pair]:
  for items, texts in blocks:
    yield from zip(items, texts, strict=True)
