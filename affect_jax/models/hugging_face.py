"""Reads a BERT from a Hugging Face folder: its sizes and its weights.

The folder holds config.json, model.safetensors or pytorch_model.bin, and
tokenizer.json, which `text_tokens` reads. Nothing is downloaded, and no other
library is needed.
"""

from collections.abc import Sequence
import hashlib
import json
import pathlib
from typing import Any

from absl import logging
import jax

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.models import bert
from affect_jax.models import bert_tensors
from affect_jax.models import tensor_file

CONFIG = 'config.json'
TOKENIZER = 'tokenizer.json'
WEIGHTS = ('model.safetensors', 'pytorch_model.bin')

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
# {key: the only value that is supported}; others change the network.
_FIXED = {
  'position_embedding_type': 'absolute',
  'is_decoder': False,
  'add_cross_attention': False,
}


def read_options(folder: str | pathlib.Path) -> dict[str, Any]:
  """Returns the attributes of `bert.Bert` from a folder's config.json.

  `sep` comes from its tokenizer.json; without that file it is None.

  Raises:
    FileNotFoundError: The folder or its config.json does not exist.
    UserError: The architecture is not BERT, or a value is missing or
      impossible; the message names the file and the key.
  """
  path = _existing(folder, (CONFIG,))
  config = _read_json(path)
  if config.get('model_type') != 'bert':
    raise UserError(
      f'{path}: model_type is {config.get("model_type")!r}; only '
      "'bert' is supported: BERT, MiniLM and others of that architecture."
    )
  problems = [
    f'{key} is {config[key]!r}; only {value!r} is supported'
    for key, value in _FIXED.items()
    if config.get(key, value) != value
  ]
  options: dict[str, Any] = {}
  for ours, key in _SIZES.items():
    options[ours] = value = config.get(key)
    if type(value) is not int or value < 1:
      problems.append(f'{key} is {value!r}, not a positive integer')
  for ours, key in _NUMBERS.items():
    if key in config:
      options[ours] = value = config[key]
      if type(value) not in (int, float) or not 0 <= value < 1:
        problems.append(f'{key} is {value!r}, not a number in [0, 1)')
  options['activation'] = str(config.get('hidden_act'))
  if options['activation'] not in bert.ACTIVATIONS:
    problems.append(
      f'hidden_act is {options["activation"]!r}; known: '
      f'{", ".join(bert.ACTIVATIONS)}'
    )
  if not problems and options['width'] % options['heads']:
    problems.append(
      f'hidden_size {options["width"]} is not a multiple of '
      f'num_attention_heads {options["heads"]}'
    )
  if problems:
    raise UserError(f'{path}: {"; ".join(problems)}.')
  if options['token_types'] > 1:
    options['sep'] = _read_sep(path.with_name(TOKENIZER))
  return options


def read_params(folder: str | pathlib.Path) -> dict[str, Any]:
  """Returns the parameters of the `bert.Bert` in a folder.

  Tensors may be named with or without a prefix ('bert.'), and their norms by
  the old names gamma and beta. Poolers and heads are ignored, and the log says
  so; everything else must fit exactly.

  Args:
    folder: A folder with config.json and one of `WEIGHTS`.

  Returns:
    float32 numpy arrays, nested like the model's parameters.

  Raises:
    FileNotFoundError: The folder or one of the files does not exist.
    UserError: See `read_options`, `tensor_file.read` and
      `bert_tensors.convert`; the message names the file.
  """
  options = read_options(folder)
  path = _existing(folder, WEIGHTS)
  params, ignored = bert_tensors.convert(path, tensor_file.read(path), options)
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
  for names in ((CONFIG,), WEIGHTS):
    with _existing(folder, names).open('rb') as f:
      parts.append(hashlib.file_digest(f, 'sha256').hexdigest())
  return hashlib.sha256(' '.join(parts).encode()).hexdigest()


def _read_json(path: pathlib.Path) -> dict[str, Any]:
  try:
    content = json.loads(path.read_text(encoding='utf-8'))
  except ValueError as e:
    raise UserError(f'{path}: not JSON ({e}).') from e
  if not isinstance(content, dict):
    raise UserError(f'{path}: not a JSON object but {str(content)[:60]!r}.')
  return content


def _read_sep(path: pathlib.Path) -> int | None:
  if not path.is_file():
    return None
  tokens = _read_json(path).get('added_tokens', [])
  return {token['content']: token['id'] for token in tokens}.get('[SEP]')


def _existing(folder: str | pathlib.Path, names: Sequence[str]) -> pathlib.Path:
  folder = user_path.expand(folder)
  for name in names:
    if (folder / name).is_file():
      return folder / name
  if not folder.is_dir():
    raise FileNotFoundError(
      f'{folder}: no such folder; it should hold a BERT of Hugging Face: '
      f'{CONFIG}, {WEIGHTS[0]}, {TOKENIZER}.'
    )
  files = sorted(p.name for p in folder.iterdir())[:10]
  raise FileNotFoundError(
    f'{folder}: has no {" or ".join(names)}, only {files}.'
  )
