"""Pseudo-labels against the rules written out in numpy."""

import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.weak import pseudo_labels

MOMENTUM = 0.9


def draw(n, k, seed=0):
  p = np.random.default_rng(seed).dirichlet(np.full(k, 0.4), n)
  return p.astype(np.float32)


def label(kind, p, use, means, **options):
  found = pseudo_labels.label(
    kind, jnp.asarray(p), jnp.asarray(use), means, **options
  )
  return np.asarray(found[0]), np.asarray(found[1]), found[2]


def test_fixed_keeps_what_is_sure_and_unlabelled():
  p = draw(50, 3)
  use = np.arange(50) % 2 == 0
  start = pseudo_labels.start('class', 3)
  labels, factors, _ = label('class', p, use, start, threshold=0.7)
  np.testing.assert_array_equal(factors, (p.max(1) >= 0.7) & use)
  assert 0 < factors.sum() < 25
  np.testing.assert_array_equal(labels, np.eye(3)[p.argmax(1)])


def test_soft_labels_are_sharpened():
  p = draw(20, 4)
  start = pseudo_labels.start('class', 4)
  options = {'hard': False, 'temperature': 0.5, 'threshold': 0.0}
  use = np.ones(20, bool)
  labels, factors, _ = label(
    'class', p, use, start, by_confidence=True, **options
  )
  expected = p**2 / (p**2).sum(1, keepdims=True)
  np.testing.assert_allclose(labels, expected, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(factors, p.max(1), rtol=1e-6)


def test_freematch_over_steps():
  tau, mean = 1 / 3, np.full(3, 1 / 3)
  means = pseudo_labels.start('class', 3)
  for seed in range(3):
    p, use = draw(30, 3, seed), np.arange(30) % 3 > 0
    _, factors, means = label(
      'class', p, use, means, rule='freematch', momentum=MOMENTUM
    )
    m, c = p.max(1), p.argmax(1)
    tau = MOMENTUM * tau + (1 - MOMENTUM) * m[use].mean()
    mean = MOMENTUM * mean + (1 - MOMENTUM) * p[use].mean(0)
    limits = tau * mean / mean.max()
    np.testing.assert_array_equal(factors, (m >= limits[c]) & use)
  np.testing.assert_allclose(means.distribution[0], mean, rtol=1e-5)


def test_softmatch_over_steps():
  mu, variance = 1 / 3, 1.0
  means = pseudo_labels.start('class', 3)
  for seed in range(3):
    p, use = draw(30, 3, seed), np.arange(30) % 3 > 0
    _, factors, means = label(
      'class', p, use, means, rule='softmatch', momentum=MOMENTUM
    )
    m = p.max(1)
    mu = MOMENTUM * mu + (1 - MOMENTUM) * m[use].mean()
    variance = MOMENTUM * variance + (1 - MOMENTUM) * m[use].var(ddof=1)
    below = np.minimum(m - mu, 0)
    expected = np.exp(-(below**2) / (2 * variance / 4)) * use
    np.testing.assert_allclose(factors, expected, rtol=1e-4)


def test_units_are_labelled_one_by_one():
  p = np.array([[0.99, 0.5], [0.02, 0.96]], np.float32)
  use = np.array([[True, True], [True, False]])
  start = pseudo_labels.start('presence', 2)
  labels, factors, _ = label('presence', p, use, start)
  np.testing.assert_array_equal(factors, [[1, 0], [1, 0]])
  np.testing.assert_array_equal(labels[:, 0], [1, 0])


def test_a_batch_with_all_labels_leaves_the_means():
  start = pseudo_labels.start('class', 3)
  use = np.zeros(10, bool)
  _, factors, means = label('class', draw(10, 3), use, start, rule='softmatch')
  assert not factors.any()
  for old, new in zip(start, means, strict=True):
    np.testing.assert_array_equal(old, new)


def test_values_all_count_and_none_counts_as_gold():
  p = np.zeros((4, 2), np.float32)
  use = np.array([[True, False]] * 4)
  labels, factors, _ = label('value', p, use, ())
  np.testing.assert_array_equal(factors, use)
  np.testing.assert_array_equal(labels, p)
  weights = pseudo_labels.weights(factors, 1.0)
  assert 0.99 < weights.max() < 1


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    (('freemach', 0.9, 0.9), "did you mean 'freematch'"),
    (('fixed', 1.5, 0.9), r'threshold=1.5 must be in \[0, 1\]'),
    (('fixed', 0.9, 1.0), r'momentum=1.0 must be in \[0, 1\)'),
  ],
)
def test_wrong_options_are_named(options, message):
  with pytest.raises(UserError, match=message):
    pseudo_labels.check(*options)
