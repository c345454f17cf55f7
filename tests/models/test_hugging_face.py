"""Folders of Hugging Face: names, heads, other architectures, damage."""

import json
import pathlib
import shutil

from absl import logging
import jax
import numpy as np
import pytest
import safetensors.numpy
from toys.paths import GOLDEN

from affect_jax.models import bert
from affect_jax.models import hugging_face

TINY = GOLDEN / 'bert_tiny'


@pytest.fixture
def folder(tmp_path):
  """A copy of the tiny BERT that a test may spoil."""
  return pathlib.Path(shutil.copytree(TINY, tmp_path / 'bert'))


def read_tensors():
  return safetensors.numpy.load_file(TINY / 'model.safetensors')


def write_tensors(folder, tensors):
  safetensors.numpy.save_file(tensors, folder / 'model.safetensors')


def change_config(folder, **changes):
  path = folder / 'config.json'
  config = json.loads(path.read_text()) | changes
  config = {k: v for k, v in config.items() if v != 'absent'}
  path.write_text(json.dumps(config))


def test_options():
  assert hugging_face.read_options(TINY) == {
    'vocabulary': 63,
    'width': 32,
    'layers': 2,
    'heads': 4,
    'mlp_width': 64,
    'positions': 40,
    'token_types': 2,
    'activation': 'gelu',
    'epsilon': 1e-12,
    'dropout': 0.1,
    'attention_dropout': 0.1,
    'sep': 3,
  }


def test_places_and_layouts():
  params = hugging_face.read_params(TINY)
  theirs = read_tensors()
  layer, prefix = params['layer1'], 'encoder.layer.1.'
  np.testing.assert_array_equal(
    params['word']['embedding'], theirs['embeddings.word_embeddings.weight']
  )
  np.testing.assert_array_equal(
    layer['norm_mlp']['scale'], theirs[prefix + 'output.LayerNorm.weight']
  )
  np.testing.assert_array_equal(
    layer['norm_attention']['bias'],
    theirs[prefix + 'attention.output.LayerNorm.bias'],
  )
  np.testing.assert_array_equal(
    layer['mlp_in']['kernel'], theirs[prefix + 'intermediate.dense.weight'].T
  )
  query = layer['attention']['query']['kernel']
  assert query.shape == (32, 4, 8)
  # Head 2, third unit of it, from input 5.
  weight = theirs[prefix + 'attention.self.query.weight']
  assert query[5, 2, 3] == weight[2 * 8 + 3, 5]
  out = layer['attention']['out']['kernel']
  assert out.shape == (4, 8, 32)
  weight = theirs[prefix + 'attention.output.dense.weight']
  assert out[2, 3, 5] == weight[5, 2 * 8 + 3]


def test_what_is_ignored_is_said(folder, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  tensors = read_tensors()
  tensors['embeddings.position_ids'] = np.arange(40)[np.newaxis]
  write_tensors(folder, tensors)
  hugging_face.read_params(folder)
  assert len(lines) == 1
  assert f'37 tensors loaded from {folder}' in lines[0]
  ignored = 'embeddings.position_ids, pooler.dense.bias, pooler.dense.weight'
  assert lines[0].endswith(f'; ignored: {ignored}')


@pytest.mark.parametrize('prefix', ['bert.', 'model.bert.'])
def test_prefix_and_heads(folder, monkeypatch, prefix):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  tensors = {prefix + name: x for name, x in read_tensors().items()}
  tensors['cls.predictions.bias'] = np.zeros(63, np.float32)
  tensors['classifier.weight'] = np.zeros((3, 32), np.float32)
  write_tensors(folder, tensors)
  params = hugging_face.read_params(folder)
  jax.tree.map(
    np.testing.assert_array_equal, params, hugging_face.read_params(TINY)
  )
  assert 'classifier.weight, cls.predictions.bias' in lines[0]


def test_old_names_of_norms(folder):
  tensors = {
    name.replace('LayerNorm.weight', 'LayerNorm.gamma').replace(
      'LayerNorm.bias', 'LayerNorm.beta'
    ): x
    for name, x in read_tensors().items()
  }
  assert 'embeddings.LayerNorm.gamma' in tensors
  write_tensors(folder, tensors)
  jax.tree.map(
    np.testing.assert_array_equal,
    hugging_face.read_params(folder),
    hugging_face.read_params(TINY),
  )


def test_half_precision_becomes_float32(folder):
  tensors = {k: x.astype(np.float16) for k, x in read_tensors().items()}
  write_tensors(folder, tensors)
  params = hugging_face.read_params(folder)
  assert {x.dtype for x in jax.tree.leaves(params)} == {np.dtype('f4')}
  np.testing.assert_array_equal(
    params['norm']['bias'], tensors['embeddings.LayerNorm.bias'].astype('f4')
  )


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'model_type': 'deberta'},
      r"model_type is 'deberta'; supported are 'bert', 'roberta', 'xlm-",
    ),
    ({'model_type': 'absent'}, r'model_type is None'),
    ({'hidden_size': 'absent'}, r'hidden_size is None, not a positive int'),
    ({'num_hidden_layers': 0}, r'num_hidden_layers is 0'),
    ({'vocab_size': '63'}, r"vocab_size is '63'"),
    ({'hidden_act': 'silu'}, r"hidden_act is 'silu'; known: gelu, gelu_new"),
    ({'num_attention_heads': 5}, r'32 is not a multiple of .*heads 5'),
    ({'hidden_dropout_prob': 1.5}, r'hidden_dropout_prob is 1\.5, not .*0, 1'),
    (
      {'position_embedding_type': 'relative_key'},
      r"position_embedding_type is 'relative_key'; only 'absolute'",
    ),
    ({'is_decoder': True}, r'is_decoder is True; only False'),
  ],
)
def test_another_architecture_is_an_error(folder, changes, message):
  change_config(folder, **changes)
  with pytest.raises(ValueError, match=rf'config\.json: .*{message}'):
    hugging_face.load(folder)


def test_early_configs_lack_some_numbers(folder):
  change_config(folder, layer_norm_eps='absent', hidden_dropout_prob='absent')
  options = hugging_face.read_options(folder)
  assert 'epsilon' not in options
  assert bert.Bert(**options).epsilon == 1e-12


def without(name):
  return lambda tensors: {k: x for k, x in tensors.items() if k != name}


QUERY = 'encoder.layer.0.attention.self.query.weight'
NORM = 'encoder.layer.1.output.LayerNorm.bias'


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (without(NORM), r'encoder\.layer\.1\.output\.LayerNorm\.bias is missing'),
    (
      lambda w: {**w, 'encoder.layer.2.output.dense.bias': w[NORM]},
      r'encoder\.layer\.2\.output\.dense\.bias is unexpected',
    ),
    (
      lambda w: {**w, 'embeddings.norm.weight': w[NORM]},
      r'embeddings\.norm\.weight is unexpected',
    ),
    (
      lambda w: {**w, QUERY: np.zeros((32, 16), np.float32)},
      r'query\.weight has shape \(32, 16\), not \(32, 32\)',
    ),
    (
      lambda w: {**w, NORM: np.full(32, np.inf, np.float32)},
      r'encoder\.layer\.1\.output\.LayerNorm\.bias is not finite',
    ),
    (
      without('embeddings.word_embeddings.weight'),
      r'one tensor .*word_embeddings\.weight, but this file has 0',
    ),
    (
      lambda w: {**w, 'b.embeddings.word_embeddings.weight': w[NORM]},
      r'but this file has 2',
    ),
  ],
)
def test_other_tensors_are_an_error(folder, change, message):
  write_tensors(folder, change(read_tensors()))
  with pytest.raises(ValueError, match=rf'model\.safetensors: .*{message}'):
    hugging_face.read_params(folder)


def test_another_size_than_the_config_says(folder):
  change_config(folder, num_hidden_layers=3, vocab_size=64)
  with pytest.raises(ValueError, match=r'not the encoder .* and 14 more\.'):
    hugging_face.read_params(folder)


def test_damaged_files(folder):
  data = (folder / 'model.safetensors').read_bytes()
  (folder / 'model.safetensors').write_bytes(data[: len(data) // 2])
  with pytest.raises(ValueError, match=r'model\.safetensors: damaged or trun'):
    hugging_face.load(folder)
  (folder / 'config.json').write_text('{"model_type": ')
  with pytest.raises(ValueError, match=r'config\.json: not JSON'):
    hugging_face.load(folder)
  (folder / 'config.json').write_text('["bert"]')
  with pytest.raises(ValueError, match=r'config\.json: not a JSON object'):
    hugging_face.load(folder)


def test_fingerprint_changes_with_the_model_alone(folder):
  first = hugging_face.fingerprint(TINY)
  assert len(first) == 64
  (folder / 'README.md').write_text('a copy')
  assert hugging_face.fingerprint(folder) == first
  tensors = read_tensors()
  name = 'embeddings.LayerNorm.bias'
  tensors[name] = tensors[name] + 1
  write_tensors(folder, tensors)
  second = hugging_face.fingerprint(folder)
  change_config(folder, layer_norm_eps=1e-5)
  assert len({first, second, hugging_face.fingerprint(folder)}) == 3


def test_absent_files(folder):
  with pytest.raises(FileNotFoundError, match=r'nowhere: no such folder; it'):
    hugging_face.load(folder / 'nowhere')
  (folder / 'model.safetensors').unlink()
  with pytest.raises(
    FileNotFoundError, match=r'no model\.safetensors or .*pytorch_model\.bin'
  ):
    hugging_face.load(folder)
  (folder / 'config.json').unlink()
  with pytest.raises(FileNotFoundError, match=r'no config\.json, only \['):
    hugging_face.load(folder)
  shutil.copy(TINY / 'config.json', folder)
  (folder / 'tokenizer.json').unlink()
  assert hugging_face.read_options(folder)['sep'] is None


def test_token_types_need_a_separator(folder):
  path = folder / 'tokenizer.json'
  content = json.loads(path.read_text())
  # Not among the added tokens, where it was looked for: still a separator.
  path.write_text(json.dumps(content | {'added_tokens': []}))
  assert hugging_face.read_options(folder)['sep'] == 3
  path.write_text(json.dumps(content | {'post_processor': None}))
  # A BertTokenizer writes it, whatever the file says.
  assert hugging_face.read_options(folder)['sep'] == 3
  settings = {'tokenizer_class': 'PreTrainedTokenizerFast'}
  (folder / 'tokenizer_config.json').write_text(json.dumps(settings))
  with pytest.raises(
    ValueError, match=r'no token such as \[SEP\] .*2 token ty'
  ):
    hugging_face.read_options(folder)
  change_config(folder, type_vocab_size=1)
  assert hugging_face.read_options(folder)['sep'] is None


def test_state_dict_of_pytorch(folder):
  """The file that was usual before safetensors, where PyTorch is installed."""
  torch = pytest.importorskip('torch')
  (folder / 'model.safetensors').unlink()
  torch.save(
    {'bert.' + k: torch.from_numpy(x) for k, x in read_tensors().items()},
    folder / 'pytorch_model.bin',
  )
  jax.tree.map(
    np.testing.assert_array_equal,
    hugging_face.read_params(folder),
    hugging_face.read_params(TINY),
  )
