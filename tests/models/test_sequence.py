"""Encoders of one modality against LSTMs and means written out in numpy."""

import jax
import numpy as np
import pytest

from affect_jax.models import encoders
from affect_jax.models import sequence
from affect_jax.models.fusion import summaries

B, T, D = 4, 6, 3
# Full; padded; with holes; nothing there.
MASK = np.array(
  [[1] * 6, [1, 1, 1, 0, 0, 0], [0, 1, 0, 0, 1, 1], [0] * 6], bool
)


def features(seed=0, shape=(B, T, D)):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def variables_of(module, x, mask):
  """Random ones everywhere: biases that are 0 would hide mistakes."""
  shapes = jax.eval_shape(
    lambda: module.init(jax.random.key(0), x, mask, train=False)
  )
  rng = np.random.default_rng(1)
  return jax.tree.map(
    lambda s: rng.normal(size=s.shape, scale=0.5).astype(np.float32), shapes
  )


def run(module, variables, x, mask):
  return np.asarray(
    jax.jit(lambda v, x, mask: module.apply(v, x, mask, train=False))(
      variables, x, mask
    )
  )


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def lstm(x, cell):
  """Hochreiter & Schmidhuber's equations over [T, D] -> [T, H]."""
  h = c = np.zeros(cell['hi']['kernel'].shape[0])
  states = []
  for step in x:
    i, f, g, o = (
      step @ cell['i' + k]['kernel']
      + h @ cell['h' + k]['kernel']
      + cell['h' + k]['bias']
      for k in 'ifgo'
    )
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    states.append(h)
  return np.array(states)


def test_steps_are_found_and_averaged():
  x = features()
  rows = [[0, 1, 2, 3, 4, 5], [0, 1, 2], [1, 4, 5]]
  dirty = np.where(MASK[..., None], x, np.nan).astype(np.float32)
  for row, steps in enumerate(rows):
    expected = x[row, steps].mean(0)
    np.testing.assert_allclose(
      sequence.mean(dirty, MASK)[row], expected, atol=1e-6
    )
    np.testing.assert_array_equal(
      sequence.first(dirty, MASK)[row], x[row, steps[0]]
    )
    np.testing.assert_array_equal(
      sequence.last(dirty, MASK)[row], x[row, steps[-1]]
    )
  both = sequence.ends(np.concatenate([dirty, -dirty], -1), MASK)
  np.testing.assert_array_equal(both[2], np.r_[x[2, 5], -x[2, 1]])
  for pool in (sequence.mean, sequence.first, sequence.last):
    assert not np.any(pool(dirty, MASK)[3])


@pytest.mark.parametrize('bidirectional', [False, True])
def test_the_lstm_reads_what_is_there(bidirectional):
  module = encoders.Lstm(4, layers=2, bidirectional=bidirectional)
  x = features()
  variables = variables_of(module, x, MASK)
  dirty = np.where(MASK[..., None], x, 1e9).astype(np.float32)
  out = run(module, variables, dirty, MASK)
  assert out.shape == (B, T, 8 if bidirectional else 4)
  assert np.isfinite(out).all()
  cells = {k: v['cell'] for k, v in variables['params'].items()}
  for row in range(3):
    expected = x[row][MASK[row]]
    for layer in range(2):
      read = [lstm(expected, cells[f'forward{layer}'])]
      if bidirectional:
        read.append(lstm(expected[::-1], cells[f'backward{layer}'])[::-1])
      expected = np.concatenate(read, -1)
    np.testing.assert_allclose(out[row][MASK[row]], expected, atol=1e-5)
    if bidirectional:
      ends = np.r_[expected[-1, :4], expected[0, 4:]]
      np.testing.assert_allclose(sequence.ends(out, MASK)[row], ends, atol=1e-5)


def test_the_lstm_is_torchs():
  torch = pytest.importorskip('torch')
  module = encoders.Lstm(4, bidirectional=True)
  x, mask = features()[:2], MASK[:2]
  variables = variables_of(module, x, mask)
  other = torch.nn.LSTM(D, 4, batch_first=True, bidirectional=True)
  with torch.no_grad():
    for end, name in (('', 'forward0'), ('_reverse', 'backward0')):
      cell = variables['params'][name]['cell']
      for kind in 'ih':
        kernel = np.concatenate([cell[kind + k]['kernel'] for k in 'ifgo'], 1)
        weight = getattr(other, f'weight_{kind}h_l0{end}')
        weight.copy_(torch.tensor(kernel.T))
      bias = np.concatenate([cell['h' + k]['bias'] for k in 'ifgo'])
      getattr(other, f'bias_hh_l0{end}').copy_(torch.tensor(bias))
      getattr(other, f'bias_ih_l0{end}').zero_()
    packed = torch.nn.utils.rnn.pack_padded_sequence(
      torch.tensor(x), mask.sum(-1), batch_first=True
    )
    states, (final, _) = other(packed)
    expected = torch.nn.utils.rnn.pad_packed_sequence(states, True)[0].numpy()
    final = final.permute(1, 0, 2).reshape(2, 8).numpy()
  out = run(module, variables, x, mask)
  np.testing.assert_allclose(out[mask], expected[mask], atol=1e-5)
  np.testing.assert_allclose(sequence.ends(out, mask), final, atol=1e-5)


@pytest.mark.parametrize('name', summaries.SUMMARIES)
def test_summaries_do_not_read_what_is_not_there(name):
  module = summaries.SUMMARIES[name](hidden=8, width=5)
  x = features()
  variables = variables_of(module, x, MASK)
  out = run(module, variables, x, MASK)
  assert out.shape == (B, 5)
  assert np.all(np.abs(out[:3]).max(-1) > 0)
  assert not np.any(out[3])
  pad = [(0, 0), (0, 9), (0, 0)]
  dirty = np.where(MASK[..., None], x, 1e9).astype(np.float32)
  dirty = np.pad(dirty, pad, constant_values=np.nan)
  longer = run(module, variables, dirty, np.pad(MASK, pad[:2]))
  np.testing.assert_allclose(out, longer, atol=1e-5)

  def total(v, x):
    return (module.apply(v, x, MASK, train=False) ** 2).sum()

  gradient, to_x = jax.jit(jax.grad(total, (0, 1)))(variables, x)
  assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))
  assert not np.any(to_x[~MASK])


def test_the_dnn_is_three_layers_on_the_mean():
  module = summaries.DnnSummary(hidden=7, width=5)
  x = features()
  variables = variables_of(module, x, MASK)
  expected = x[1, :3].mean(0)
  for i in range(3):
    layer = variables['params'][f'dense{i}']
    expected = np.maximum(expected @ layer['kernel'] + layer['bias'], 0)
  out = run(module, variables, x, MASK)
  np.testing.assert_allclose(out[1], expected, atol=1e-5)
