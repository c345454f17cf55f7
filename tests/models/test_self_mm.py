"""Self-MM: labels of a modality as its authors' code makes them; its losses."""

import functools

import jax
import numpy as np
import pytest
from toys import fusions

from affect_jax.models import fusion
from affect_jax.models.fusion import self_mm_labels
from affect_jax.training import parallel

WIDTHS = {'text': 3, 'audio': 2, 'vision': 2, 'fusion': 4}
LABELS = np.array([2.0, -1.0, 0.5, 0.0, -3.0, 1.0], np.float32)
# What thuiar/MMSA @a94e65d makes of LABELS and the features below in two
# epochs after the first, of two batches each.
AUTHORS = (
  {
    'text': [0.998178, -1.257099, 0.12392, 0.040972, -2.07737, 1.28653],
    'audio': [1.257575, -1.01539, 0.171419, 0.178516, -2.053021, -0.543169],
    'vision': [1.767304, -1.107655, 0.554482, 0.535258, 0.439875, -0.817869],
  },
  {
    'text': [1.999089, -2.12855, -0.695494, -0.091949, -2.167549, -0.146942],
    'audio': [2.128788, -2.007695, 0.315986, 0.274934, -1.908945, -0.839077],
    'vision': [-0.108263, 0.946172, 0.770674, 0.284486, -0.105981, -1.908934],
  },
)


def features(epochs, size, seed=0):
  """{name: [epochs, size, D]}, the fusion's drawn first."""
  rng = np.random.default_rng(seed)
  names = ('fusion', 'text', 'audio', 'vision')
  return {
    k: rng.normal(size=(epochs, size, WIDTHS[k])).astype('f4') for k in names
  }


@jax.jit
def update(bank, rows, targets, features, seen):
  return self_mm_labels.updated(bank, rows, targets, features, seen, 3.0)


def all_seen(size):
  return {k: np.ones(size, bool) for k in WIDTHS if k != 'fusion'}


def test_labels_are_those_of_the_authors_code():
  bank = self_mm_labels.empty(6, WIDTHS)
  drawn = features(3, 6)
  for epoch in range(3):
    for part in (0, 1):
      rows = np.arange(part, 6, 2, dtype=np.int32)
      x = {k: v[epoch, rows] for k, v in drawn.items()}
      bank = update(bank, rows, LABELS[rows], x, all_seen(3))
    expected = (dict.fromkeys(AUTHORS[0], LABELS), *AUTHORS)[epoch]
    np.testing.assert_array_equal(bank['labels']['fusion'], LABELS)
    for name, values in expected.items():
      np.testing.assert_allclose(
        bank['labels'][name], values, atol=2e-5, err_msg=f'{name} {epoch}'
      )


class Slow:
  """The same, a sample after another, in float64; None is not known."""

  def __init__(self, size):
    self.known = {k: [None] * size for k in WIDTHS}
    self.batches = 0

  def sides(self, name):
    there = [p for p in self.known[name] if p is not None]
    sides = (
      [x for x, y in there if y > 0],
      [x for x, y in there if y < 0],
    )
    return [np.mean(s, 0) for s in sides] if all(sides) else None

  def update(self, rows, targets, features, seen):
    n = 1 + self.batches * len(rows) // len(self.known['fusion'])
    self.batches += 1
    sides = {k: self.sides(k) for k in WIDTHS}
    done = set()
    changes = []
    for i, row in enumerate(rows):
      if row < 0 or row in done:
        continue
      done.add(row)
      y = float(targets[i])
      for name in WIDTHS:
        if name == 'fusion':
          changes.append((name, row, features[name][i], y))
        elif seen[name][i]:
          old = self.known[name][row]
          label = y if old is None else old[1]
          if n > 1 and sides[name] and sides['fusion']:
            near = {}
            for k in (name, 'fusion'):
              up, down = (
                np.sqrt(((features[k][i] - c) ** 2).sum()) for c in sides[k]
              )
              near[k] = (down - up) / (up + 1e-8)
            a, b = near[name], near['fusion']
            new = 0.5 * a / (b + 1e-8) * y + 0.5 * (y + a - b)
            new = min(max(new, -3), 3)
            label = (n - 1) / (n + 1) * label + 2 / (n + 1) * new
          changes.append((name, row, features[name][i], label))
    for name, row, x, label in changes:
      self.known[name][row] = x.astype(float), label


def test_missing_labels_modalities_and_samples_that_come_twice():
  size = 9
  rng = np.random.default_rng(1)
  targets = np.array([2, -1, 0.5, 0, -3, 1, -2, 1.5, -0.5], np.float32)
  bank, slow = self_mm_labels.empty(size, WIDTHS), Slow(size)
  drawn = features(12, 4, seed=2)
  moved = False
  for batch in range(12):
    # Samples 7 and 8 come late; 8 never has audio; some have no label.
    rows = rng.integers(0, 7 if batch < 4 else 9, 4).astype(np.int32)
    rows[rng.random(4) < 0.2] = -1
    if batch == 6:
      rows[:2] = 7
    y = np.where(rows < 0, np.float32(0), targets[rows])
    seen = {k: rng.random(4) < 0.7 for k in AUTHORS[0]}
    seen['audio'] &= rows != 8
    x = {k: v[batch] for k, v in drawn.items()}
    bank = update(bank, rows, y, x, seen)
    slow.update(rows.tolist(), y, x, seen)
    for name in WIDTHS:
      there = np.array([p is not None for p in slow.known[name]])
      np.testing.assert_array_equal(bank['known'][name], there)
      for row in np.flatnonzero(there):
        vector, label = slow.known[name][row]
        np.testing.assert_array_equal(bank['features'][name][row], vector)
        np.testing.assert_allclose(
          bank['labels'][name][row], label, atol=1e-4, err_msg=f'{name} {row}'
        )
        moved |= name != 'fusion' and abs(label - targets[row]) > 0.1
      assert not np.any(np.asarray(bank['features'][name])[~there])
  assert moved
  assert bank['batches'] == 12
  assert not bank['known']['audio'][8]


@pytest.mark.parametrize('sign', [1, -1])
def test_without_two_sides_labels_stay(sign):
  bank = self_mm_labels.empty(6, WIDTHS)
  rows, labels = np.arange(6, dtype=np.int32), sign * np.abs(LABELS)
  drawn = features(3, 6)
  for epoch in range(3):
    x = {k: v[epoch] for k, v in drawn.items()}
    bank = update(bank, rows, labels, x, all_seen(6))
  for name in WIDTHS:
    np.testing.assert_array_equal(bank['labels'][name], labels)


def test_a_batch_on_four_devices_is_one_batch():
  spread = parallel.build('jit', jax.devices()[:4])
  rows = np.array([3, 0, 5, 3, -1, 1, 4, 2], np.int32)
  one = other = self_mm_labels.empty(6, WIDTHS)
  other = jax.device_put(other, spread.replicated)
  drawn = features(3, 8)
  for epoch in range(3):
    x = {k: v[epoch] for k, v in drawn.items()}
    data = (rows, LABELS[rows], x, all_seen(8))
    one = update(one, *data)
    other = update(other, *spread.put_global(data))
  assert np.abs(one['labels']['text'] - LABELS).max() > 0.1
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), one, other
  )


def test_features_that_are_all_alike_give_numbers():
  bank = self_mm_labels.empty(6, WIDTHS)
  rows = np.arange(6, dtype=np.int32)
  x = {k: np.zeros((6, d), np.float32) for k, d in WIDTHS.items()}
  for _ in range(3):
    bank = update(bank, rows, LABELS, x, all_seen(6))
  # Ratio and gap are 0, so that half of the label goes into the mean.
  for name in AUTHORS[0]:
    twice = (LABELS / 3 + LABELS / 2 * 2 / 3) / 2 + LABELS / 2 / 2
    np.testing.assert_allclose(bank['labels'][name], twice, rtol=1e-5)


def test_errors_are_weighted_by_how_far_labels_moved():
  predictions = np.array([1.0, 2.0, -1.0, np.nan], np.float32)
  labels = np.array([0.0, 1.0, 1.0, 0.0], np.float32)
  targets = np.array([0.5, 1.0, -1.0, 3.0], np.float32)
  counts = np.array([True, True, True, False])
  error = jax.jit(self_mm_labels.weighted_error)
  expected = (np.tanh(0.5) * 1 + 0 * 1 + np.tanh(2) * 2) / 3
  found = error(predictions, labels, targets, counts)
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  assert error(predictions, labels, targets, ~counts & counts) == 0


def batch(rows=5):
  rng = np.random.default_rng(0)
  sequences = {
    k: rng.normal(size=(rows, 4, d)).astype(np.float32)
    for k, d in (('text', 4), ('audio', 3))
  }
  masks = {k: np.ones((rows, 4), bool) for k in sequences}
  return sequences, masks


def test_losses_read_labels_before_they_move():
  module = fusion.get_fusion(
    'self_mm', rows=6, fused_width=8, dropout=0.0, unimodal_weight=2.0
  )
  shapes = jax.eval_shape(
    functools.partial(module.init, train=False), jax.random.key(0), *batch()
  )
  rng = np.random.default_rng(0)
  bank = self_mm_labels.empty(6, {'text': 32, 'audio': 16, 'fusion': 8})
  variables = {
    'params': jax.tree.map(
      lambda s: rng.normal(size=s.shape).astype('f4'), shapes['params']
    ),
    'self_mm': {'bank': bank},
  }
  assert jax.tree.map(np.shape, variables) == jax.tree.map(
    lambda s: s.shape, shapes
  )
  bank['labels']['text'] = np.arange(6.0, dtype=np.float32) / 2
  bank['known']['text'] = np.ones(6, np.float32)
  y = np.array([1, -1, 0.5, 2, 0], np.float32)
  seen = {'text': np.array([1, 1, 0, 1, 1], bool), 'audio': np.ones(5, bool)}
  rows = np.array([4, 0, 1, 5, -1], np.int32)
  out, state = jax.jit(
    functools.partial(
      module.apply, train=True, mutable=['self_mm', 'auxiliary_rows']
    )
  )(variables, *batch(), train_row=rows, train_label=y, seen=seen)
  # Only here are predictions made: what they are follows from parameters.
  plain, p = batch()[0]['text'].mean(1), variables['params']
  for layer in ('dense0', 'dense1'):
    one = p[f'text_{layer}']
    plain = np.maximum(plain @ one['kernel'] + one['bias'], 0)
    if layer == 'dense0':
      kept = plain
  one = p['text_output']
  plain = (plain @ one['kernel'] + one['bias'])[:, 0]
  own = np.array([2.0, 0.0, 2.5])
  used = [0, 1, 3]
  expected = 2 * np.mean(
    np.tanh(np.abs(own - y[used])) * np.abs(plain[used] - own)
  )
  losses = module.auxiliary_losses(state['auxiliary_rows']['rows'])
  assert set(losses) == {'unimodal_text', 'unimodal_audio'}
  np.testing.assert_allclose(losses['unimodal_text'], expected, rtol=1e-4)
  # Nothing is known of audio: its labels are the annotated ones.
  assert losses['unimodal_audio'] == 0
  found = state['self_mm']['bank']
  np.testing.assert_allclose(
    found['features']['text'][np.array([4, 0, 5])], kept[used], atol=1e-5
  )
  assert found['known']['audio'].tolist() == [1, 1, 0, 0, 1, 1]
  assert found['labels']['fusion'].tolist() == [-1, 0.5, 0, 0, 1, 2]
  # Evaluation needs no bank, and says the same.
  evaluate = functools.partial(module.apply, train=False)
  bare = jax.jit(evaluate)({'params': p}, *batch())
  np.testing.assert_allclose(bare, out, rtol=1e-4, atol=1e-4)


def test_parameters_are_as_many_as_in_the_authors_code():
  # thuiar/MMSA @a94e65d without its BERT. Not here: the second, redundant bias
  # of PyTorch's LSTMs, and the output layer.
  module = fusion.get_fusion('self_mm', text='first', rows=1)
  found = fusions.count(module, fusions.MOSI)
  assert found == 159_332 - 4 * (16 + 32) - (128 + 1)


def test_text_is_read_as_asked():
  with pytest.raises(ValueError, match=r"text 'cls' .*first, lstm, mean"):
    fusion.get_fusion('self_mm', text='cls').init(
      jax.random.key(0), *batch(), train=False
    )
