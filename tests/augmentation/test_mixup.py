"""Mixing: what pictures and labels become, and which labels still count."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.augmentation import mixup
from affect_jax.tasks import losses
from affect_jax.training import parallel

KEY = jax.random.key(3)


def batch(size=16, pixels=8, missing=0.4):
  """Numbers the rows, so that what a row was mixed with can be read off.

  The picture of row i is i / size everywhere; valence is i / size and arousal
  its square.
  """
  r = np.random.default_rng(0)
  keep = lambda *shape: (r.random(shape) >= missing).astype(np.float32)
  trust = lambda *shape: r.uniform(0.3, 1, shape).astype(np.float32)
  number = np.arange(size, dtype=np.float32) / size
  image = np.broadcast_to(
    number[:, None, None, None], (size, pixels, pixels, 3)
  )
  return (
    {'image': image.copy()},
    {
      'expression': np.eye(4, dtype=np.float32)[r.integers(0, 4, size)],
      'action_units': r.integers(0, 2, (size, 3)).astype(np.float32),
      'valence_arousal': np.stack([number, number**2], 1),
    },
    {
      'expression': keep(size) * trust(size),
      'action_units': np.repeat(keep(size, 1), 3, 1) * trust(size, 3),
      'valence_arousal': np.repeat(keep(size, 1), 2, 1) * trust(size, 2),
    },
  )


@functools.cache
def compiled(**options):
  return jax.jit(lambda a, rng: mixup.mix(*a, rng, **options))


def mix(arrays, rng=KEY, **options):
  return jax.tree.map(np.asarray, compiled(**options)(arrays, rng))


def same_labels(weights):
  """Rows' sets of annotated labels, as bytes."""
  flat = [np.reshape(w, (len(w), -1)) > 0 for w in weights.values()]
  return [row.tobytes() for row in np.concatenate(flat, 1)]


def read(labels):
  """Partners and own shares [B] behind the mixed labels of `batch`.

  From x = l a + (1 - l) b and y = l a^2 + (1 - l) b^2.
  """
  x, y = labels['valence_arousal'].astype(float).T
  size = len(x)
  a = np.arange(size) / size
  alone = np.abs(x - a) < 1e-6
  with np.errstate(invalid='ignore', divide='ignore'):
    b = (y - a * x) / (x - a)
    share = (x - b) / (a - b)
  partner = np.where(alone, np.arange(size), np.round(np.nan_to_num(b) * size))
  return partner.astype(int), np.where(alone, 1.0, share)


@pytest.mark.parametrize('partners', mixup.PARTNERS)
def test_mixup_is_the_same_share_of_pictures_and_labels(partners):
  arrays = batch()
  options = {'alpha': 1.0, 'partners': partners}
  inputs, labels, weights = mix(arrays, **options)
  partner, share = read(labels)
  # A permutation: no picture is used more often than another.
  assert sorted(partner) == list(range(16))
  assert len(set(np.round(share[share < 1], 4))) > 4
  image = arrays[0]['image'].astype(float)
  own = share[:, None, None, None]
  np.testing.assert_allclose(
    inputs['image'], own * image + (1 - own) * image[partner], atol=1e-4
  )
  for name, label in labels.items():
    own = share[:, None]
    before = arrays[1][name]
    np.testing.assert_allclose(
      label, own * before + (1 - own) * before[partner], atol=1e-4
    )
    before = arrays[2][name]
    expected = np.minimum(before, before[partner])
    np.testing.assert_array_equal(weights[name], expected)
  np.testing.assert_allclose(labels['expression'].sum(1), 1, atol=1e-6)


def test_any_partner_but_itself_and_labels_of_one_side_are_lost():
  arrays = batch()
  _, labels, weights = mix(arrays, alpha=1.0, partners='any')
  partner, _ = read(labels)
  assert np.all(partner != np.arange(16))
  before = arrays[2]['expression']
  one_side = (before > 0) & (before[partner] == 0)
  assert one_side.sum() > 2
  assert np.all(weights['expression'][one_side] == 0)
  assert weights['expression'].astype(bool).sum() < before.astype(bool).sum()


def test_alike_partners_lose_no_label():
  arrays = batch()
  _, labels, weights = mix(arrays, alpha=1.0, partners='alike')
  partner, _ = read(labels)
  groups = same_labels(arrays[2])
  assert len(set(groups)) > 3
  for row, other in enumerate(partner):
    assert groups[row] == groups[other]
    assert (other == row) == (groups.count(groups[row]) == 1)
  for name, w in weights.items():
    np.testing.assert_array_equal(w > 0, arrays[2][name] > 0)


def test_a_row_without_partner_stays():
  arrays = batch(missing=0.0)
  arrays[2]['action_units'][5, 1] = 0  # One action unit is enough.
  inputs, labels, weights = mix(arrays, alpha=1.0, partners='alike')
  for before, after in zip(arrays, (inputs, labels, weights), strict=True):
    for name in before:
      np.testing.assert_array_equal(after[name][5], before[name][5])
  assert not np.array_equal(inputs['image'][4], arrays[0]['image'][4])


def test_every_pair_may_meet():
  groups = jnp.zeros(4, jnp.int32)
  draw = jax.jit(mixup.draw_partners)
  keys = jax.random.split(KEY, 200)
  drawn = np.stack([draw(groups, k) for k in keys])
  met = {(row, int(p)) for d in drawn for row, p in enumerate(d)}
  assert met == {(a, b) for a in range(4) for b in range(4) if a != b}


def test_probability_and_the_beta_distribution():
  arrays = batch(size=4000, pixels=1, missing=0.0)
  options = {'alpha': 1.0, 'probability': 0.25, 'partners': 'any'}
  inputs, labels, weights = mix(arrays, **options)
  changed = np.any(inputs['image'] != arrays[0]['image'], axis=(1, 2, 3))
  assert 0.22 < changed.mean() < 0.28  # Four standard deviations.
  for before, after in ((arrays[1], labels), (arrays[2], weights)):
    for name in before:
      np.testing.assert_array_equal(
        after[name][~changed], before[name][~changed]
      )
  gap = (inputs['image'] - arrays[0]['image'])[:, 0, 0, 0]
  # E(x - a)^2 = E(1 - l)^2 E(b - a)^2 over 1000 mixed rows: the variance of
  # Beta(c, c) is 1 / (4 (2 c + 1)), E(b - a)^2 of uniform numbers is 1 / 6.
  expected = (1 / (4 * 3) + 1 / 4) / 6
  assert np.sum(gap**2) / 1000 == pytest.approx(expected, rel=0.15)


def test_cutmix_pastes_boxes_and_their_area_is_the_share():
  arrays = batch(size=64, pixels=20, missing=0.0)
  inputs, labels, weights = mix(arrays, kind='cutmix', alpha=1.0)
  partner, share = read(labels)
  values = inputs['image'][..., 0] * 64
  for row in range(64):
    pasted = np.abs(values[row] - row) > 0.5
    assert np.allclose(values[row][pasted], partner[row])
    assert 1 - pasted.mean() == pytest.approx(share[row], abs=1e-3)
    rows, columns = pasted.any(1).sum(), pasted.any(0).sum()
    assert pasted.sum() == rows * columns  # A rectangle.
    if not pasted.any():
      for name in labels:
        np.testing.assert_array_equal(labels[name][row], arrays[1][name][row])
        np.testing.assert_array_equal(weights[name][row], arrays[2][name][row])
  assert np.std(share) > 0.1
  own, before = share[:, None], arrays[1]['expression']
  np.testing.assert_allclose(
    labels['expression'], own * before + (1 - own) * before[partner], atol=1e-3
  )


def test_boxes_by_hand():
  # Sides sqrt(1 - .75) = .5 of 8 x 12 pixels: 4 x 6, unless cut off.
  share = jnp.full(500, 0.75)
  found = np.asarray(mixup.boxes(share, (8, 12), KEY))
  heights, widths = found.any(2).sum(1), found.any(1).sum(1)
  assert set(heights) == {2, 3, 4}
  assert set(widths) == {3, 4, 5, 6}
  assert not np.any(mixup.boxes(jnp.ones(9), (8, 12), KEY))


def test_mixaugment_is_the_papers_sum():
  arrays = batch(missing=0.0)
  arrays = (*arrays[:2], jax.tree.map(np.ones_like, arrays[2]))
  virtual = mix(arrays, alpha=1.0, partners='alike')
  inputs, labels, weights = mix(arrays, kind='mixaugment', alpha=1.0)
  np.testing.assert_array_equal(
    inputs['image'],
    np.concatenate([arrays[0]['image'], virtual[0]['image']]),
  )
  # A linear model: L(mixture) + L(a) + L(b) over all pairs.
  kernel = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)

  def loss(image, y, w):
    x = jnp.asarray(image.mean((1, 2)) @ kernel)
    return float(losses.softmax_cross_entropy(x, jnp.asarray(y), w))

  one = lambda image, y: loss(image[None], y[None], jnp.ones(1))
  partner, _ = read(virtual[1])
  real = [
    one(x, y)
    for x, y in zip(arrays[0]['image'], arrays[1]['expression'], strict=True)
  ]
  mixed = [
    one(x, y)
    for x, y in zip(virtual[0]['image'], virtual[1]['expression'], strict=True)
  ]
  pairs = [mixed[i] + real[i] + real[partner[i]] for i in range(16)]
  whole = loss(inputs['image'], labels['expression'], weights['expression'])
  assert 3 * whole == pytest.approx(np.mean(pairs), rel=1e-4)


def test_mixaugment_doubles_no_row_that_was_not_mixed():
  arrays = batch()
  options = {'kind': 'mixaugment', 'alpha': 1.0, 'probability': 0.5}
  _, labels, weights = mix(arrays, **options)
  partner, share = read({n: x[16:] for n, x in labels.items()})
  unmixed = share == 1
  assert 2 < unmixed.sum() < 16
  for name, w in weights.items():
    np.testing.assert_array_equal(w[:16], arrays[2][name])
    assert not np.any(w[16:][unmixed])
    expected = np.minimum(arrays[2][name], arrays[2][name][partner]) / 2
    np.testing.assert_array_equal(w[16:][~unmixed], expected[~unmixed])
    assert len(labels[name]) == 32


@pytest.mark.parametrize('kind', ['cutmix', 'mixaugment'])
def test_one_device_is_four_devices_and_rng_decides(kind):
  arrays = batch()
  step = compiled(kind=kind, alpha=1.0)
  results = []
  for count in (1, 4):
    spread = parallel.build('jit', jax.devices()[:count])
    result = step(spread.put_global(arrays), KEY)
    # Rows stay spread: no device computes the whole batch afterwards.
    image = result[0]['image']
    shapes = {s.data.shape[0] for s in image.addressable_shards}
    assert shapes == {len(image) // count}
    results.append(jax.tree.map(np.asarray, result))
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), *results
  )
  one = parallel.build('jit', jax.devices()[:1]).put_global(arrays)
  jax.tree.map(
    np.testing.assert_array_equal,
    jax.tree.map(np.asarray, step(one, KEY)),
    results[0],
  )
  other = step(one, jax.random.key(4))
  assert not np.array_equal(other[0]['image'], results[0][0]['image'])


def test_unlabelled_rows_do_not_reach_labels():
  arrays = batch(missing=0.0)
  arrays[2]['expression'][:3] = 0
  arrays[1]['expression'][:3] = np.nan
  _, labels, weights = mix(arrays, alpha=1.0, partners='alike')
  assert np.all(np.isfinite(labels['expression'][3:]))
  _, labels, weights = mix(arrays, alpha=1.0, partners='any')
  finite = np.isfinite(labels['expression']).all(1)
  assert np.all(weights['expression'][~finite] == 0)
  assert (weights['expression'] > 0).sum() >= 10


def test_one_row_and_bad_options():
  arrays = batch(size=1)
  result = mix(arrays, partners='any')
  jax.tree.map(np.testing.assert_array_equal, result, arrays)
  for options, message in (
    ({'kind': 'mix'}, "mixing.kind 'mix' .*; known: mixup, cutmix, mixaugment"),
    ({'partners': 'all'}, "partners 'all'.*; known: alike, any"),
    ({'alpha': 0.0}, 'alpha must be .* not 0.0'),
    ({'alpha': float('nan')}, 'alpha must be .* not nan'),
    ({'probability': 1.5}, r'probability must be in \[0, 1\], not 1.5'),
  ):
    with pytest.raises(ValueError, match=message):
      mixup.mix(*arrays, KEY, **options)
  with pytest.raises(ValueError, match=r"inputs are \['text'\]"):
    mixup.mix({'text': jnp.zeros((1, 2))}, *arrays[1:], KEY)
