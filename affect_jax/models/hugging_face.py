"""Reads a text encoder from a Hugging Face folder: its sizes and its weights.

The folder holds config.json, the weights (see `WEIGHTS`), and tokenizer.json,
which `text_tokens` reads. Nothing is downloaded, and no other library is
needed.
"""

from collections.abc import Mapping, Sequence
import hashlib
import pathlib
from typing import Any

from absl import logging
import jax

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.models import bert
from affect_jax.models import bert_tensors
from affect_jax.models import json_file
from affect_jax.models import tensor_file
from affect_jax.models import tokenizer_json

CONFIG = 'config.json'
TOKENIZER = 'tokenizer.json'
# The index of weights in several files names them.
INDEX = '.index.json'
WEIGHTS = (
  'model.safetensors',
  'model.safetensors' + INDEX,
  'pytorch_model.bin',
  'pytorch_model.bin' + INDEX,
)

# {attribute of `bert.Bert`: key of config.json}.
_SIZES = {
  'vocabulary': 'vocab_size',
  'width': 'hidden_size',
  'layers': 'num_hidden_layers',
  'heads': 'num_attention_heads',
  'mlp_width': 'intermediate_size',
  'positions': 'max_position_embeddings',
  'token_types': 'type_vocab_size',
}
# Likewise, but optional: early files leave them at the default.
_NUMBERS = {
  'epsilon': 'layer_norm_eps',
  'dropout': 'hidden_dropout_prob',
  'attention_dropout': 'attention_probs_dropout_prob',
}
_DISTILBERT = (
  {
    'vocabulary': 'vocab_size',
    'width': 'dim',
    'layers': 'n_layers',
    'heads': 'n_heads',
    'mlp_width': 'hidden_dim',
    'positions': 'max_position_embeddings',
  },
  {'dropout': 'dropout', 'attention_dropout': 'attention_dropout'},
  'activation',
)
_BERT = (_SIZES, _NUMBERS, 'hidden_act')
# {model_type: keys of its sizes, of its numbers, of its activation}.
_KEYS = {
  'bert': _BERT,
  'roberta': _BERT,
  'xlm-roberta': _BERT,
  'electra': _BERT,
  'distilbert': _DISTILBERT,
}
# In these, the positions of tokens follow the id of padding.
_AFTER_PADDING = ('roberta', 'xlm-roberta')
# {key: the only value that is supported}; others change the network.
_FIXED = {
  'position_embedding_type': 'absolute',
  'is_decoder': False,
  'add_cross_attention': False,
}


def read_options(folder: str | pathlib.Path) -> dict[str, Any]:
  """Returns the attributes of `bert.Bert` from a folder's config.json.

  `sep` and `separators` come from its tokenizer.json; without that file `sep`
  is None.

  Raises:
    FileNotFoundError: The folder or its config.json does not exist.
    UserError: The architecture is not one of `_KEYS`, a value is missing or
      impossible, or the model has token types, but its tokenizer writes nothing
      between two sentences; the message names the file and the key.
  """
  path = _existing(folder, (CONFIG,))
  config = json_file.read(path)
  kind = config.get('model_type')
  if kind not in _KEYS:
    raise UserError(
      f'{path}: model_type is {kind!r}; supported are '
      f'{", ".join(map(repr, _KEYS))}: BERT, MiniLM and others of these '
      'architectures.'
    )
  sizes, numbers, activation = _KEYS[kind]
  problems = [
    f'{key} is {config[key]!r}; only {value!r} is supported'
    for key, value in _FIXED.items()
    if config.get(key, value) != value
  ]
  options: dict[str, Any] = {}
  for ours, key in sizes.items():
    options[ours] = value = config.get(key)
    if type(value) is not int or value < 1:
      problems.append(f'{key} is {value!r}, not a positive integer')
  for ours, key in numbers.items():
    if key in config:
      options[ours] = value = config[key]
      if type(value) not in (int, float) or not 0 <= value < 1:
        problems.append(f'{key} is {value!r}, not a number in [0, 1)')
  options['activation'] = str(config.get(activation))
  if options['activation'] not in bert.ACTIVATIONS:
    problems.append(
      f'{activation} is {options["activation"]!r}; known: '
      f'{", ".join(bert.ACTIVATIONS)}'
    )
  if not problems and options['width'] % options['heads']:
    problems.append(
      f'{sizes["width"]} {options["width"]} is not a multiple of '
      f'{sizes["heads"]} {options["heads"]}'
    )
  if not problems:
    problems = _add_embeddings(options, config, kind)
  if problems:
    raise UserError(f'{path}: {"; ".join(problems)}.')
  return options | _read_template(path.with_name(TOKENIZER), options)


def _add_embeddings(
  options: dict[str, Any], config: Mapping[str, Any], kind: str
) -> list[str]:
  """Adds how the embeddings differ from BERT's; returns problems."""
  options.setdefault('token_types', 0)
  if kind == 'electra':
    width = config.get('embedding_size', 128)
    if type(width) is not int or width < 1:
      return [f'embedding_size is {width!r}, not a positive integer']
    if width != options['width']:
      options['embedding_width'] = width
  if first := first_position(config):
    options['first_position'] = first
    options['positions'] -= first
    if options['positions'] < 1:
      return [
        f'max_position_embeddings is {config["max_position_embeddings"]}, but '
        f'the first token is at position {first}'
      ]
  return []


def first_position(config: Mapping[str, Any]) -> int:
  """Returns the position of the first token, from a config.json's content.

  The longest sequence is max_position_embeddings less this number.
  """
  if config.get('model_type') not in _AFTER_PADDING:
    return 0
  padding = config.get('pad_token_id', 1)
  return padding + 1 if type(padding) is int and padding >= 0 else 2


def read_params(folder: str | pathlib.Path) -> dict[str, Any]:
  """Returns the parameters of the `bert.Bert` in a folder.

  Tensors may be named with or without a prefix ('roberta.'), and their norms by
  the old names gamma and beta. Poolers and heads are ignored, and the log says
  so; everything else must fit exactly.

  Args:
    folder: A folder with config.json and one of `WEIGHTS`.

  Returns:
    float32 numpy arrays, nested like the model's parameters.

  Raises:
    FileNotFoundError: The folder or one of the files does not exist.
    UserError: An index of several files is damaged; or see `read_options`,
      `tensor_file.read` and `bert_tensors.convert`. The message names the file.
  """
  options = read_options(folder)
  path = _existing(folder, WEIGHTS)
  tensors: dict[str, Any] = {}
  for file in _files(path):
    tensors |= tensor_file.read(file)
  params, ignored = bert_tensors.convert(path, tensors, options)
  logging.info(
    '%d tensors loaded from %s; ignored: %s',
    len(jax.tree.leaves(params)),
    path,
    ', '.join(ignored) or 'none',
  )
  return params


def load(folder: str | pathlib.Path) -> tuple[dict[str, Any], dict[str, Any]]:
  """Returns (options, params) of the `bert.Bert(**options)` in a folder."""
  return read_options(folder), read_params(folder)


def fingerprint(folder: str | pathlib.Path) -> str:
  """Returns the sha256 of a folder's sizes and weights, as 64 hex digits.

  Raises:
    FileNotFoundError: The folder or one of the files does not exist.
  """
  parts = []
  weights = _existing(folder, WEIGHTS)
  for file in (_existing(folder, (CONFIG,)), *_files(weights)):
    with file.open('rb') as f:
      parts.append(hashlib.file_digest(f, 'sha256').hexdigest())
  return hashlib.sha256(' '.join(parts).encode()).hexdigest()


def _read_template(
  path: pathlib.Path, options: Mapping[str, Any]
) -> dict[str, Any]:
  """Returns `sep` and, if it is not 1, `separators` of `bert.Bert`."""
  if not path.is_file():
    return {'sep': None}
  content, _ = tokenizer_json.read(path.parent)
  sep, separators = tokenizer_json.separator(content)
  if sep is None and options['token_types'] > 1:
    raise UserError(
      f'{path} writes no token such as [SEP] between two sentences, but the '
      f'model has {options["token_types"]} token types, which such a token '
      'tells apart: the tokenizer belongs to another model, or has lost its '
      'post_processor.'
    )
  return {'sep': sep} | ({'separators': separators} if separators > 1 else {})


def _files(path: pathlib.Path) -> list[pathlib.Path]:
  """Returns the files of weights that one of `WEIGHTS` is or lists."""
  if not path.name.endswith(INDEX):
    return [path]
  names = json_file.read(path).get('weight_map')
  if not isinstance(names, dict) or not names:
    raise UserError(
      f'{path}: has no weight_map, which names the files of the weights.'
    )
  files = []
  for name in sorted(set(map(str, names.values()))):
    # A path elsewhere is none of the model's files.
    if pathlib.PurePath(name).name != name:
      raise UserError(f'{path}: {name!r} is not the name of a file beside it.')
    if not (path.parent / name).is_file():
      raise FileNotFoundError(
        f'{path.parent / name}: no such file, but {path.name} names it: copy '
        'all files of the weights.'
      )
    files.append(path.parent / name)
  return files


def _existing(folder: str | pathlib.Path, names: Sequence[str]) -> pathlib.Path:
  folder = user_path.expand(folder)
  for name in names:
    if (folder / name).is_file():
      return folder / name
  if not folder.is_dir():
    raise FileNotFoundError(
      f'{folder}: no such folder; it should hold an encoder of Hugging Face: '
      f'{CONFIG}, {WEIGHTS[0]}, {TOKENIZER}.'
    )
  files = sorted(p.name for p in folder.iterdir())[:10]
  raise FileNotFoundError(
    f'{folder}: has no {" or ".join(names)}, only {files}.'
  )
