"""What is said of a difference is so: oracles, and simulated runs."""

import importlib.util
import sys

import numpy as np
import pytest
from scipy import stats
from toys.paths import ROOT

from affect_jax.comparison import resampling
from affect_jax.comparison import uncertainty
from affect_jax.metrics import classification
from affect_jax.metrics import regression


def load_simulation():
  path = ROOT / 'experiments' / 'compare_calibration' / 'simulation.py'
  spec = importlib.util.spec_from_file_location('simulation', path)
  module = importlib.util.module_from_spec(spec)
  sys.modules['simulation'] = module  # Which dataclasses look up.
  spec.loader.exec_module(module)
  return module


simulation = load_simulation()


def test_all_swaps_of_correct_answers_are_the_exact_mcnemar_test():
  a = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 1.0])
  b = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 1.0])
  signs = lambda swaps: 1 - 2 * swaps
  found = resampling.permutation_test(
    lambda swaps: (signs(swaps) @ (b - a))[:, None] / 10,
    10,
    2000,
    np.random.default_rng(0),
  )
  assert found.null_distribution.shape == (1024, 1)
  assert found.pvalue[0] == pytest.approx(stats.binomtest(1, 7).pvalue)


def test_draws_count_clusters_and_are_those_of_the_seed():
  seen = []

  def score(counts):
    seen.append(counts)
    return np.stack([counts @ np.arange(7.0), counts[:, 0]], 1)[:, None]

  draw = lambda seed: resampling.bootstrap(
    score, 7, 500, np.random.default_rng(seed)
  )
  drawn = draw(0)
  assert drawn.shape == (500, 1, 2)
  assert all((counts.sum(1) == 7).all() for counts in seen)
  # Both scores are of the same draws.
  counts = np.concatenate(seen[1:])
  np.testing.assert_array_equal(drawn[:, 0, 1], counts[:, 0])
  np.testing.assert_array_equal(draw(0), drawn)
  assert (draw(1) != drawn).any()


def test_one_seed_has_the_interval_of_a_t_test_of_a_mean():
  x = np.random.default_rng(0).normal(0.3, 1, (12, 1))
  rng = np.random.default_rng(1)
  drawn = resampling.bootstrap(lambda c: (c @ x / 12)[:, None], 12, 20_000, rng)
  found = uncertainty.estimate(
    x.mean(0)[None], drawn, drawn[:, 0], np.ones(1), np.array([12.0]), rng
  )
  expected = stats.ttest_1samp(x[:, 0], 0).confidence_interval()
  assert found.low[0] == pytest.approx(expected.low, abs=0.02)
  assert found.high[0] == pytest.approx(expected.high, abs=0.02)


def test_where_samples_do_not_matter_seeds_have_a_paired_t_test():
  rng = np.random.default_rng(0)
  d = rng.normal(0.5, 1, (6, 1))
  nothing = np.zeros((100, 6, 1))
  found = uncertainty.estimate(
    d, d[None] + nothing, nothing[:, 0], np.ones(1), np.array([50.0]), rng
  )
  expected = stats.ttest_1samp(d[:, 0], 0)
  interval = expected.confidence_interval()
  assert found.low[0] == pytest.approx(interval.low)
  assert found.high[0] == pytest.approx(interval.high)
  assert found.p[0] == pytest.approx(expected.pvalue, abs=0.03)


def test_equal_runs_differ_by_nothing_for_sure():
  zero = np.zeros((300, 3, 1))
  rng = np.random.default_rng(0)
  many = np.array([40.0])
  for k in (1, 3):
    found = uncertainty.estimate(
      zero[0, :k], zero[:, :k], zero[:, 0], np.ones(1), many, rng
    )
    assert (found.low, found.difference, found.high, found.p) == (0, 0, 0, 1)


def test_one_cluster_gives_no_interval():
  rng = np.random.default_rng(0)
  for k in (1, 3):
    found = uncertainty.estimate(
      rng.normal(size=(k, 1)),
      rng.normal(size=(300, k, 1)),
      rng.normal(size=(300, 1)),
      np.ones(1),
      np.array([1.5]),
      rng,
    )
    assert np.isnan([found.low, found.high]).all()


def test_unequal_clusters_tell_less():
  assert uncertainty.effective(np.full(8, 5)) == 8
  assert uncertainty.effective(np.array([100, 1, 1])) < 1.1
  assert uncertainty.effective(np.zeros(3)) == 0


def test_a_tie_of_seeds_counts_half_and_lower_can_be_better():
  a, b = np.array([1.0, 2.0]), np.array([2.0, 3.0])
  assert uncertainty.better(a, b, lower=False) == 3.5 / 4
  assert uncertainty.better(a, b, lower=True) == 0.5 / 4


def test_holm_multiplies_by_what_is_left():
  found = uncertainty.holm(np.array([0.01, 0.04, 0.03]))
  np.testing.assert_allclose(found, [0.03, 0.06, 0.06])


def test_simulated_sums_have_the_metrics_of_the_package():
  world = simulation.World('unequal', 12, 'other', seeds=2)
  data = simulation.draw(world, np.random.default_rng(0))
  scores = simulation.metrics(simulation.sums(data).sum(0))
  ones = np.ones(len(data.gold))
  gold = np.eye(4)[data.gold]
  for method in range(2):
    for seed in range(2):
      guess = np.eye(4)[data.classes[method, seed]]
      values = data.predicted[method, seed][:, None], data.values[:, None], ones
      expected = (
        classification.accuracy(guess, gold, ones),
        classification.macro_f1(guess, gold, ones),
        regression.ccc(*values, ['v'])['v'],
        regression.mae(*values, ['v'])['v'],
      )
      np.testing.assert_allclose(scores[method, seed], expected)


# The whole check, of 2,000 each, is experiments/compare_calibration.
@pytest.mark.parametrize(
  ('world', 'times'),
  [
    (('samples', 80), 150),
    (('equal', 12), 250),
    (('unequal', 40), 250),
    (('unequal', 20, 'same', 5, 0.3), 150),
  ],
)
def test_errors_are_as_rare_as_they_should_be(world, times):
  world = simulation.World(*world)
  rng = np.random.default_rng(0)
  rejected, covered = [], []
  for _ in range(times):
    found = simulation.analyse(simulation.draw(world, rng), 199, rng).estimate
    rejected.append(found.p <= 0.05)
    covered.append((found.low <= 0) & (found.high >= 0))
  # Three standard errors of 150 simulations are .05.
  assert np.all(np.mean(rejected, 0) < 0.1)
  assert np.mean(rejected) > 0.02
  np.testing.assert_allclose(np.mean(covered, 0), 0.95, atol=0.05)


def test_a_difference_is_found_and_covered():
  world = simulation.World('unequal', 100, 'better')
  rng = np.random.default_rng(0)
  truth = simulation.true_difference(world, rng)
  found = [
    simulation.analyse(simulation.draw(world, rng), 199, rng).estimate
    for _ in range(40)
  ]
  assert np.mean([e.p <= 0.05 for e in found]) > 0.8
  covered = [(e.low <= truth) & (truth <= e.high) for e in found]
  assert np.mean(covered) > 0.9
