"""Label models on simulated labellers, whose confusion matrices are known."""

import runpy
import sys

import numpy as np
import pytest
from toys.paths import ROOT

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.weak import label_models
from affect_jax.weak import lexicon

pytest.importorskip('crowdkit', reason="pip install 'affect_jax[weak]'")
FOLDER = ROOT / 'experiments' / 'label_models'
simulation = runpy.run_path(str(FOLDER / 'simulation.py'))
NUM = 5000


def simulate(seed, classes, labellers, abstention):
  rng = np.random.default_rng(seed)
  matrices = simulation['draw'](rng, classes, labellers)
  gold = rng.integers(classes, size=NUM)
  return gold, simulation['votes_of'](rng, matrices, gold, abstention), matrices


def test_simulated_labellers_have_the_matrices_that_they_were_given():
  gold, votes, matrices = simulate(0, 3, 4, 0.3)
  assert np.mean(votes == -1) == pytest.approx(0.3, abs=0.01)
  for k in range(3):
    said = votes[gold == k, 1]
    shares = np.bincount(said[said >= 0], minlength=3) / (said >= 0).sum()
    np.testing.assert_allclose(shares, matrices[1, k], atol=0.04)


@pytest.mark.parametrize(
  ('classes', 'labellers', 'abstention'),
  [(2, 5, 0.2), (3, 5, 0.4), (7, 10, 0.6), (2, 3, 0.8)],
)
def test_accuracies_are_recovered_and_labels_no_worse_than_majority(
  classes, labellers, abstention
):
  gold, votes, _ = simulate(
    [classes, labellers], classes, labellers, abstention
  )
  labelled = (votes >= 0).any(1)
  right = {}
  for model in ('auto', 'majority'):
    shares = label_models.combine(model, votes, classes)
    np.testing.assert_allclose(shares[labelled].sum(1), 1, rtol=1e-6)
    assert not shares[~labelled].any()
    right[model] = simulation['accuracy'](shares, gold)[labelled].mean()
  assert right['auto'] >= right['majority'] - 0.005
  model = label_models.choose(votes)
  # Too few meet: their accuracies would be guessed.
  assert model == ('majority' if labellers == 3 else 'dawid_skene')
  if labellers == 3:
    return
  assert right['auto'] > right['majority'] + 0.005
  shares = label_models.combine(model, votes, classes)
  error = label_models.believed(votes, shares) - simulation['accuracies'](
    votes, gold
  )
  assert np.abs(error).mean() <= 0.02


def test_majority_is_the_share_of_votes():
  votes = np.array([[0, 0, 2], [1, -1, 2], [-1, -1, -1], [-1, 2, -1]])
  shares = label_models.combine('majority', votes, 4)
  np.testing.assert_allclose(
    shares,
    [[2 / 3, 0, 1 / 3, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 0], [0, 0, 1, 0]],
  )
  believed = label_models.believed(votes, shares)
  np.testing.assert_allclose(believed, [7 / 12, 5 / 6, 5 / 12])


def test_what_cannot_be_combined_is_refused():
  apart = np.array([[0, -1], [-1, 1]])
  with pytest.raises(UserError, match='No sample is labelled by two'):
    label_models.combine('dawid_skene', apart, 2)
  np.testing.assert_array_equal(
    label_models.combine('auto', apart, 2), np.eye(2)
  )
  with pytest.raises(
    UserError, match=r"'dawid'.*mean 'dawid_skene'.*auto, maj"
  ):
    label_models.combine('dawid', apart, 2)
  silent = np.full((3, 2), -1)
  assert not label_models.combine('majority', silent, 2).any()
  assert np.isnan(label_models.believed(silent, np.zeros((3, 2)))).all()


def test_absent_libraries_are_named(monkeypatch):
  monkeypatch.setitem(sys.modules, 'crowdkit', None)
  monkeypatch.setitem(sys.modules, 'vaderSentiment', None)
  label_models._library.cache_clear()
  lexicon._analyzer.cache_clear()
  with pytest.raises(MissingExtra, match=r'affect_jax\[weak\]'):
    label_models.combine('auto', np.zeros((2, 2), int), 2)
  with pytest.raises(MissingExtra, match=r'affect_jax\[lexicon\]'):
    lexicon.apply('sentiment', np.array(['a']), np.array(['good']))
