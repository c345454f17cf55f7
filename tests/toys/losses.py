"""Every loss, with random outputs, labels and weights that suit it."""

import functools

import jax
import numpy as np

from affect_jax.tasks import losses

B, K = 12, 4


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def softmax(x):
  e = np.exp(x - x.max(-1, keepdims=True))
  return e / e.sum(-1, keepdims=True)


def one_hot(classes):
  return np.eye(K)[classes]


def binned(outputs, labels, weights):
  return losses.binned_cross_entropy(outputs, labels, weights, bins=5)


def binned_soft(outputs, labels, weights):
  return losses.binned_cross_entropy(
    outputs, labels, weights, bins=5, soft=True
  )


def smoothed_focal(outputs, labels, weights):
  return losses.softmax_cross_entropy(
    outputs,
    labels,
    weights,
    class_weights=[1.0, 2.0, 0.5, 3.0],
    label_smoothing=0.1,
    focal_gamma=0.5,
  )


def sharp_asymmetric(outputs, labels, weights):
  return losses.sigmoid_asymmetric(
    outputs, labels, weights, gamma_neg=0.5, gamma_pos=0.0, clip=0.3
  )


LOSSES = {
  'softmax_cross_entropy': losses.softmax_cross_entropy,
  'smoothed_focal': smoothed_focal,
  'sigmoid_cross_entropy': losses.sigmoid_cross_entropy,
  'sigmoid_focal': losses.sigmoid_focal,
  'sigmoid_asymmetric': losses.sigmoid_asymmetric,
  'sharp_asymmetric': sharp_asymmetric,
  'concordance': losses.concordance,
  'squared_error': losses.squared_error,
  'absolute_error': losses.absolute_error,
  'binned': binned,
  'binned_soft': binned_soft,
}


def example(name, seed=0, rows=B):
  """Random (outputs, labels, weights) that suit the loss."""
  rng = np.random.default_rng(seed)
  units = K * 5 if 'binned' in name else K
  outputs = rng.normal(size=(rows, units))
  shape = (rows, K)
  weights = rng.uniform(0.1, 1, shape)
  if name in ('softmax_cross_entropy', 'smoothed_focal'):
    labels = rng.dirichlet(np.ones(K), rows)
    weights = weights[:, 0]
  elif 'sigmoid' in name or 'asymmetric' in name:
    labels = rng.integers(0, 2, shape).astype(float)
  else:
    labels = rng.uniform(-1, 1, shape)
  return tuple(x.astype(np.float32) for x in (outputs, labels, weights))


@functools.cache
def compiled(name):
  return jax.jit(jax.value_and_grad(LOSSES[name]))


def value_and_grad(name, outputs, labels, weights):
  value, grad = compiled(name)(outputs, labels, weights)
  return np.asarray(value), np.asarray(grad)
