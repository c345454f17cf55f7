"""Labels of drawn faces: missing and wrong ones, as many as asked."""

import collections
import dataclasses
import functools

import numpy as np
import pytest

from affect_jax.synthetic import affect
from affect_jax.synthetic import annotate


@functools.cache
def draws(count):
  return [affect.draw(np.random.default_rng((1, i))) for i in range(count)]


def drawn_labels(flaws, count=4000):
  found = collections.defaultdict(list)
  for i, drawn in enumerate(draws(count)):
    labels = annotate.annotate(drawn, np.random.default_rng((2, i)), flaws)
    for key, value in {**labels, 'truth': drawn.expression}.items():
      found[key].append(value)
    found['present'].append(affect.presence(drawn.intensities))
    found['exact'].append(drawn.valence_arousal)
  return {k: np.stack(v) for k, v in found.items()}


def test_missing_shares():
  flaws = annotate.Flaws(
    {'expression': 0.2, 'valence_arousal': 0.5}, {'fear': 0.6}, {'AU4': 0.3}
  )
  found = drawn_labels(flaws)
  fear = found['truth'] == affect.EXPRESSIONS.index('fear')
  weights = found['expression_weights']
  assert weights[~fear].mean() == pytest.approx(0.8, abs=0.03)
  assert weights[fear].mean() == pytest.approx(0.8 * 0.4, abs=0.07)
  assert np.all(found['expression'].sum(1) == weights)
  by_unit = found['action_units_weights'].mean(0)
  column = affect.ACTION_UNITS.index('AU4')
  assert by_unit[column] == pytest.approx(0.7, abs=0.03)
  assert np.all(np.delete(by_unit, column) == 1)
  assert found['valence_arousal_weights'].mean() == pytest.approx(0.5, abs=0.03)
  hidden = found['valence_arousal_weights'] == 0
  assert np.all(found['valence_arousal'][hidden] == 0)


def test_default_shares_are_those_of_aff_wild2():
  found = drawn_labels(
    annotate.Flaws(
      annotate.MISSING_TASK, annotate.MISSING_CLASS, annotate.MISSING_AU
    )
  )
  complete = found['expression_weights'] > 0
  complete &= found['action_units_weights'].max(1) > 0
  complete &= found['valence_arousal_weights'].max(1) > 0
  assert complete.mean() == pytest.approx(0.366, abs=0.03)


def test_label_noise():
  found = drawn_labels(annotate.Flaws(label_noise=0.3))
  wrong = found['expression'].argmax(1) != found['truth']
  assert wrong.mean() == pytest.approx(0.3, abs=0.03)
  flipped = found['action_units'] != found['present']
  np.testing.assert_allclose(flipped.mean(0), 0.3, atol=0.04)
  moved_far = np.any(found['valence_arousal'] != found['exact'], axis=1)
  assert moved_far.mean() == pytest.approx(0.3, abs=0.03)
  assert np.abs(found['valence_arousal']).max() <= 1


def test_annotation_draws_do_not_depend_on_the_shares():
  drawn = affect.draw(np.random.default_rng(0))
  mild = annotate.Flaws(
    {'expression': 0.3, 'action_units': 0.3}, {}, {'AU1': 0}
  )
  harsh = dataclasses.replace(
    mild, missing_task={'expression': 0.6, 'action_units': 0.6}
  )
  for i in range(50):
    a = annotate.annotate(drawn, np.random.default_rng(i), mild)
    b = annotate.annotate(drawn, np.random.default_rng(i), harsh)
    for task in annotate.OUTPUTS:
      assert np.all(b[task + '_weights'] <= a[task + '_weights'])
