"""A folder's tokenizer.json, as Hugging Face's `transformers` reads it.

Other files win over it: tokenizer_config.json, special_tokens_map.json and
added_tokens.json. What is computed here are the changes that transformers 5.24
makes on the way (`AutoTokenizer`, `TokenizersBackend`); versions 4 make the
same of do_lower_case, strip_accents, tokenize_chinese_chars, RoBERTa's
add_prefix_space and added tokens, and keep the file's pre_tokenizer, template
and other normalizers, which 5 makes those of the class. No library is needed.
"""

from collections.abc import Mapping
import hashlib
import json
import pathlib
from typing import Any

from affect_jax.errors import UserError
from affect_jax.models import json_file
from affect_jax.models import tokenizer_classes

FILE = 'tokenizer.json'
CONFIG = 'tokenizer_config.json'
SPECIAL = 'special_tokens_map.json'
ADDED = 'added_tokens.json'
# Settings that name a token each.
NAMED = tuple(
  f'{name}_token' for name in ('bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask')
)
# What a text cannot write, whatever the files say: it is read as letters.
MARKS = {
  *('[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'),
  *('<s>', '</s>', '<pad>', '<unk>', '<mask>'),
}


def read(folder: pathlib.Path) -> tuple[dict[str, Any], list[str]]:
  """Returns the content of a folder's tokenizer.json, and what was changed.

  Tokens that a text may hold, which the files call special, are no longer
  special in it: the library then finds them in texts, as transformers does.

  Args:
    folder: It has a tokenizer.json.

  Returns:
    (content, names of its parts that other files overrule).

  Raises:
    UserError: A file is damaged, or the class of the tokenizer needs a token
      that the vocabulary lacks.
  """
  content = json_file.read(folder / FILE)
  if not isinstance(content.get('model'), dict):
    return content, []
  settings = _settings(folder)
  try:
    changes = _changes(content, settings, _class_name(folder, settings))
    added = _added_tokens(folder, content, settings, changes)
  except UserError as e:
    raise UserError(f'{folder}: {e}') from e
  except (AttributeError, KeyError, TypeError, ValueError) as e:
    raise UserError(
      f'{folder}: {FILE} or a file beside it ({CONFIG}, {SPECIAL}, {ADDED}) is '
      f'damaged ({type(e).__name__}: {e}).'
    ) from e
  by_text = {x['content']: x for x in content.get('added_tokens') or []}
  if {x['content']: x for x in added} != by_text:
    changes['added_tokens'] = added
  changes = {k: v for k, v in changes.items() if v != content.get(k)}
  return content | changes, sorted(changes)


def checksum(folder: pathlib.Path) -> str:
  """Returns the sha256 of what `read` returns, as 64 hex digits.

  It is that of the file if no other file overrules it.
  """
  content, changed = read(folder)
  data = (folder / FILE).read_bytes()
  if changed:
    data = json.dumps(content, sort_keys=True).encode()
  return hashlib.sha256(data).hexdigest()


def separator(content: Mapping[str, Any]) -> tuple[int | None, int]:
  """Returns the id of the token between two sentences, and how many there are.

  Args:
    content: Of a tokenizer.json.

  Returns:
    (id, number): (3, 1) of '[CLS] a [SEP] b [SEP]', (2, 2) of '<s> a </s> </s>
    b </s>'; (None, 0) if nothing, or different tokens, are between.
  """
  _, pair = tokenizer_classes.written(content.get('post_processor'))
  parts: list[Any] = [part for part, _ in pair]
  if 'A' not in parts or 'B' not in parts:
    return None, 0
  between = parts[parts.index('A') + 1 : parts.index('B')]
  return (between[0], len(between)) if len(set(between)) == 1 else (None, 0)


def _settings(folder: pathlib.Path) -> dict[str, Any]:
  """Returns tokenizer_config.json, with what special_tokens_map.json adds."""
  settings = json_file.read_if_any(folder / CONFIG)
  if 'added_tokens_decoder' not in settings:
    settings |= json_file.read_if_any(folder / SPECIAL)
  return settings


def _class_name(folder: pathlib.Path, settings: Mapping[str, Any]) -> str:
  config = json_file.read_if_any(folder / 'config.json')
  name = settings.get('tokenizer_class') or config.get('tokenizer_class')
  if not name:
    name = tokenizer_classes.OF_MODEL.get(str(config.get('model_type')), '')
  return str(name).removesuffix('Fast')


def _changes(
  content: Mapping[str, Any], settings: Mapping[str, Any], class_name: str
) -> dict[str, Any]:
  """Returns the parts that the tokenizer's class builds anew."""
  key = (class_name, tokenizer_classes.algorithm(content['model']))
  if key not in tokenizer_classes.CLASSES:
    return {}
  kind = tokenizer_classes.CLASSES[key]
  names = dict(kind.tokens)
  names |= {n: _content(settings[n]) for n in names if settings.get(n)}
  known = tokenizer_classes.vocabulary(content['model'])
  # A token beyond the vocabulary has the id that some file gives it.
  for token in content.get('added_tokens') or []:
    known.setdefault(token['content'], token['id'])
  for number, token in (settings.get('added_tokens_decoder') or {}).items():
    known.setdefault(token['content'], int(number))
  for name in (kind.first, kind.last):
    if names[name] not in known:
      raise UserError(
        f'The tokenizer has no token {names[name]!r}, which a {class_name} '
        f'writes around sentences: give its {name} in {CONFIG} or {SPECIAL}, '
        f'or the {FILE} of the model.'
      )
  return kind.build(content, settings, names, known)


def _content(token: Any) -> str:
  return token if isinstance(token, str) else token['content']


def _added_tokens(
  folder: pathlib.Path,
  content: Mapping[str, Any],
  settings: Mapping[str, Any],
  changes: Mapping[str, Any],
) -> list[dict[str, Any]]:
  """Returns the tokens that are found in texts before all others, in order."""
  in_file = content.get('added_tokens') or []
  extras = _extra_tokens(settings)
  named = {_content(settings[n]) for n in NAMED if settings.get(n)}
  special = named | set(map(_content, extras))
  if 'added_tokens_decoder' in settings:
    listed = {
      int(number): dict(token)
      for number, token in settings['added_tokens_decoder'].items()
    }
  else:
    listed = {
      number: _token(text, special=text in special)
      for text, number in json_file.read_if_any(folder / ADDED).items()
    }
    listed |= {token['id']: dict(token) for token in in_file}
  # A class that is built anew knows none but those.
  found = {} if changes else {t['content']: dict(t) for t in in_file}
  for _, token in sorted(listed.items()):
    found[token['content']] = {**_token(token['content']), **token}
  for token in extras:
    given = {} if isinstance(token, str) else token
    text = _content(token)
    found.setdefault(text, {**_token(text, special=True), **_flags(given)})
  numbers = tokenizer_classes.vocabulary(content['model'])
  free = len(numbers)
  for text, token in found.items():
    # As the library numbers them.
    token['id'] = numbers.get(text, free)
    free = max(free, token['id'] + 1)
    token['special'] = bool(token['special']) and text in MARKS | named
  return list(found.values())


def _extra_tokens(settings: Mapping[str, Any]) -> list[Any]:
  """Returns further tokens that the settings call special."""
  extras = settings.get('extra_special_tokens')
  extras = extras or settings.get('additional_special_tokens') or []
  own = [
    token
    for name, token in settings.items()
    if name.endswith('_token') and name not in NAMED and isinstance(token, str)
  ]
  return [*own, *(extras.values() if isinstance(extras, dict) else extras)]


def _token(text: str, special: bool = False) -> dict[str, Any]:
  flags = dict.fromkeys(('single_word', 'lstrip', 'rstrip'), False)
  return {
    **{'id': 0, 'content': text, **flags},
    **{'normalized': not special, 'special': special},
  }


def _flags(token: Mapping[str, Any]) -> dict[str, Any]:
  names = ('single_word', 'lstrip', 'rstrip', 'normalized')
  return {name: token[name] for name in names if name in token}
