"""Encoders over frames of a window, or utterances of a dialogue."""

import functools

import jax
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.models import encoders

pytestmark = pytest.mark.usefixtures('quick_runs')


@pytest.mark.parametrize('name', encoders.ENCODERS)
def test_missing_steps_change_nothing(name):
  encoder = encoders.get_encoder('temporal', name, width=8)
  rng = np.random.default_rng(0)
  x = rng.normal(size=(2, 7, 5)).astype(np.float32)
  mask = np.ones((2, 7), bool)
  mask[0, 4:] = False
  init, apply = (
    jax.jit(functools.partial(f, train=False))
    for f in (encoder.init, encoder.apply)
  )
  variables = init(jax.random.key(0), x, mask)
  whole = apply(variables, x, mask)
  other = np.where(mask[..., None], x, 1e3).astype(np.float32)
  changed = apply(variables, other, mask)
  np.testing.assert_allclose(whole[mask], changed[mask], atol=1e-5)
  short = apply(variables, x[:1, :4], mask[:1, :4])
  np.testing.assert_allclose(whole[:1, :4], short, atol=1e-5)
  # Every frame hears of the others: of those before and after it.
  for moved in (0, 6):
    nudged = x.copy()
    nudged[1, moved] += 1
    heard = apply(variables, nudged, mask) - whole
    assert np.abs(heard[1, 3]).max() > 1e-6
    assert np.abs(heard[0]).max() == 0
  empty = apply(variables, x, np.zeros_like(mask))
  assert np.isfinite(empty).all()


def test_the_lstm_of_contexts_gives_zeros_where_nothing_is():
  encoder = encoders.get_encoder('context', 'lstm', hidden=4, width=3)
  assert encoder.name == 'context'
  x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
  mask = np.arange(5)[None] < np.array([[5], [2]])
  variables = encoder.init(jax.random.key(0), x, mask, train=False)
  dirty = np.where(mask[..., None], x, np.nan).astype(np.float32)
  out = encoder.apply(variables, dirty, mask, train=False)
  assert out.shape == (2, 5, 3)
  assert not np.any(out[~mask])
  assert np.any(out[mask])


def test_encoders_are_chosen_by_name():
  message = "Unknown context encoder 'cnn'; known: gru, lstm, transformer"
  with pytest.raises(UserError, match=message):
    encoders.get_encoder('context', 'cnn')
  with pytest.raises(UserError, match="option 'heads' of temporal encoder 'l"):
    encoders.get_encoder('temporal', 'lstm', heads=2)


def test_the_gru_is_torchs(monkeypatch):
  torch = pytest.importorskip('torch')
  encoder = encoders.Gru(width=4)
  x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
  mask = np.ones((2, 6), bool)
  variables = encoder.init(jax.random.key(0), x, mask, train=False)
  other = torch.nn.GRU(3, 4, batch_first=True, bidirectional=True)
  with torch.no_grad():
    for end, name in (('', 'forward0'), ('_reverse', 'backward0')):
      cell = variables['params'][name]['cell']
      gates = [('ir', 'iz', 'in'), ('hr', 'hz', 'hn')]
      for kind, keys in zip(('ih', 'hh'), gates, strict=True):
        kernel = np.concatenate([cell[k]['kernel'] for k in keys], 1).T
        bias = np.concatenate(
          [cell[k].get('bias', np.zeros(4, np.float32)) for k in keys]
        )
        getattr(other, f'weight_{kind}_l0{end}').copy_(torch.tensor(kernel))
        getattr(other, f'bias_{kind}_l0{end}').copy_(torch.tensor(bias))
    expected = other(torch.tensor(x))[0].numpy()
  ours = encoder.apply(variables, x, mask, train=False)
  np.testing.assert_allclose(ours, expected, atol=1e-5)
