"""Turns sentences into token ids, by the tokenizer.json of an encoder's folder.

An utterance alone becomes '[CLS] utterance [SEP]', all of type 0. With context
it becomes BERT's pair of sentences, in order of time: '[CLS] context [SEP]
utterance [SEP]', with type 0 up to the first [SEP] and 1 after it; or that of
RoBERTa: '<s> context </s> </s> utterance </s>', all of type 0. No mark
separates the sentences of the context.

Needs `pip install 'affect_jax[text]'`.
"""

from collections.abc import Sequence
import dataclasses
import json
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax import user_path
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.models import hugging_face
from affect_jax.models import tokenizer_json

FILE = 'tokenizer.json'
WORDS = 'vocab.txt'
# Published embedding tables are padded to a multiple of 8, 64 or 128 words.
PADDED = 128


@dataclasses.dataclass(frozen=True, eq=False)
class Tokenizer:
  """A tokenizer from `load`.

  Attributes:
    file: The tokenizer.json.
    tokenizer: The `tokenizers.Tokenizer`, set neither to cut nor to pad.
    size: Highest id + 1.
    positions: Longest sequence of the model beside it; None if unknown.
    cls, sep: Ids of [CLS] and [SEP], or what stands in their place.
    separators: How many [SEP] stand between context and utterance.
    unknown: Id of [UNK]; None if there is none.
  """

  file: str
  tokenizer: Any
  size: int
  positions: int | None
  cls: int
  sep: int
  separators: int
  unknown: int | None


@dataclasses.dataclass(frozen=True)
class Encoded:
  """Token ids of some utterances, and counts of what was lost.

  Attributes:
    ids: By utterance, with [CLS] and [SEP]: 2 to max_length of them.
    types: As long as `ids`: 0 or 1. `sentence_pair.segments` computes those of
      BERT from `ids`.
    cut_texts: How many utterances were too long by themselves. They lost
      their end and all of their context.
    cut_contexts: How many contexts lost their oldest tokens, or all of them.
    unknown: How many of all tokens are [UNK].
  """

  ids: list[list[int]]
  types: list[list[int]]
  cut_texts: int
  cut_contexts: int
  unknown: int

  def __str__(self) -> str:
    return (
      f'{len(self.ids)} utterances, {sum(map(len, self.ids))} tokens, '
      f'{self.unknown} of them unknown; cut: {self.cut_texts} utterances, '
      f'{self.cut_contexts} contexts'
    )


def load(
  folder: str | pathlib.Path, vocabulary: int | None = None
) -> Tokenizer:
  """Loads the tokenizer of a Hugging Face folder.

  The files beside tokenizer.json overrule it, see `tokenizer_json`. Cutting and
  padding that it prescribes are switched off, and '[SEP]' in a text is read as
  letters, not as the token.

  The tokenizer of another model is recognised by its size, and by the vocab.txt
  beside it if there is one. Without that file, a wrong tokenizer of the same
  size passes.

  Args:
    folder: The folder with tokenizer.json.
    vocabulary: Rows of the model's embedding table; by default vocab_size of
      the config.json beside it, if there is one.

  Raises:
    ImportError: The library `tokenizers` is not installed.
    FileNotFoundError: The folder has no tokenizer.json.
    UserError: The file is damaged; it writes neither '[CLS] a [SEP] b [SEP]'
      nor '<s> a </s> </s> b </s>'; it has more words than the model, or,
      without a vocab.txt beside it, at least PADDED fewer; or its words are not
      those of vocab.txt.
  """
  try:
    import tokenizers
  except ImportError as e:
    raise MissingExtra(
      "Tokenizing needs a library: pip install 'affect_jax[text]'."
    ) from e
  path = user_path.expand(folder) / FILE
  if not path.is_file():
    raise FileNotFoundError(
      f'{path}: no such file; the tokenizer of the model is expected here. '
      'vocab.txt alone is not enough.'
    )
  content, changed = tokenizer_json.read(path.parent)
  if changed:
    logging.info(
      '%s: files beside it overrule its %s, as in transformers.',
      path,
      ', '.join(changed),
    )
  try:
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(content))
  except Exception as e:  # The library raises nothing more precise.
    raise UserError(f'{path} is not a tokenizer ({e}).') from e
  tokenizer.no_truncation()
  tokenizer.no_padding()
  tokenizer.encode_special_tokens = True
  single, pair = tokenizer.encode('').ids, tokenizer.encode('', '').ids
  # BERT has one separator between, RoBERTa two.
  known = [single + single[1:] * n for n in (1, 2)] if len(single) == 2 else []
  if pair not in known:
    raise UserError(
      f"{path} writes neither BERT's '[CLS] a [SEP] b [SEP]' nor RoBERTa's "
      f"'<s> a </s> </s> b </s>' but {tokenizer.encode('', '').tokens} around "
      'two sentences.'
    )
  config = _read_config(path.with_name('config.json'))
  size = 1 + max(tokenizer.get_vocab().values())
  vocabulary = vocabulary or config.get('vocab_size')
  if vocabulary is not None and size > vocabulary:
    raise UserError(
      f'{path} has {size} words, but the model has vectors for {vocabulary}: '
      'it belongs to another model.'
    )
  confirmed = _check_words(path, tokenizer)
  if vocabulary is not None and vocabulary - size >= PADDED and not confirmed:
    raise UserError(
      f'{path} has {size} words, but the model has vectors for {vocabulary}, '
      f'too many to be padding (at most {PADDED - 1}): the tokenizer belongs '
      f'to another model. If it does not, put the {WORDS} of the model beside '
      'it.'
    )
  # Unigram models, as XLM-R's, name it by its number.
  unknown = content['model'].get('unk_id')
  if name := content['model'].get('unk_token'):
    unknown = tokenizer.token_to_id(name)
    if unknown is None:
      raise UserError(
        f'{path} has no token {name!r}, which stands for unknown words: give '
        f'its unk_token in {tokenizer_json.CONFIG}.'
      )
  positions = config.get('max_position_embeddings')
  if positions is not None:
    positions -= hugging_face.first_position(config)
  return Tokenizer(
    file=str(path),
    tokenizer=tokenizer,
    size=size,
    positions=positions,
    cls=single[0],
    sep=single[1],
    separators=len(pair) - len(single),
    unknown=unknown,
  )


def _check_words(path: pathlib.Path, tokenizer: Any) -> bool:
  """Returns whether a vocab.txt is beside it; ValueError if words differ."""
  file = path.with_name(WORDS)
  if not file.is_file():
    return False
  lines = file.read_text(encoding='utf-8', errors='replace').split('\n')
  words = {word: i for i, word in enumerate(lines)}
  known = tokenizer.get_vocab(with_added_tokens=False)
  for word in (*words, *sorted(known, key=known.__getitem__)):
    # Libraries do not agree on white space at the end of a line.
    if not word or word != word.strip():
      continue
    id_here, id_there = tokenizer.token_to_id(word), words.get(word)
    if id_here != id_there:
      raise UserError(
        f'{path} is not the tokenizer of {file.name} beside it: {word!r} is '
        f'{_numbered(id_here)} in {path.name} and {_numbered(id_there)} in '
        f'{file.name}.'
      )
  return True


def _numbered(number: int | None) -> str:
  return 'absent' if number is None else f'number {number}'


def _read_config(path: pathlib.Path) -> dict[str, Any]:
  if not path.is_file():
    return {}
  try:
    return dict(json.loads(path.read_text(encoding='utf-8')))
  except (TypeError, ValueError) as e:
    raise UserError(f'{path} is not a JSON object ({e}).') from e


def encode(
  tokenizer: Tokenizer,
  texts: Sequence[str],
  contexts: Sequence[Sequence[str]] | None = None,
  *,
  max_length: int = 128,
) -> Encoded:
  """Returns token ids of utterances with what was said before them.

  Too many tokens are cut from the oldest of the context first, and from the end
  of the utterance only when no context is left.

  Args:
    tokenizer: From `load`.
    texts: The utterances. An empty one becomes '[CLS] [SEP]'.
    contexts: For each utterance, the sentences before it, oldest first; may be
      empty.
    max_length: The most ids of an utterance, [CLS] and [SEP] included.

  Raises:
    UserError: max_length is below 3 or exceeds the model's positions; a text
      is not a string; the number of contexts differs from that of texts, or a
      context is a string rather than a list of strings.
  """
  if max_length < 3 or max_length > (tokenizer.positions or max_length):
    raise UserError(
      f'config.data.max_tokens is {max_length}, not in '
      f'3..{tokenizer.positions or ""}.'
    )
  contexts = [()] * len(texts) if contexts is None else contexts
  if len(contexts) != len(texts):
    raise UserError(f'{len(contexts)} contexts for {len(texts)} texts.')
  for row, (text, context) in enumerate(zip(texts, contexts, strict=True)):
    if isinstance(context, str):
      raise UserError(f'Context {row} is a string, not a list: {context!r}.')
    for part in (text, *context):
      if not isinstance(part, str):
        raise UserError(f'Text or context {row} has {part!r}, not a string.')
  library = tokenizer.tokenizer
  bare = {'add_special_tokens': False}
  own_tokens = library.encode_batch(list(texts), **bare)
  before = library.encode_batch([' '.join(c) for c in contexts], **bare)
  ids, types, cut_texts, cut_contexts = [], [], 0, 0
  for text, context in zip(own_tokens, before, strict=True):
    if len(text) > max_length - 2:
      text.truncate(max_length - 2)
      cut_texts += 1
    space = max(0, max_length - 2 - tokenizer.separators - len(text))
    if len(context) > space:
      context.truncate(space, direction='left')
      cut_contexts += 1
    if len(context):
      both = library.post_process(context, text)
    else:
      both = library.post_process(text)
    ids.append(both.ids)
    types.append(both.type_ids)
  return Encoded(
    ids=ids,
    types=types,
    cut_texts=cut_texts,
    cut_contexts=cut_contexts,
    unknown=sum(row.count(tokenizer.unknown) for row in ids),
  )


def pad(
  sequences: Sequence[Sequence[int]], length: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """Pads sequences of ids to int32 [B, T], with the mask bool [B, T].

  Args:
    sequences: `Encoded.ids` or `Encoded.types`.
    length: T; by default that of the longest.

  Raises:
    UserError: A sequence is longer than `length`.
  """
  longest = max(map(len, sequences), default=0)
  length = longest if length is None else length
  if longest > length:
    raise UserError(f'A sequence of {longest} ids does not fit in {length}.')
  ids = np.zeros((len(sequences), length), np.int32)
  mask = np.zeros(ids.shape, bool)
  for row, sequence in enumerate(sequences):
    ids[row, : len(sequence)] = sequence
    mask[row, : len(sequence)] = True
  return ids, mask
