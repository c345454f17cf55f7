"""The task of emotions: its two kinds, its names, and the labels of corpora."""

import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.tasks import action_units
from affect_jax.tasks import class_weights as class_weights_lib
from affect_jax.tasks import emotion
from affect_jax.tasks import expression
from affect_jax.tasks import losses
from affect_jax.tasks import sarcasm


def example(k, per_output, rows=16):
  """Random (outputs, labels, weights), as a task gets them."""
  rng = np.random.default_rng(0)
  outputs = rng.normal(size=(rows, k))
  if per_output:
    labels = rng.integers(0, 2, (rows, k))
  else:
    labels = rng.dirichlet(np.ones(k), rows)
  weights = rng.uniform(0.2, 1, (rows, k) if per_output else rows)
  return tuple(jnp.asarray(x, jnp.float32) for x in (outputs, labels, weights))


def test_categorical_emotion_is_an_expression():
  options = {
    'loss': 'focal',
    'focal_gamma': 1.5,
    'label_smoothing': 0.1,
    'class_weights': 'effective',
    'beta': 0.9,
    'weight_cap': 3.0,
    'counts': [7, 6, 5, 4, 3, 2, 0],
  }
  task = emotion.build(**options)
  arrays = example(7, False)
  assert task.loss(*arrays) == expression.build(**options).loss(*arrays)
  assert task.loss(*arrays) != emotion.build().loss(*arrays)
  options = {'logit_adjustment': 0.5, 'counts': [7, 6, 5, 4, 3, 2, 1]}
  adjusted = emotion.build(**options).loss(*arrays)
  assert adjusted == expression.build(**options).loss(*arrays)


def test_multilabel_emotion_reaches_the_losses():
  arrays = example(2, True)
  for options, expected in (
    (
      {'pos_weight': [2, 3]},
      lambda *a: losses.sigmoid_cross_entropy(*a, pos_weight=[2, 3]),
    ),
    (
      {'pos_weight': 'balanced', 'counts': ([1, 2], [4, 10])},
      lambda *a: losses.sigmoid_cross_entropy(*a, pos_weight=[3, 4]),
    ),
    (
      {'loss': 'focal', 'focal_gamma': 1.0, 'focal_alpha': 0.3},
      lambda *a: losses.sigmoid_focal(*a, gamma=1.0, alpha=0.3),
    ),
    (
      {'loss': 'asymmetric', 'gamma_neg': 3.0, 'gamma_pos': 2.0, 'clip': 0.1},
      lambda *a: losses.sigmoid_asymmetric(
        *a, gamma_neg=3.0, gamma_pos=2.0, clip=0.1
      ),
    ),
  ):
    task = emotion.build(('happiness', 'sadness'), 'multilabel', **options)
    np.testing.assert_allclose(task.loss(*arrays), expected(*arrays), rtol=1e-6)
  effective = emotion.build(
    ('happiness', 'sadness'),
    'multilabel',
    pos_weight='effective',
    counts=([1, 4], [3, 5]),
    beta=0.5,
  )
  # As in the tests of `balance`: 1 positive of 3, 4 of 5.
  np.testing.assert_allclose(
    effective.loss(*arrays),
    losses.sigmoid_cross_entropy(*arrays, pos_weight=[1.5, 1 / 1.875]),
    rtol=1e-6,
  )


def test_options_that_want_counts_are_known_to_balance():
  for options in ({'class_weights': 'balanced'}, {'logit_adjustment': 1.0}):
    assert class_weights_lib.by_counts(options) == list(options)
    with pytest.raises(ValueError, match='needs `counts`'):
      emotion.build(**options)
  for build in (emotion.build, sarcasm.build):
    options = {'pos_weight': 'balanced'}
    kind = {'kind': 'multilabel'} if build is emotion.build else {}
    assert class_weights_lib.by_counts(options) == ['pos_weight']
    with pytest.raises(ValueError, match='needs `counts`'):
      build(**options, **kind)


def test_thresholds_of_multilabel_emotions_are_tuned():
  task = emotion.build(('fear', 'surprise'), 'multilabel')
  labels = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
  arrays = (0.3 * labels + [[0.1, 0.4]], labels, np.ones((4, 2)))
  assert task.tune is not None
  thresholds = task.tune(*arrays)
  assert thresholds == {'fear': 0.35, 'surprise': 0.5}
  tuned = {k: f(*arrays, thresholds) for k, f in task.tuned_metrics.items()}
  assert tuned == {'tuned_f1': {'fear': 1, 'surprise': 1}, 'tuned_mean_f1': 1}
  assert task.metrics['mean_f1'](*arrays) == 0.5
  assert emotion.build().tune is None
  assert sarcasm.build().tune is None


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    # MELD, MOSEI.
    ('joy', 'happiness'),
    ('happy', 'happiness'),
    ('sad', 'sadness'),
    # IEMOCAP.
    ('ang', 'anger'),
    ('exc', 'excitement'),
    ('fru', 'frustration'),
    ('hap', 'happiness'),
    ('neu', 'neutral'),
    ('sur', 'surprise'),
    ('fea', 'fear'),
    ('dis', 'disgust'),
    ('Frustrated', 'frustration'),
    ('Excited', 'excitement'),
    ('Neutral state', 'neutral'),
    # MUStARD++.
    ('Ridicule', 'ridicule'),
    (' Anger ', 'anger'),
    ('contempt', 'contempt'),
  ],
)
def test_one_spelling_of_an_emotion(name, expected):
  assert emotion.canonical_name(name) == expected
  assert emotion.canonical_name(expected) == expected


def test_unknown_emotions_list_the_known():
  with pytest.raises(ValueError, match=r"'xxx'; known: neutral \(.*, neu\)"):
    emotion.canonical_name('xxx')
  with pytest.raises(ValueError, match=r"'iemocap'.*known: .*iemocap_4,"):
    emotion.names('iemocap')


def test_no_spelling_means_two_emotions():
  spellings = [x for k, v in emotion.SYNONYMS.items() for x in (k, *v)]
  assert len(set(spellings)) == len(spellings)
  # What is an expression's name is an emotion's.
  for name, synonyms in expression.SYNONYMS.items():
    for spelling in (name, *synonyms):
      assert emotion.canonical_name(spelling) == name


def test_labels_of_corpora():
  assert {k: len(emotion.names(k)) for k in emotion.LABELS} == {
    'meld': 7,
    'mosei': 6,
    'iemocap_4': 4,
    'iemocap_4_excited': 4,
    'iemocap_6': 6,
    'iemocap_9': 9,
    'mustard_plus_plus': 9,
    'mustard_plus_plus_implicit': 10,
  }
  assert set(emotion.names('meld')) == set(expression.BASIC_7)
  assert set(emotion.names('mosei')) == set(expression.BASIC_7) - {'neutral'}
  assert emotion.names('iemocap_4') == (
    *('neutral', 'happiness', 'sadness', 'anger'),
  )
  assert emotion.LABELS['meld']['joy'] == 'happiness'
  assert emotion.LABELS['iemocap_4_excited']['exc'] == 'happiness'
  assert emotion.LABELS['iemocap_6']['exc'] == 'excitement'
  assert set(emotion.names('iemocap_9')) == {
    *expression.BASIC_7,
    *('frustration', 'excitement'),
  }
  for corpus in emotion.LABELS:
    emotion.build(emotion.names(corpus))
    emotion.build(emotion.names(corpus), 'multilabel')


def test_names_that_nobody_knows_are_allowed():
  task = emotion.build(('happiness', 'nostalgia'))
  assert task.outputs == ('happiness', 'nostalgia')
  assert set(emotion.LOSSES['multilabel']) == set(action_units.LOSSES)
