"""Random loss weighting: new random weights in every step.

Lin et al., 2022: "Reasonable Effectiveness of Random Weighting: A Litmus Test
for Multi-Task Learning".
"""

import jax

from affect_jax.multitask import base


def build() -> base.Method:
  """Builds the method: softmax of normal numbers, summing to 1."""

  def update(state, signals):
    draws = jax.vmap(jax.random.normal)(signals.task_rngs)
    return base.softmax(draws, signals.present), state

  return base.Method(init=lambda num_tasks, shared: (), update=update)
