"""Options of tasks that want to know how often each label occurs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys.tasks import example

from affect_jax.tasks import action_units
from affect_jax.tasks import class_weights as class_weights_lib
from affect_jax.tasks import expression
from affect_jax.tasks import losses


def test_balanced_class_weights():
  # s-Aff-Wild2, training: counts n_c and N / n_c as public recipes state them.
  counts = [23976, 4555, 3168, 3122, 18135, 7609, 5228, 24852]
  published = [
    *(3.7807, 19.9001, 28.6127, 29.0343),
    *(4.9983, 11.9129, 17.3384, 3.6474),
  ]
  weights = class_weights_lib.class_weights(counts, expression.AFFWILD2_8)
  np.testing.assert_allclose(8 * weights, published, rtol=2e-5)
  assert np.average(weights, weights=counts) == pytest.approx(1, rel=1e-5)


def test_balanced_pos_weights():
  weights = class_weights_lib.pos_weights(
    ([1, 2, 30], [4, 10, 40]), ('a', 'b', 'c')
  )
  np.testing.assert_allclose(weights, [3, 4, 1 / 3], rtol=1e-6)
  capped = class_weights_lib.pos_weights(
    ([0, 2, 1], [4, 10, 2]), ('a', 'b', 'c'), 2.0
  )
  assert capped.tolist() == [2, 2, 1]


def test_effective_class_weights():
  # Cui et al., 2019: E = 1 + b + ... + b^(n - 1), weights ~ 1 / E.
  counts, beta = [1, 2, 4], 0.5
  effective = np.array([1, 1 + 0.5, 1 + 0.5 + 0.25 + 0.125])
  np.testing.assert_allclose(
    class_weights_lib.effective_number(counts, beta), effective
  )
  weights = class_weights_lib.class_weights(counts, ('a', 'b', 'c'), beta=beta)
  np.testing.assert_allclose(weights * effective, weights[0], rtol=1e-6)
  assert np.average(weights, weights=counts) == pytest.approx(1, rel=1e-6)
  # The ends: no weights at all, and 'balanced'.
  names, counts = expression.AFFWILD2_8[:3], [23976, 4555, 3168.5]
  flat = class_weights_lib.class_weights(counts, names, beta=0.0)
  np.testing.assert_allclose(flat, 1, rtol=1e-6)
  np.testing.assert_allclose(
    class_weights_lib.class_weights(counts, names, beta=1 - 1e-10),
    class_weights_lib.class_weights(counts, names),
    rtol=1e-4,
  )
  # The saturation that the name is about: no sample counts beyond 1 / (1 - b).
  many = class_weights_lib.class_weights([1e5, 1e6], ('a', 'b'), beta=0.999)
  np.testing.assert_allclose(many, 1, rtol=1e-6)
  assert class_weights_lib.class_weights([2, 0], ('a', 'b'), 9.0, 0.5)[1] == 9
  with pytest.raises(ValueError, match=r'beta must be in \[0, 1\), not 1'):
    class_weights_lib.effective_number([1], 1.0)


def test_effective_pos_weights():
  # 1 positive of 3, 4 of 5; b = .5: E(1) = 1, E(2) = 1.5, E(4) = 1.875.
  counts = ([1, 4], [3, 5])
  weights = class_weights_lib.pos_weights(counts, ('a', 'b'), beta=0.5)
  np.testing.assert_allclose(weights, [1.5, 1 / 1.875], rtol=1e-6)
  weights = class_weights_lib.pos_weights(counts, ('a', 'b'), beta=0.0)
  assert weights.tolist() == [1, 1]
  weights = class_weights_lib.pos_weights(counts, ('a', 'b'), beta=1 - 1e-10)
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
  assert class_weights_lib.by_counts(
    {'pos_weight': 'balanced', 'clip': 0.1}
  ) == ['pos_weight']
  options = {'class_weights': (1, 2), 'loss': 'focal', 'logit_adjustment': 0.0}
  assert class_weights_lib.by_counts(options) == []
  options |= {'class_weights': 'effective', 'logit_adjustment': 1.0}
  assert class_weights_lib.by_counts(options) == [
    'class_weights',
    'logit_adjustment',
  ]


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


def test_logit_adjustment_keeps_an_absent_class_down():
  # Class c has no sample: it is never the best guess, whatever tau is.
  labels = jnp.asarray(np.repeat(np.eye(3, dtype=np.float32), [6, 4, 0], 0))
  task = expression.build(
    ('neutral', 'anger', 'fear'), logit_adjustment=1.0, counts=[6, 4, 0]
  )
  gradient = jax.jit(
    jax.grad(
      lambda x: task.loss(jnp.broadcast_to(x, (10, 3)), labels, jnp.ones(10))
    )
  )
  x = jnp.zeros((1, 3))
  for _ in range(300):
    x = x - 1.0 * gradient(x)
  a, b, c = task.predict(x)[0]
  np.testing.assert_allclose(a, b, atol=2e-3)
  assert c < 0.02


def test_absent_classes_stop_nothing():
  for beta in (None, 0.5):
    weights = class_weights_lib.class_weights([2, 0], ('a', 'b'), beta=beta)
    assert weights[1] == 1
  weights = class_weights_lib.pos_weights(([1, 0], [3, 2]), ('a', 'b'))
  assert weights.tolist() == [2, 1]
  assert class_weights_lib.class_weights([2, 0], ('a', 'b'), 9.0).tolist() == [
    0.5,
    9,
  ]
  with pytest.raises(ValueError, match='a has no negative'):
    class_weights_lib.pos_weights(([2, 1], [2, 2]), ('a', 'b'), 5.0)
  with pytest.raises(ValueError, match='a has 3 positives of 2'):
    class_weights_lib.pos_weights(([3, 1], [2, 2]), ('a', 'b'))
  with pytest.raises(ValueError, match='Counts'):
    class_weights_lib.class_weights([1, 2, 3], ('a', 'b'))
  with pytest.raises(ValueError, match='weight_cap'):
    class_weights_lib.class_weights([1, 2], ('a', 'b'), 0.0)
