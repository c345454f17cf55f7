"""Tasks of faces: options, errors, losses and result keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.tasks import example

from affect_jax import tasks
from affect_jax.tasks import action_units
from affect_jax.tasks import expression
from affect_jax.tasks import losses
from affect_jax.tasks import valence_arousal


def keys(task):
  """Keys of results.json: task/metric[/output]."""
  _, labels, weights = example(task)
  result = []
  for metric, function in task.metrics.items():
    value = function(labels, labels, weights)
    if isinstance(value, dict):
      result += [f'{task.name}/{metric}/{name}' for name in value]
    else:
      assert isinstance(value, float)
      result.append(f'{task.name}/{metric}')
  return result


def test_result_keys():
  found = keys(expression.build())
  for key in (
    'expression/macro_f1',
    'expression/accuracy',
    'expression/uar',
    'expression/f1/anger',
    'expression/confusion/anger/fear',
  ):
    assert key in found
  assert len(found) == 3 + 7 + 49
  found = keys(action_units.build())
  for key in (
    'action_units/mean_f1',
    'action_units/f1/AU1',
    'action_units/auc/AU1',
    'action_units/accuracy/AU26',
  ):
    assert key in found
  found = keys(valence_arousal.build())
  for key in (
    'valence_arousal/mean_ccc',
    'valence_arousal/ccc/valence',
    'valence_arousal/pearson/arousal',
    'valence_arousal/rmse/arousal',
    'valence_arousal/sign_agreement/arousal',
  ):
    assert key in found
  assert len(set(found)) == len(found)


def test_tuned_thresholds():
  task = action_units.build(outputs=('AU1', 'AU12'))
  labels = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
  scores = 0.3 * labels + [[0.1, 0.4]]
  assert task.tune is not None
  thresholds = task.tune(scores, labels, np.ones((4, 2)))
  assert thresholds == {'AU1': 0.35, 'AU12': 0.5}
  arrays = (scores, labels, np.ones((4, 2)))
  tuned = {k: f(*arrays, thresholds) for k, f in task.tuned_metrics.items()}
  assert tuned == {'tuned_f1': {'AU1': 1, 'AU12': 1}, 'tuned_mean_f1': 1}
  assert task.metrics['mean_f1'](*arrays) == 0.5


def test_unknown_names_list_the_known():
  with pytest.raises(ValueError, match=r"Unknown task 'emotions'.*expression"):
    tasks.get_task('emotions')
  with pytest.raises(ValueError, match=r"option 'gamma' of .*focal_gamma"):
    tasks.get_task('expression', gamma=1)
  for name, known in (
    ('expression', 'focal'),
    ('action_units', 'asymmetric'),
    ('valence_arousal', 'ccc_mse'),
  ):
    with pytest.raises(ValueError, match=f"loss 'hinge'; known: .*{known}"):
      tasks.get_task(name, loss='hinge')
    for outputs in ((), ('AU1', 'AU1'), 'AU1'):
      with pytest.raises(ValueError, match='different names'):
        tasks.get_task(name, outputs=outputs)


@pytest.mark.parametrize(
  ('name', 'options', 'message'),
  [
    ('expression', {'class_weights': [1, 2]}, 'class_weights .* 7 outputs'),
    ('expression', {'class_weights': 'sqrt'}, "'balanced', 'effective'"),
    ('expression', {'class_weights': [-1] + 6 * [1]}, '>= 0'),
    ('expression', {'class_weights': 'balanced'}, "'balanced' needs `counts`"),
    (
      'expression',
      {'class_weights': 'effective'},
      "'effective' needs `counts`",
    ),
    ('expression', {'beta': 1.0}, 'beta'),
    (
      'expression',
      {'logit_adjustment': 1.0},
      'logit_adjustment needs `counts`',
    ),
    ('expression', {'logit_adjustment': -1.0}, 'logit_adjustment'),
    (
      'expression',
      {'logit_adjustment': 1.0, 'counts': 7 * [0]},
      'logit_adjustment needs training samples',
    ),
    (
      'expression',
      {'logit_adjustment': 1.0, 'class_weights': 'effective'},
      'set only one',
    ),
    ('expression', {'label_smoothing': 1.0}, 'label_smoothing'),
    ('expression', {'focal_gamma': -1.0}, 'focal_gamma'),
    ('expression', {'focal_gamma': float('nan')}, 'focal_gamma'),
    ('expression', {'outputs': ('anger',)}, 'two or more classes'),
    ('expression', {'outputs': ('Happy', 'anger')}, "'happiness'.*'Happy'"),
    ('action_units', {'pos_weight': [1, 2]}, 'pos_weight .* 12 outputs'),
    ('action_units', {'pos_weight': 'balanced'}, 'needs `counts`'),
    ('action_units', {'pos_weight': 'effective'}, "'effective' needs `counts`"),
    ('action_units', {'beta': -0.1}, 'beta'),
    ('action_units', {'outputs': ('AU01',)}, "'AU1' instead of 'AU01'"),
    ('action_units', {'outputs': ('smile',)}, "action unit 'smile'"),
    ('action_units', {'clip': 1.0}, 'clip'),
    ('action_units', {'focal_alpha': 2.0}, 'focal_alpha'),
    ('action_units', {'gamma_neg': -1.0}, 'gamma_neg'),
    ('valence_arousal', {'bins': 1}, 'bins'),
    ('valence_arousal', {'mse_weight': -1}, 'mse_weight'),
  ],
)
def test_bad_options(name, options, message):
  with pytest.raises(ValueError, match=message):
    tasks.get_task(name, **options)


def test_options_reach_the_losses():
  counts = np.array([7, 6, 5, 4, 3, 2, 1])
  task = expression.build(class_weights='balanced', counts=counts)
  arrays = tuple(map(jnp.asarray, example(task)))
  np.testing.assert_allclose(
    task.loss(*arrays),
    losses.softmax_cross_entropy(*arrays, class_weights=28 / 7 / counts),
    rtol=1e-5,
  )
  task = expression.build(loss='focal', focal_gamma=3.0, label_smoothing=0.2)
  assert task.loss(*arrays) == losses.softmax_cross_entropy(
    *arrays, focal_gamma=3.0, label_smoothing=0.2
  )
  units = ('AU1', 'AU2')
  for options, expected in (
    ({'pos_weight': [2, 3]}, losses.sigmoid_cross_entropy),
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
    task = action_units.build(outputs=units, **options)
    arrays = tuple(map(jnp.asarray, example(task)))
    more = {'pos_weight': [2, 3]} if 'pos_weight' in options else {}
    np.testing.assert_allclose(
      task.loss(*arrays), expected(*arrays, **more), rtol=1e-6
    )


def test_valence_arousal_losses_see_the_predictions():
  outputs, labels, weights = example(valence_arousal.build())
  values = np.tanh(outputs.astype(float))
  arrays = tuple(map(jnp.asarray, (outputs, labels, weights)))
  mse = np.average((values - labels) ** 2, weights=weights)
  ccc = np.mean(
    [1 - ccc_of(values[:, k], labels[:, k], weights[:, k]) for k in (0, 1)]
  )
  for options, expected in (
    ({}, ccc),
    ({'loss': 'mse'}, mse),
    ({'loss': 'mae'}, np.average(np.abs(values - labels), weights=weights)),
    ({'loss': 'ccc_mse', 'mse_weight': 0.3}, ccc + 0.3 * mse),
  ):
    task = valence_arousal.build(**options)
    np.testing.assert_allclose(task.loss(*arrays), expected, rtol=1e-5)
    np.testing.assert_allclose(task.predict(arrays[0]), values, atol=1e-6)


def ccc_of(p, y, w):
  cov = np.cov(p, y, aweights=w, bias=True)
  gap = np.average(p, weights=w) - np.average(y, weights=w)
  return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + gap**2)


def test_bins_of_valence_arousal():
  task = valence_arousal.build(loss='bins', ccc_weight=0.5)
  assert task.num_units == 40
  outputs, labels, weights = example(task)
  e = np.exp(outputs.astype(float).reshape(16, 2, 20))
  p = e / e.sum(-1, keepdims=True)
  values = p @ np.linspace(-1, 1, 20)
  np.testing.assert_allclose(
    task.predict(jnp.asarray(outputs)), values, atol=1e-6
  )
  nearest = np.abs(np.linspace(-1, 1, 20) - labels[..., None]).argmin(-1)
  entropy = -np.log(np.take_along_axis(p, nearest[..., None], 2)[..., 0])
  ccc = np.mean(
    [1 - ccc_of(values[:, k], labels[:, k], weights[:, k]) for k in (0, 1)]
  )
  np.testing.assert_allclose(
    task.loss(*map(jnp.asarray, (outputs, labels, weights))),
    np.average(entropy, weights=weights) + 0.5 * ccc,
    rtol=1e-5,
  )


def test_ccc_mse_moves_constant_predictions_together():
  labels = jnp.asarray([[0.5, 0.2], [0.7, 0.4], [0.9, 0.9]])
  outputs, weights = jnp.zeros((3, 2)), jnp.ones((3, 2))
  for kind, moves in (('ccc', False), ('ccc_mse', True)):
    grad = jax.jit(jax.grad(valence_arousal.build(loss=kind).loss))(
      outputs, labels, weights
    )
    assert (np.abs(grad.sum(0)) > 0.01).all() == moves
