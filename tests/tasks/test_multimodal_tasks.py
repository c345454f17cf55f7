"""Tasks of utterances: emotion, sentiment (two ways), sarcasm."""

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics
from toys.tasks import example

from affect_jax import tasks
from affect_jax.tasks import emotion
from affect_jax.tasks import sarcasm
from affect_jax.tasks import sentiment
from affect_jax.tasks import sentiment_class

MANY = {'kind': 'multilabel'}


def keys(task):
  """Keys of results.json: metric[/output]."""
  _, labels, weights = example(task)
  found = set()
  for metric, function in task.metrics.items():
    value = function(labels, labels, weights)
    names = value if isinstance(value, dict) else {'': value}
    found |= {f'{metric}/{name}' if name else metric for name in names}
    assert all(isinstance(v, float) for v in names.values())
  return found


def test_result_keys():
  assert keys(sentiment.build()) == {
    *('ccc', 'mae', 'pearson'),
    *('acc2_neg_nonneg', 'acc2_neg_pos', 'acc2_nonpos_pos'),
    *('f1_2_neg_nonneg', 'f1_2_neg_pos', 'f1_2_nonpos_pos'),
    *('acc3', 'acc5', 'acc7', 'acc7_cmu'),
    *('f1_3', 'f1_5', 'f1_7', 'f1_7_cmu'),
  }
  assert keys(sarcasm.build()) == {
    *('weighted_f1', 'weighted_precision', 'weighted_recall'),
    *('macro_f1', 'accuracy', 'auc'),
  }
  found = keys(sentiment_class.build())
  assert found >= {
    *('weighted_f1', 'macro_f1', 'accuracy', 'uar', 'f1/neutral'),
    *('acc2_neg_pos', 'f1_2_nonpos_pos', 'confusion/negative/positive'),
  }
  found = keys(emotion.build())
  assert found >= {'weighted_f1', 'accuracy', 'uar', 'f1/anger'}
  found = keys(emotion.build(kind='multilabel'))
  assert found >= {
    *('mean_f1', 'mean_weighted_accuracy', 'mean_weighted_f1', 'mean_auc'),
    *('f1/anger', 'weighted_accuracy/anger', 'weighted_f1/anger', 'auc/fear'),
  }


def test_sarcasm_is_scored_as_mustard_does():
  task = sarcasm.build()
  rng = np.random.default_rng(0)
  y = (rng.random((300, 1)) < 0.3).astype(float)
  p = np.clip(0.3 * y + rng.normal(0.4, 0.2, y.shape), 0, 1)
  w = rng.uniform(0.1, 2, y.shape)
  gold, guess, weights = y[:, 0] == 1, p[:, 0] > 0.5, w[:, 0]
  report = sklearn.metrics.classification_report(
    gold, guess, sample_weight=weights, output_dict=True
  )
  found = {k: metric(p, y, w) for k, metric in task.metrics.items()}
  mean = report['weighted avg']
  assert found == pytest.approx(
    {
      'weighted_f1': mean['f1-score'],
      'weighted_precision': mean['precision'],
      'weighted_recall': mean['recall'],
      'macro_f1': report['macro avg']['f1-score'],
      'accuracy': report['accuracy'],
      'auc': sklearn.metrics.roc_auc_score(
        gold, p[:, 0], sample_weight=weights
      ),
    },
    rel=1e-9,
  )
  assert len(set(found.values())) == 5  # Weighted recall is the accuracy.


def test_sarcasm_pos_weight():
  outputs, labels, weights = example(sarcasm.build())
  arrays = tuple(map(jnp.asarray, (outputs, labels, weights)))
  x, y, w = (a.astype(float) for a in (outputs, labels, weights))
  up, down = np.log1p(np.exp(-x)), np.log1p(np.exp(x))
  for options, factor in (
    ({}, 1),
    ({'pos_weight': (2.5,)}, 2.5),
    ({'pos_weight': 'balanced', 'counts': ([3], [9])}, 2),
  ):
    expected = np.average(factor * y * up + (1 - y) * down, weights=w)
    loss = sarcasm.build(**options).loss(*arrays)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    (
      'emotion',
      {'kind': 'both'},
      "kind of emotion 'both'; known: .*multilabel",
    ),
    ('emotion', {'loss': 'asymmetric'}, "loss 'asymmetric'; known: .*focal"),
    (
      'emotion',
      {**MANY, 'loss': 'cross_entropy'},
      "loss 'cross_entropy'.*; known: .*asymmetric",
    ),
    ('emotion', {'outputs': ('joy', 'anger')}, "'happiness'.*'joy'"),
    ('emotion', {**MANY, 'outputs': ('Sad', 'anger')}, "'sadness'.*'Sad'"),
    ('emotion', {'outputs': ('anger', 'anger')}, 'different names'),
    ('emotion', {'outputs': ('anger',)}, 'two or more classes'),
    ('emotion', {'pos_weight': [1] * 7}, r"\['pos_weight'\] do not apply"),
    ('emotion', {'focal_alpha': 0.2}, r"\['focal_alpha'\] do not apply"),
    (
      'emotion',
      {**MANY, 'class_weights': 'balanced', 'label_smoothing': 0.1},
      r"\['class_weights', 'label_smoothing'\] do not apply",
    ),
    ('emotion', {**MANY, 'pos_weight': [1, 2]}, 'pos_weight .* 7 outputs'),
    ('emotion', {**MANY, 'pos_weight': 'sqrt'}, "'balanced', 'effective'"),
    ('emotion', {**MANY, 'clip': 1.0}, 'clip'),
    ('emotion', {**MANY, 'focal_alpha': 2.0}, 'focal_alpha'),
    ('emotion', {**MANY, 'gamma_neg': -1.0}, 'gamma_neg'),
    ('emotion', {**MANY, 'gamma_pos': -1.0}, 'gamma_pos'),
    ('emotion', {**MANY, 'beta': 1.0}, 'beta'),
    ('emotion', {'focal_gamma': -1.0}, 'focal_gamma'),
    ('sentiment', {'loss': 'huber'}, "loss 'huber'; known: .*mae"),
    ('sentiment', {'outputs': ('valence',)}, r"not \('valence',\)"),
    ('sentiment_class', {'outputs': ('negative', 'good')}, "not .*'good'"),
    ('sentiment_class', {'outputs': ('neutral', 'positive')}, 'not .*neutral'),
    ('sentiment_class', {'loss': 'hinge'}, "loss 'hinge'; known"),
    ('sarcasm', {'outputs': ('irony',)}, r"not \('irony',\)"),
    ('sarcasm', {'pos_weight': (1.0, 2.0)}, 'pos_weight'),
    ('sarcasm', {'beta': -1.0}, 'beta'),
    ('sarcasm', {'loss': 'focal'}, r"option 'loss' of task 'sarcasm'"),
  ],
)
def test_bad_options(name, options, message):
  with pytest.raises(ValueError, match=message):
    tasks.get_task(name, **options)
