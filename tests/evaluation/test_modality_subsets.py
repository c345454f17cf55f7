"""One model without some of its modalities: what it sees, what is printed."""

import functools
import types

import jax
import numpy as np
import pytest
from toys import utterances as toy_utterances

from affect_jax import defaults
from affect_jax.evaluation import modality_subsets
from affect_jax.models import utterance_model

NAMES = tuple(toy_utterances.DIMS)


def batch():
  """Row 0 has all, row 1 no text, row 2 fills the batch up."""
  r = np.random.default_rng(0)
  inputs = {}
  for name, dim in toy_utterances.DIMS.items():
    inputs[name] = r.normal(size=(3, 4, dim)).astype('f4')
    inputs[name + '_mask'] = np.ones((3, 4), bool)
    inputs[name + '_mask'][2] = False
  inputs['text_mask'][1] = False
  return {'id': np.array([b'a', b'b', b''], object), 'inputs': inputs}


@pytest.mark.parametrize('kept', modality_subsets.names(NAMES))
def test_samples_without_any_of_a_subset_are_seen_as_tokens(kept):
  settings = utterance_model.settings(
    defaults.get_config().utterance.to_dict() | {'fusion': 'lf_dnn'},
    toy_utterances.DIMS,
    {},
  )
  net = utterance_model.UtteranceModel((('sentiment', 1),), **settings)
  one = batch()
  apply = jax.jit(functools.partial(net.apply, train=False))
  variables = net.init(jax.random.key(0), one['inputs'], train=False)
  (left,) = modality_subsets.keep([one], NAMES, kept)
  assert left['inputs']['real'].tolist() == [True, True, False]
  out = apply(variables, left['inputs'])['sentiment']
  # Other tokens are seen by those, and only those, that lack a modality.
  changed = jax.tree.map(np.asarray, variables)
  tokens = changed['params']['backbone']['absent']
  for name in NAMES:
    tokens[f'token_{name}'] = tokens[f'token_{name}'] + 3
  other = apply(changed, left['inputs'])['sentiment']
  lacks = [kept != NAMES, True, False]
  np.testing.assert_array_equal((out != other)[:, 0], lacks)


@pytest.mark.parametrize(
  ('dropout', 'said'),
  [(0.3, 'with chance 0.3'), (0.0, 'modality_dropout is 0')],
)
def test_the_protocol_is_printed(capsys, dropout, said):
  tasks = [types.SimpleNamespace(name='sentiment', headline='mae')]
  scores = {
    kept: {'sentiment/mae': len(kept)} for kept in modality_subsets.names(NAMES)
  }
  modality_subsets.show('test', tasks, scores, dropout)
  printed = ' '.join(capsys.readouterr().out.split())
  for text in (said, 'same samples', 'audio+vision', '3.0000', 'learned token'):
    assert text in printed
