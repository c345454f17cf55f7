"""The text of a dialogue as one sequence."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.configs import load_config
from toys.configs import write_utterances

from affect_jax import defaults
from affect_jax.data import utterance_batches
from affect_jax.models import bert
from affect_jax.models import together
from affect_jax.models import utterance_model
from affect_jax.run import build
from affect_jax.run import utterances

TEXT = {
  'vocabulary': 30,
  'width': 16,
  'layers': 2,
  'heads': 2,
  'mlp_width': 24,
  'positions': 40,
  'sep': 3,
}


def tokens(lengths, width=6, seed=0):
  """Ids and mask of dialogues with utterances of these lengths."""
  r = np.random.default_rng(seed)
  ids = r.integers(4, 30, (*np.shape(lengths), width)).astype('i4')
  mask = np.arange(width) < np.asarray(lengths)[..., np.newaxis]
  return ids, mask


pytestmark = pytest.mark.usefixtures('quick_runs')

LENGTHS = [[3, 0, 6, 2], [1, 5, 0, 0]]


def test_packed_tokens_stand_one_after_another():
  ids, mask = tokens(LENGTHS)
  packed, there, places = jax.jit(together.pack, static_argnums=2)(
    ids, mask, 13
  )
  for row in range(2):
    own = ids[row][mask[row]]  # In order of utterance and step.
    np.testing.assert_array_equal(packed[row][: len(own)], own)
    np.testing.assert_array_equal(there[row], np.arange(13) < len(own))
  x = jnp.asarray(packed, jnp.float32)[..., np.newaxis]
  back = together.unpack(x, places)
  np.testing.assert_array_equal(back[..., 0], np.where(mask, ids, 0))


def network(across=True):
  backbone = {
    'fusion': 'lf_dnn',
    'fusion_options': (('hidden', 8), ('width', 8)),
    'read_across': across,
    'text': utterance_model.pairs(TEXT),
  }
  return utterance_model.UtteranceModel(
    (('sentiment', 1),), utterance_model.pairs(backbone)
  )


def inputs(ids, mask, length):
  found = {
    'text': ids,
    'text_mask': mask,
    'utterance_mask': mask.any(-1),
  }
  if length:
    found['packed_text_shape'] = np.zeros((len(ids), length), bool)
  return found


def predictor(across):
  net = network(across)
  apply = jax.jit(functools.partial(net.apply, train=False))
  variables = jax.jit(functools.partial(net.init, train=False))(
    jax.random.key(0), inputs(*tokens(LENGTHS), 13)
  )
  return lambda *x: np.asarray(apply(variables, inputs(*x))['sentiment'])


@pytest.fixture(scope='module')
def predict():
  return predictor(across=True)


@pytest.fixture(scope='module')
def predict_alone():
  return predictor(across=False)


def test_utterances_of_a_dialogue_read_each_other_and_no_other(predict):
  ids, mask = tokens(LENGTHS)
  one = predict(ids, mask, 13)
  changed = ids.copy()
  changed[0, 3, 1] = (ids[0, 3, 1] + 1) % 30
  other = predict(changed, mask, 13)
  assert not np.isclose(one[0, 0], other[0, 0], atol=1e-6)
  np.testing.assert_array_equal(one[1], other[1])


def test_padding_of_utterances_and_dialogues_changes_nothing(predict):
  ids, mask = tokens(LENGTHS)
  one = predict(ids, mask, 13)
  wide_ids = np.full((2, 4, 9), 29, np.int32)
  wide_ids[..., :6] = np.where(mask, ids, 7)
  wide_mask = np.zeros((2, 4, 9), bool)
  wide_mask[..., :6] = mask
  other = predict(wide_ids, wide_mask, 40)
  there = mask.any(-1)
  np.testing.assert_allclose(one[there], other[there], atol=1e-5)


def test_utterances_that_do_not_read_across_are_read_as_alone(predict_alone):
  ids, mask = tokens(LENGTHS)
  in_a_row, alone = predict_alone(ids, mask, 13), predict_alone(ids, mask, 0)
  there = mask.any(-1)
  np.testing.assert_allclose(in_a_row[there], alone[there], atol=1e-5)
  assert np.ptp(alone[there]) > 1e-3


def test_an_only_utterance_is_what_bert_makes_of_it(predict):
  ids, mask = tokens([[5, 0]])
  # No [SEP] in it: token types are 0 either way.
  together_, apart = predict(ids, mask, 16), predict(ids, mask, 0)
  np.testing.assert_allclose(together_[0, 0], apart[0, 0], atol=1e-5)


def test_states_are_those_of_the_sentences_in_a_row():
  ids, mask = tokens([[3, 4]])
  net = bert.Bert(**TEXT)
  packed, there, _ = together.pack(ids, mask, 9)
  row = np.concatenate([ids[0, 0, :3], ids[0, 1, :4]])[np.newaxis]
  types = np.zeros_like(row)
  whole = np.ones((1, 7), bool)
  init, apply = (
    jax.jit(functools.partial(f, train=False)) for f in (net.init, net.apply)
  )
  variables = init(jax.random.key(0), row, whole)
  expected = apply(variables, row, whole, token_types=types)
  own = apply(variables, packed, there, token_types=np.zeros_like(packed))
  np.testing.assert_allclose(own[:, :7], expected, atol=1e-5)


def rows(*dialogues):
  return [
    {
      'id': np.array([b'a%d' % i for i in range(len(lengths))], object),
      'text': np.ones((len(lengths), max(lengths)), np.int32),
      'text_length': np.array(lengths),
      'labels': {},
      'weights': {},
    }
    for lengths in dialogues
  ]


def test_batches_have_room_for_the_longest_dialogue():
  batch = utterance_batches.collate(
    rows([3, 4], [9, 8]), 3, {'text': 0}, (16,), 2, (8, 16, 32)
  )
  assert batch['inputs']['packed_text_shape'].shape == (3, 32)
  assert batch['inputs']['text'].shape == (3, 2, 16)


def test_a_dialogue_without_room_is_an_error_before_training(tmp_path):
  c = load_config('meld')
  write_utterances('meld', c, tmp_path)
  c.data.data_dir = str(tmp_path / 'data')
  c.data.window = 16
  c.utterance.together = (8, 16)
  message = r"meld\[(\w+)\]: .* '\1/dia0_utt0' has \d\d tokens.*\(8, 16\)"
  with pytest.raises(ValueError, match=message):
    build.build(c)


@pytest.mark.parametrize(
  ('dim', 'window', 'context', 'message'),
  [
    (0, 0, 0, r'config\.data\.window'),
    (300, 4, 0, r"data\.text='tokens'"),
    (0, 4, 2, 'context of meld must be 0, not 2'),
  ],
)
def test_settings_that_do_not_fit_are_refused(dim, window, context, message):
  c = defaults.get_config()
  c.utterance.together = (64,)
  c.data.corpora = {'meld': {'context': context}}
  with pytest.raises(ValueError, match=message):
    utterances.check_together(c, {'text': dim}, window)
