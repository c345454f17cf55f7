"""Missing modalities become a learned vector; some go missing on purpose."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.models.fusion import absent

DIMS = {'text': 4, 'audio': 3, 'vision': 2}


def batch(rows=4):
  """Row 0 has all, row 1 no text, row 2 nothing, the rest all."""
  rng = np.random.default_rng(0)
  sequences = {
    k: rng.normal(size=(rows, 3 + i, d)).astype(np.float32)
    for i, (k, d) in enumerate(DIMS.items())
  }
  masks = {k: np.ones(x.shape[:2], bool) for k, x in sequences.items()}
  masks['audio'][0, 2:] = False
  masks['text'][1] = False
  for mask in masks.values():
    mask[2] = False
  dirty = {
    k: np.where(masks[k][..., None], x, np.float32(1e9))
    for k, x in sequences.items()
  }
  return dirty, masks


def variables_of(module):
  return module.init(jax.random.key(0), *batch(), train=False)


def test_what_is_missing_becomes_one_learned_step():
  module = absent.Absent(dropout=0.5)
  variables = variables_of(module)
  sequences, masks = batch()
  out, out_masks, seen = module.apply(variables, sequences, masks, train=False)
  assert list(out) == list(out_masks) == list(DIMS)
  assert out_masks['text'][1].tolist() == [True, False, False]
  token = variables['params']['token_text']
  assert token.shape == (4,)
  np.testing.assert_array_equal(out['text'][1, 0], token)
  for name in DIMS:
    np.testing.assert_array_equal(seen[name], masks[name].any(-1))
    # What is there stays as it is, and rows that fill up stay empty.
    assert not np.any(out_masks[name][2])
    for row in (0, 3):
      np.testing.assert_array_equal(out_masks[name][row], masks[name][row])
      there = masks[name][row]
      np.testing.assert_array_equal(
        out[name][row][there], sequences[name][row][there]
      )
    assert not np.any(np.asarray(out[name])[~np.asarray(out_masks[name])])
    assert np.asarray(out_masks[name]).any(-1).tolist() == [
      True,
      True,
      False,
      True,
    ]


def test_tokens_learn_from_rows_that_lack_them():
  module = absent.Absent()
  variables = variables_of(module)

  def total(variables):
    out, _, _ = module.apply(variables, *batch(), train=True)
    return sum((x**2).sum() for x in out.values())

  gradient = jax.grad(total)(variables)['params']
  np.testing.assert_allclose(
    gradient['token_text'], 2 * variables['params']['token_text'], rtol=1e-5
  )
  assert not np.any(gradient['token_audio'])


def test_modalities_go_missing_in_training_as_often_as_asked():
  rows = 4000
  sequences = {k: np.ones((rows, 2, d), np.float32) for k, d in DIMS.items()}
  masks = {k: np.ones((rows, 2), bool) for k in DIMS}
  rates = {'text': 0.3, 'audio': 0.5, 'vision': 0.0}
  module = absent.Absent(dropout=rates)
  variables = module.init(jax.random.key(0), sequences, masks, train=False)
  apply = lambda key: module.apply(
    variables, sequences, masks, train=True, rngs={'dropout': key}
  )
  out, out_masks, seen = apply(jax.random.key(1))
  for name, rate in rates.items():
    # One step is left of what is dropped.
    lost = np.asarray(out_masks[name]).sum(-1) == 1
    assert abs(lost.mean() - rate) < 0.03, name
    np.testing.assert_array_equal(seen[name], ~lost)
    token = variables['params'][f'token_{name}']
    np.testing.assert_array_equal(
      out[name][lost][:, 0], np.tile(token, (lost.sum(), 1))
    )
    assert np.asarray(out_masks[name])[:, 0].all()
  again, _, _ = apply(jax.random.key(1))
  other, _, _ = apply(jax.random.key(2))
  np.testing.assert_array_equal(out['text'], again['text'])
  assert np.any(np.asarray(out['text']) != np.asarray(other['text']))


def test_a_row_never_loses_all_that_it_has():
  there = np.random.default_rng(0).random((3000, 3)) < 0.5
  stays = np.asarray(absent.kept(jax.random.key(0), there, np.ones(3)))
  assert not np.any(stays & ~there)
  np.testing.assert_array_equal(stays.sum(-1), there.any(-1))
  # Of two or three, each is as likely to stay.
  full = there.all(-1)
  share = stays[full].mean(0)
  assert np.abs(share - 1 / 3).max() < 0.1
  stays = absent.kept(jax.random.key(0), there, np.full(3, 0.6))
  np.testing.assert_array_equal(stays.any(-1), there.any(-1))
  none = absent.kept(jax.random.key(0), jnp.asarray(there), np.zeros(3))
  np.testing.assert_array_equal(none, there)


def test_rates_by_modality_must_be_complete():
  with pytest.raises(ValueError, match="No option for 'audio'"):
    variables_of(absent.Absent(dropout={'text': 0.1}))
