"""What classes of `transformers` build anew from a tokenizer.json's vocabulary.

Source: transformers 5.24, models/{bert,roberta,xlm_roberta}/tokenization_*.py.
"""

from collections.abc import Callable, Mapping
import dataclasses
from typing import Any

# {model_type of config.json: its class}.
OF_MODEL = {
  'bert': 'BertTokenizer',
  'distilbert': 'BertTokenizer',
  'electra': 'BertTokenizer',
  'roberta': 'RobertaTokenizer',
  'xlm-roberta': 'XLMRobertaTokenizer',
}

# (id, or 'A' or 'B' for a sentence; token type) of each part.
Parts = list[tuple[int | str, int]]


@dataclasses.dataclass(frozen=True)
class Kind:
  """A class of tokenizers.

  Attributes:
    tokens: {setting: token} by default.
    first, last: Settings of the tokens before a sentence and after it.
    build: (content of a tokenizer.json, settings, tokens, {token: id}) ->
      {part of the content: what the class makes of it}.
  """

  tokens: Mapping[str, str]
  first: str
  last: str
  build: Callable[..., dict[str, Any]]


def algorithm(model: Mapping[str, Any]) -> str:
  """Returns the type of a tokenizer.json's model, which old files lack."""
  if 'type' in model:
    return model['type']
  if 'merges' in model:
    return 'BPE'
  return 'Unigram' if isinstance(model.get('vocab'), list) else 'WordPiece'


def vocabulary(model: Mapping[str, Any]) -> dict[str, int]:
  """Returns {token: id} of a tokenizer.json's model."""
  vocab = model['vocab']
  if isinstance(vocab, list):
    return {token: i for i, (token, *_) in enumerate(vocab)}
  return dict(vocab)


def written(processor: Mapping[str, Any] | None) -> tuple[Parts, Parts]:
  """Returns what a post_processor writes of one and of two sentences.

  Both are [] where it writes nothing.
  """
  for step in (processor or {}).get('processors', [processor or {}]):
    kind = step.get('type')
    if kind in ('BertProcessing', 'RobertaProcessing'):
      first, last = step['cls'][1], step['sep'][1]
      if kind == 'RobertaProcessing':
        return _around(first, last, 2, typed=False)
      return _around(first, last, 1, typed=True)
    if kind == 'TemplateProcessing':
      tokens = step['special_tokens']
      return _parts(step['single'], tokens), _parts(step['pair'], tokens)
  return [], []


def _parts(template: list[Any], tokens: Mapping[str, Any]) -> Parts:
  parts: Parts = []
  for piece in template:
    ((kind, part),) = piece.items()
    names = [part['id']] if kind == 'Sequence' else tokens[part['id']]['ids']
    parts += [(name, part['type_id']) for name in names]
  return parts


def _around(
  first: int, last: int, separators: int, *, typed: bool
) -> tuple[Parts, Parts]:
  single: Parts = [(first, 0), ('A', 0), (last, 0)]
  between: Parts = [(last, 0)] * (separators - 1)
  return single, [*single, *between, ('B', int(typed)), (last, int(typed))]


def _processor(
  content: Mapping[str, Any],
  known: Mapping[str, int],
  first: str,
  last: str,
  separators: int,
) -> Any:
  """Returns the post_processor that writes so; the file's, if it does."""
  present = content.get('post_processor')
  typed = separators == 1
  wanted = _around(known[first], known[last], separators, typed=typed)
  if written(present) == wanted:
    return present
  names = {known[first]: first, known[last]: last}

  def piece(part: int | str, kind: int) -> dict[str, Any]:
    if part in ('A', 'B'):
      return {'Sequence': {'id': part, 'type_id': kind}}
    return {'SpecialToken': {'id': names[int(part)], 'type_id': kind}}

  single, pair = ([piece(*x) for x in parts] for parts in wanted)
  return {
    'type': 'TemplateProcessing',
    'single': single,
    'pair': pair,
    'special_tokens': {
      name: {'id': name, 'ids': [number], 'tokens': [name]}
      for number, name in names.items()
    },
  }


def _bert(
  content: Mapping[str, Any],
  settings: Mapping[str, Any],
  names: Mapping[str, str],
  known: Mapping[str, int],
) -> dict[str, Any]:
  defaults = {
    'unk_token': names['unk_token'],
    'continuing_subword_prefix': '##',
    'max_input_chars_per_word': 100,
  }
  normalizer = {
    'type': 'BertNormalizer',
    'clean_text': True,
    'handle_chinese_chars': settings.get('tokenize_chinese_chars', True),
    'strip_accents': settings.get('strip_accents'),
    'lowercase': settings.get('do_lower_case', True),
  }
  model = content['model']
  other = {k: v for k, v in defaults.items() if model.get(k, v) != v}
  return {
    'normalizer': normalizer,
    'pre_tokenizer': {'type': 'BertPreTokenizer'},
    'model': {**model, **other},
    'post_processor': _processor(
      content, known, names['cls_token'], names['sep_token'], 1
    ),
  }


def _roberta(
  content: Mapping[str, Any],
  settings: Mapping[str, Any],
  names: Mapping[str, str],
  known: Mapping[str, int],
) -> dict[str, Any]:
  pre_tokenizer = {
    'type': 'ByteLevel',
    'add_prefix_space': settings.get('add_prefix_space', False),
    'trim_offsets': True,
    'use_regex': True,
  }
  return {
    'normalizer': None,
    'pre_tokenizer': pre_tokenizer,
    'post_processor': _processor(
      content, known, names['cls_token'], names['sep_token'], 2
    ),
  }


def _xlm_roberta(
  content: Mapping[str, Any],
  settings: Mapping[str, Any],
  names: Mapping[str, str],
  known: Mapping[str, int],
) -> dict[str, Any]:
  normalizer = content.get('normalizer') or {}
  steps = normalizer.get('normalizers', [normalizer])
  tables = [s for s in steps if s.get('type') == 'Precompiled']
  scheme = 'always' if settings.get('add_prefix_space', True) else 'never'
  metaspace = {
    'type': 'Metaspace',
    'replacement': '▁',
    'prepend_scheme': scheme,
    'split': True,
  }
  return {
    'normalizer': tables[0] if tables else None,
    'pre_tokenizer': {
      'type': 'Sequence',
      'pretokenizers': [{'type': 'WhitespaceSplit'}, metaspace],
    },
    'model': {**content['model'], 'unk_id': 3},
    'post_processor': _processor(
      content, known, names['bos_token'], names['eos_token'], 2
    ),
  }


_WORD_PIECE = Kind(
  tokens={
    'unk_token': '[UNK]',
    'sep_token': '[SEP]',
    'pad_token': '[PAD]',
    'cls_token': '[CLS]',
    'mask_token': '[MASK]',
  },
  first='cls_token',
  last='sep_token',
  build=_bert,
)
_ANGLES = {
  'bos_token': '<s>',
  'eos_token': '</s>',
  'sep_token': '</s>',
  'cls_token': '<s>',
  'unk_token': '<unk>',
  'pad_token': '<pad>',
  'mask_token': '<mask>',
}
# A class has a say only over a vocabulary of its own algorithm.
CLASSES = {
  ('BertTokenizer', 'WordPiece'): _WORD_PIECE,
  ('DistilBertTokenizer', 'WordPiece'): _WORD_PIECE,
  ('ElectraTokenizer', 'WordPiece'): _WORD_PIECE,
  ('RobertaTokenizer', 'BPE'): Kind(
    _ANGLES, first='cls_token', last='sep_token', build=_roberta
  ),
  ('XLMRobertaTokenizer', 'Unigram'): Kind(
    _ANGLES, first='bos_token', last='eos_token', build=_xlm_roberta
  ),
}
