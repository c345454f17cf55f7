"""FairGrad: alpha-fair gains of all tasks."""

from affect_jax import errors
from affect_jax.multitask import base
from affect_jax.multitask import fairness
from affect_jax.multitask import gram as gram_lib


def build(*, alpha: float = 1.0) -> base.Method:
  """Weights w with gram w = w^(-1 / alpha): the fairer, the larger alpha.

  Ban & Ji, 2024, Fair resource allocation in multi-task learning, equation
  (4). Default: `FairGrad` in their `methods/weight_methods.py`, which then
  clips the update's length to 1; TorchJD does not, and nor does this. The scale
  is the paper's: for alpha 1 the update of K tasks has length sqrt(K),
  however short their gradients. Gradients of 0 take no part. One task: weight
  length^(-2 alpha / (1 + alpha)), for alpha 1 a gradient of length 1.

  Args:
    alpha: 0 is the mean, 1 proportional fairness (the direction of Nash-MTL);
      towards infinity all tasks gain alike.
  """
  if alpha < 0:
    raise errors.UserError(
      f'alpha of FairGrad must not be negative, but is {alpha}.'
    )

  def update(state, signals):
    gram = signals.gram
    if not alpha:
      return gram_lib.mean_weights(signals.present, gram.dtype), state
    return fairness.fair_weights(gram, 1 / alpha), state

  return base.Method(lambda num_tasks, shared: (), update, reads_gradients=True)
