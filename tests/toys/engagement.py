"""How engaged a person is: a task that the package does not have."""

import functools

import jax

from affect_jax.metrics import counted
from affect_jax.metrics import regression
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import losses

ANNOTATION = annotation.Annotation('value', ('engagement',), low=0, high=1)


def loss(outputs, labels, weights, *, scale=1.0):
  """Squared error of the sigmoid, times `scale`."""
  return scale * losses.squared_error(predict(outputs), labels, weights)


def predict(outputs):
  """Raw outputs [B, 1] -> values in [0, 1]."""
  return jax.nn.sigmoid(outputs)


def build(outputs=('engagement',), scale: float = 1.0) -> base.Task:
  """The task 'engagement'; its headline is CCC."""
  outputs = base.check_outputs('engagement', outputs)
  return base.Task(
    name='engagement',
    outputs=outputs,
    loss=functools.partial(loss, scale=scale),
    predict=predict,
    metrics={
      'ccc': lambda p, y, w: counted.mean(regression.ccc(p, y, w, outputs))
    },
    headline='ccc',
    weight_per_output=True,
  )
