"""RoBERTa, XLM-R, ELECTRA, DistilBERT: states and ids of `transformers`.

Their results were stored once by tests/golden/make_encoders.py.
"""

import json
import pathlib
import runpy
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.paths import GOLDEN

from affect_jax.corpora.features import text_tokens
from affect_jax.models import bert
from affect_jax.models import hugging_face
from affect_jax.models import sentence_pair
from affect_jax.models import utterance_model

TINY = GOLDEN / 'encoders_tiny'
MADE = runpy.run_path(str(GOLDEN / 'make_encoders.py'))
KINDS = MADE['KINDS']
kinds = pytest.mark.parametrize('kind', KINDS)


def copied(kind, tmp_path):
  return pathlib.Path(shutil.copytree(TINY / kind, tmp_path / kind))


def change_config(folder, **changes):
  path = folder / 'config.json'
  path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def states(folder, ids, mask, types=None):
  options, params = hugging_face.load(folder)
  model = bert.Bert(**options)
  run = lambda p, i, m, t: model.apply(
    {'params': p}, i, m, train=False, token_types=t, method='states'
  )
  ids, mask = (jnp.asarray(x) for x in (ids, mask))
  return jax.jit(run)(params, ids, mask, types)


@kinds
def test_every_state_is_that_of_transformers(kind):
  golden = np.load(TINY / kind / 'states.npz')
  types = jnp.asarray(golden['types']) if kind == 'electra' else None
  found = np.stack(states(TINY / kind, golden['ids'], golden['mask'], types))
  assert np.abs(golden['states']).max() > 1
  np.testing.assert_allclose(found, golden['states'], atol=1e-4)


@kinds
def test_states_live(kind):
  """The same with the installed version of transformers."""
  torch = pytest.importorskip('torch')
  transformers = pytest.importorskip('transformers')
  model = transformers.AutoModel.from_pretrained(TINY / kind)
  golden = np.load(TINY / kind / 'states.npz')
  inputs = [golden[name] for name in ('ids', 'mask', 'types')]
  assert torch.is_tensor(next(model.parameters()))
  np.testing.assert_allclose(
    MADE['states_of'](model, *inputs), golden['states'], atol=1e-5
  )


@kinds
def test_ids_are_those_of_transformers(kind):
  pytest.importorskip('tokenizers', reason="pip install 'affect_jax[text]'")
  golden = np.load(TINY / kind / 'states.npz')
  tokenizer = text_tokens.load(TINY / kind)
  assert tokenizer.positions == (42 if kind == 'electra' else 40)
  sentences = MADE['SENTENCES']
  found = text_tokens.encode(tokenizer, sentences, max_length=40)
  assert (found.cut_texts, found.cut_contexts) == (0, 0)
  # Every text can be written in the bytes that RoBERTa reads.
  assert (found.unknown == 0) == (kind == 'roberta')
  for i in range(len(sentences)):
    assert found.ids[i] == golden[f'sentence{i}'].tolist()
  before, texts = zip(*MADE['PAIRS'], strict=True)
  found = text_tokens.encode(
    tokenizer, texts, [[b] for b in before], max_length=40
  )
  options = hugging_face.read_options(TINY / kind)
  separators = options.get('separators', 1)
  assert separators == (2 if 'roberta' in kind else 1)
  assert options['sep'] == tokenizer.sep
  for i in range(len(texts)):
    assert found.ids[i] == golden[f'pair{i}'].tolist()
    # What stands after the context and its marks: the utterance and its end.
    ids = jnp.asarray([found.ids[i]])
    own = sentence_pair.utterance_mask(
      ids, jnp.ones(ids.shape, bool), tokenizer.sep, separators
    )
    alone = text_tokens.encode(tokenizer, texts, max_length=40).ids[i]
    assert np.asarray(ids[own]).tolist() == alone[1:]


@pytest.mark.parametrize(
  ('length', 'cut_texts', 'cut_contexts'), [(12, 0, 1), (9, 0, 1), (5, 1, 1)]
)
def test_two_separators_fit_into_the_length(length, cut_texts, cut_contexts):
  pytest.importorskip('tokenizers', reason="pip install 'affect_jax[text]'")
  tokenizer = text_tokens.load(TINY / 'xlm_roberta')
  found = text_tokens.encode(
    tokenizer, ['a day'], [['the sea by the sea']], max_length=length
  )
  assert len(found.ids[0]) <= length
  assert (found.cut_texts, found.cut_contexts) == (cut_texts, cut_contexts)


def test_what_differs_from_bert():
  options = {k: hugging_face.read_options(TINY / k) for k in KINDS}
  assert {k: o['positions'] for k, o in options.items()} == {
    'roberta': 40,
    'xlm_roberta': 40,
    'electra': 42,
    'distilbert': 40,
  }
  assert options['roberta']['first_position'] == 2
  assert options['electra']['embedding_width'] == 8
  assert options['distilbert']['token_types'] == 0


@kinds
def test_what_is_frozen_exists(kind):
  options, params = hugging_face.load(TINY / kind)
  paths = utterance_model.frozen_paths({'frozen_stages': 2}, options)
  frozen = {path.removeprefix('backbone/text/') for path in paths}
  assert frozen == set(params) - {'layer1'}
  assert utterance_model.frozen_paths({'frozen_stages': 0}, options) == ()


def test_longer_than_the_table_of_positions():
  ids = np.full((1, 41), 5)
  with pytest.raises(ValueError, match=r'41 tokens, but .* only 40 positions'):
    states(TINY / 'roberta', ids, ids > 0)


def test_weights_in_several_files(tmp_path):
  folder = copied('xlm_roberta', tmp_path)
  before = hugging_face.fingerprint(folder)
  shard = folder / 'model-00002-of-00003.safetensors'
  data = bytearray(shard.read_bytes())
  data[-1] ^= 1
  shard.write_bytes(data)
  assert hugging_face.fingerprint(folder) != before
  shard.unlink()
  with pytest.raises(
    FileNotFoundError, match=r'model-00002.*no such file.*copy all files of'
  ):
    hugging_face.read_params(folder)
  index = folder / 'model.safetensors.index.json'
  index.write_text(json.dumps({'weight_map': {'a': '../a.safetensors'}}))
  with pytest.raises(ValueError, match=r"'\.\./a.*not the name of a file besi"):
    hugging_face.read_params(folder)
  index.write_text('{}')
  with pytest.raises(ValueError, match=r'index\.json: has no weight_map'):
    hugging_face.read_params(folder)


@pytest.mark.parametrize(
  ('kind', 'changes', 'message'),
  [
    ('electra', {'embedding_size': '8'}, r"embedding_size is '8', not a pos"),
    ('electra', {'embedding_size': 4}, r'bias has shape \(8,\), not \(4,\)'),
    ('distilbert', {'n_layers': 0}, r'n_layers is 0, not a positive integer'),
    ('distilbert', {'activation': 'silu'}, r"activation is 'silu'; known: "),
    ('distilbert', {'n_heads': 3}, r'dim 16 is not a multiple of n_heads 3'),
    (
      'roberta',
      {'max_position_embeddings': 2},
      r'max_position_embeddings is 2, but the first token is at position 2',
    ),
    ('distilbert', {'n_layers': 1}, r'transformer\.layer\.1\..* is unexpected'),
  ],
)
def test_impossible_settings(tmp_path, kind, changes, message):
  folder = copied(kind, tmp_path)
  change_config(folder, **changes)
  with pytest.raises(ValueError, match=message):
    hugging_face.load(folder)
