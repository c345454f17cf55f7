"""The tasks that configs name: options, errors, losses and result keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax import batch as contract
from affect_jax import losses
from affect_jax import tasks
from affect_jax.tasks import action_units
from affect_jax.tasks import balance
from affect_jax.tasks import expression
from affect_jax.tasks import valence_arousal

VARIANTS = {
  'expression': [
    {},
    {'loss': 'focal', 'label_smoothing': 0.1},
    {'class_weights': 'balanced', 'counts': [7, 6, 5, 4, 3, 2, 1]},
    {'logit_adjustment': 1.5, 'counts': [7, 6, 5, 4, 3, 2, 1]},
  ],
  'action_units': [
    {},
    {'loss': 'focal', 'focal_alpha': 0.25},
    {'loss': 'asymmetric', 'pos_weight': np.arange(1, 13)},
    {'pos_weight': 'balanced', 'counts': ([3] * 12, [9] * 12)},
  ],
  'valence_arousal': [
    *({'loss': name} for name in valence_arousal.LOSSES),
    {'loss': 'bins', 'soft_bins': True, 'bins': 7, 'outputs': ('valence',)},
  ],
}
every_variant = pytest.mark.parametrize(
  ('name', 'options'), [(n, o) for n, all_ in VARIANTS.items() for o in all_]
)


def example(task, rows=16):
  """Random (outputs, labels, weights) of a task."""
  rng = np.random.default_rng(0)
  k = len(task.outputs)
  outputs = rng.normal(size=(rows, task.num_units))
  if task.name == 'expression':
    labels = rng.dirichlet(np.ones(k), rows)
  elif task.name == 'action_units':
    labels = rng.integers(0, 2, (rows, k))
  else:
    labels = rng.uniform(-1, 1, (rows, k))
  weights = rng.uniform(0.2, 1, (rows, k) if task.weight_per_output else rows)
  return tuple(np.asarray(x, np.float32) for x in (outputs, labels, weights))


@every_variant
def test_task_fits_the_contract(name, options):
  task = tasks.get_task(name, **options)
  assert task.name == name
  assert task.headline in task.metrics
  batch = contract.dummy_batch([task], 8, 2)
  contract.check_batch(batch, [task])


@every_variant
def test_loss_learns_its_own_labels(name, options):
  task = tasks.get_task(name, **options)
  outputs, labels, weights = map(jnp.asarray, example(task))
  step = jax.jit(jax.value_and_grad(task.loss))
  first, grad = step(outputs, labels, weights)
  assert np.isfinite(first)
  assert grad.shape == outputs.shape
  for _ in range(200):
    outputs = outputs - 4.0 * step(outputs, labels, weights)[1]
  assert step(outputs, labels, weights)[0] < 0.9 * first


@every_variant
def test_empty_batch_and_garbage(name, options):
  task = tasks.get_task(name, **options)
  outputs, labels, weights = example(task)
  step = jax.jit(jax.value_and_grad(task.loss))
  value, grad = step(*map(jnp.asarray, (outputs, labels * np.nan, 0 * weights)))
  assert value == 0
  assert np.all(grad == 0)
  weights[5] = 0
  expected = step(*map(jnp.asarray, (outputs, labels, weights)))
  labels[5] = np.nan
  value, grad = step(*map(jnp.asarray, (outputs, labels, weights)))
  assert value == expected[0]
  np.testing.assert_array_equal(grad, expected[1])


@every_variant
def test_predictions_lie_in_label_space(name, options):
  task = tasks.get_task(name, **options)
  outputs, labels, _ = example(task)
  p = np.asarray(task.predict(jnp.asarray(outputs * 3).astype(jnp.bfloat16)))
  assert p.dtype == np.float32
  assert p.shape == labels.shape
  low = -1 if name == 'valence_arousal' else 0
  assert np.all((p >= low) & (p <= 1))
  if name == 'expression':
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


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


@pytest.mark.parametrize('name', tasks.TASKS)
def test_metrics_of_perfect_and_absent_predictions(name):
  task = tasks.get_task(name)
  _, labels, weights = example(task, rows=200)
  assert task.metrics[task.headline](labels, labels, weights) == pytest.approx(
    1
  )
  for metric in task.metrics.values():
    value = metric(labels, labels, weights * 0)
    value = list(value.values()) if isinstance(value, dict) else value
    assert np.all(np.isnan(value))


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
  with pytest.raises(ValueError, match=r"options \['gamma'\].*focal_gamma"):
    tasks.get_task('expression', gamma=1)
  for name, known in (
    ('expression', 'focal'),
    ('action_units', 'asymmetric'),
    ('valence_arousal', 'ccc_mse'),
  ):
    with pytest.raises(ValueError, match=f"loss 'hinge'; known: .*'{known}'"):
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
      {'logit_adjustment': 1.0, 'counts': 3 * [1, 2] + [0]},
      r"\['surprise'\] have no training sample",
    ),
    (
      'expression',
      {'logit_adjustment': 1.0, 'class_weights': 'effective'},
      'choose one',
    ),
    ('expression', {'label_smoothing': 1.0}, 'label_smoothing'),
    ('expression', {'focal_gamma': -1.0}, 'focal_gamma'),
    ('expression', {'focal_gamma': float('nan')}, 'focal_gamma'),
    ('expression', {'outputs': ('anger',)}, 'two classes'),
    ('expression', {'outputs': ('Happy', 'anger')}, "'happiness'.*'Happy'"),
    ('action_units', {'pos_weight': [1, 2]}, 'pos_weight .* 12 outputs'),
    ('action_units', {'pos_weight': 'balanced'}, 'needs `counts`'),
    ('action_units', {'pos_weight': 'effective'}, "'effective' needs `counts`"),
    ('action_units', {'beta': -0.1}, 'beta'),
    ('action_units', {'outputs': ('AU01',)}, "'AU1' for 'AU01'"),
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


def test_balanced_class_weights():
  # s-Aff-Wild2, training: counts n_c and N / n_c as public recipes state them.
  counts = [23976, 4555, 3168, 3122, 18135, 7609, 5228, 24852]
  published = [
    *(3.7807, 19.9001, 28.6127, 29.0343),
    *(4.9983, 11.9129, 17.3384, 3.6474),
  ]
  weights = balance.class_weights(counts, expression.AFFWILD2_8)
  np.testing.assert_allclose(8 * weights, published, rtol=2e-5)
  assert np.average(weights, weights=counts) == pytest.approx(1, rel=1e-5)


def test_balanced_pos_weights():
  weights = balance.pos_weights(([1, 2, 30], [4, 10, 40]), ('a', 'b', 'c'))
  np.testing.assert_allclose(weights, [3, 4, 1 / 3], rtol=1e-6)
  capped = balance.pos_weights(([0, 2, 1], [4, 10, 2]), ('a', 'b', 'c'), 2.0)
  assert capped.tolist() == [2, 2, 1]


def test_effective_class_weights():
  # Cui et al., 2019: E = 1 + b + ... + b^(n - 1), weights ~ 1 / E.
  counts, beta = [1, 2, 4], 0.5
  effective = np.array([1, 1 + 0.5, 1 + 0.5 + 0.25 + 0.125])
  np.testing.assert_allclose(balance.effective_number(counts, beta), effective)
  weights = balance.class_weights(counts, ('a', 'b', 'c'), beta=beta)
  np.testing.assert_allclose(weights * effective, weights[0], rtol=1e-6)
  assert np.average(weights, weights=counts) == pytest.approx(1, rel=1e-6)
  # The ends: no weights at all, and 'balanced'.
  names, counts = expression.AFFWILD2_8[:3], [23976, 4555, 3168.5]
  flat = balance.class_weights(counts, names, beta=0.0)
  np.testing.assert_allclose(flat, 1, rtol=1e-6)
  np.testing.assert_allclose(
    balance.class_weights(counts, names, beta=1 - 1e-10),
    balance.class_weights(counts, names),
    rtol=1e-4,
  )
  # The saturation that the name is about: no sample counts beyond 1 / (1 - b).
  many = balance.class_weights([1e5, 1e6], ('a', 'b'), beta=0.999)
  np.testing.assert_allclose(many, 1, rtol=1e-6)
  assert balance.class_weights([2, 0], ('a', 'b'), 9.0, 0.5)[1] == 9
  with pytest.raises(ValueError, match=r"\['b'\] have no training sample"):
    balance.class_weights([2, 0], ('a', 'b'), beta=0.5)
  with pytest.raises(ValueError, match=r'beta must be in \[0, 1\), not 1'):
    balance.effective_number([1], 1.0)


def test_effective_pos_weights():
  # 1 positive of 3, 4 of 5; b = .5: E(1) = 1, E(2) = 1.5, E(4) = 1.875.
  counts = ([1, 4], [3, 5])
  weights = balance.pos_weights(counts, ('a', 'b'), beta=0.5)
  np.testing.assert_allclose(weights, [1.5, 1 / 1.875], rtol=1e-6)
  weights = balance.pos_weights(counts, ('a', 'b'), beta=0.0)
  assert weights.tolist() == [1, 1]
  weights = balance.pos_weights(counts, ('a', 'b'), beta=1 - 1e-10)
  np.testing.assert_allclose(weights, [2, 1 / 4], rtol=1e-4)
  task = action_units.build(
    ('AU1', 'AU2'), pos_weight='effective', beta=0.5, counts=counts
  )
  arrays = tuple(map(jnp.asarray, example(task)))
  np.testing.assert_allclose(
    task.loss(*arrays),
    losses.sigmoid_cross_entropy(*arrays, pos_weight=[1.5, 1 / 1.875]),
    rtol=1e-6,
  )


def test_options_that_want_counts():
  assert balance.by_counts({'pos_weight': 'balanced', 'clip': 0.1}) == [
    'pos_weight'
  ]
  options = {'class_weights': (1, 2), 'loss': 'focal', 'logit_adjustment': 0.0}
  assert balance.by_counts(options) == []
  options |= {'class_weights': 'effective', 'logit_adjustment': 1.0}
  assert balance.by_counts(options) == ['class_weights', 'logit_adjustment']


def test_logit_adjustment():
  # Menon et al., 2021, eq. 10: -log of softmax(f + tau log pi) at the label.
  counts = np.array([70, 20, 10])
  names = ('neutral', 'anger', 'fear')
  task = expression.build(names, logit_adjustment=1.5, counts=counts)
  plain = expression.build(names)
  outputs, labels, weights = example(plain)
  adjusted = outputs + 1.5 * np.log(counts / 100)
  log_p = adjusted - np.log(np.exp(adjusted).sum(1, keepdims=True))
  expected = np.average(-(labels * log_p).sum(1), weights=weights)
  arrays = tuple(map(jnp.asarray, (outputs, labels, weights)))
  np.testing.assert_allclose(task.loss(*arrays), expected, rtol=1e-5)
  low = (arrays[0].astype(jnp.bfloat16), *arrays[1:])
  np.testing.assert_allclose(task.loss(*low), expected, rtol=1e-2)
  assert task.loss(*low).dtype == jnp.float32
  # Predictions do not know about it.
  np.testing.assert_array_equal(
    task.predict(arrays[0]), plain.predict(arrays[0])
  )


def test_logit_adjustment_learns_what_even_classes_would():
  # One picture for all: the best p is the prior, with tau 1 it is uniform.
  labels = jnp.asarray(np.repeat(np.eye(3, dtype=np.float32), [7, 2, 1], 0))
  for tau, expected in ((0.0, [0.7, 0.2, 0.1]), (1.0, [1 / 3] * 3)):
    task = expression.build(
      ('neutral', 'anger', 'fear'), logit_adjustment=tau, counts=[7, 2, 1]
    )
    gradient = jax.jit(
      jax.grad(
        lambda x, task=task: task.loss(
          jnp.broadcast_to(x, (10, 3)), labels, jnp.ones(10)
        )
      )
    )
    x = jnp.zeros((1, 3))
    for _ in range(300):
      x = x - 1.0 * gradient(x)
    np.testing.assert_allclose(task.predict(x)[0], expected, atol=1e-3)


def test_absent_classes_are_named_or_capped():
  with pytest.raises(ValueError, match=r"\['b'\] have no training sample"):
    balance.class_weights([2, 0], ('a', 'b'))
  assert balance.class_weights([2, 0], ('a', 'b'), 9.0).tolist() == [0.5, 9]
  with pytest.raises(ValueError, match=r"\['b'\] have no positive"):
    balance.pos_weights(([1, 0], [2, 2]), ('a', 'b'))
  with pytest.raises(ValueError, match='a has no negative'):
    balance.pos_weights(([2, 1], [2, 2]), ('a', 'b'), 5.0)
  with pytest.raises(ValueError, match='a has 3 positives of 2'):
    balance.pos_weights(([3, 1], [2, 2]), ('a', 'b'))
  with pytest.raises(ValueError, match='Counts'):
    balance.class_weights([1, 2, 3], ('a', 'b'))
  with pytest.raises(ValueError, match='weight_cap'):
    balance.class_weights([1, 2], ('a', 'b'), 0.0)


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


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('Happy', 'happiness'),
    ('joy', 'happiness'),
    ('ANGRY', 'anger'),
    (' sad ', 'sadness'),
    ('surprised', 'surprise'),
    ('Fearful', 'fear'),
    ('afraid', 'fear'),
    ('disgusted', 'disgust'),
    ('calm', 'neutral'),
    ('Contempt', 'contempt'),
    ('Other', 'other'),
  ],
)
def test_expression_names(name, expected):
  assert expression.canonical_name(name) == expected
  assert expression.canonical_name(expected) == expected


def test_unknown_expression_lists_the_known():
  with pytest.raises(ValueError, match=r"'bored'; known: .*happiness \(happy"):
    expression.canonical_name('bored')


def test_no_synonym_is_ambiguous():
  spelled = [n for k, v in expression.SYNONYMS.items() for n in (k, *v)]
  assert len(set(spelled)) == len(spelled)
  assert set(expression.AFFWILD2_8) | {'contempt'} == set(expression.SYNONYMS)


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('AU1', 'AU1'),
    ('au01', 'AU1'),
    ('AU_1', 'AU1'),
    (' AU01_c', 'AU1'),
    ('AU-26', 'AU26'),
    ('AU 10', 'AU10'),
    ('AU12R', 'AU12R'),
    ('au_06l_c', 'AU6L'),
  ],
)
def test_action_unit_names(name, expected):
  assert action_units.canonical_name(name) == expected


@pytest.mark.parametrize('name', ['AU0', 'AU01_r', '1', 'AU', 'AU65', 'AU123'])
def test_unknown_action_units(name):
  with pytest.raises(ValueError, match=f'action unit {name!r}; known: AU1'):
    action_units.canonical_name(name)


def test_constants_are_canonical():
  for units in (
    action_units.AFFWILD2_12,
    action_units.AFFWILD2_8,
    action_units.DISFA_12,
    action_units.DISFA_8,
    action_units.EMOTIONET_12,
  ):
    assert action_units.build(outputs=units).outputs == units
  assert len(action_units.AFFWILD2_12) == 12
  for classes in (
    expression.BASIC_7,
    expression.AFFWILD2_8,
    expression.AFFECTNET_8,
  ):
    assert expression.build(outputs=classes).outputs == classes
