"""What every method of balancing tasks is: a pure pair of init and update."""

from collections.abc import Callable
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Signals(NamedTuple):
  """What a method may read of one batch; K is the number of tasks.

  Attributes:
    losses: float32 [K], each times its factor in config.loss_weights; 0 if the
      task is absent.
    present: bool [K], False if the batch has no label of the task: it is
      absent, and must change neither the weights of the others nor any state.
    gram: float32 [K, K], inner products of the tasks' gradients with respect
      to the shared parameters, 0 in rows and columns of absent tasks; None
      unless the method reads gradients.
    rng: Random key of this step.
    task_rngs: Random keys [K] of this step, which depend on a task's name
      alone, not on which other tasks there are.
    task_ids: uint32 [K], a number for each task's name, for `fold_in`.
  """

  losses: jax.Array
  present: jax.Array
  gram: jax.Array | None
  rng: jax.Array
  task_rngs: jax.Array
  task_ids: jax.Array


@dataclasses.dataclass(frozen=True)
class Method:
  """A way to balance tasks.

  Attributes:
    init: (number of tasks K, shared parameters) -> state, a pytree of arrays;
      () if there is none.
    update: (state, signals) -> (weights float32 [K], state). The weights of
      absent tasks are 0. The shared parameters are moved along the sum of
      weight * gradient over tasks.
    reads_gradients: Whether `update` reads `signals.gram`. If so, each head
      keeps the gradient of its own loss; if not, weights multiply losses, and
      so the gradients of heads too.
    combine: Replaces the weighted sum: (gradients, state, signals) ->
      (gradient, state), where every leaf of `gradients` has a leading axis of
      K tasks, 0 for absent ones. It is called after `update`. None for the
      weighted sum.
    look_back: (state, signals, losses [K] of the same batch after the step) ->
      state; costs another forward pass. None if the method does not look back.
  """

  init: Callable[[int, Any], Any]
  update: Callable[[Any, Signals], tuple[jax.Array, Any]]
  reads_gradients: bool = False
  combine: Callable[[Any, Any, Signals], tuple[Any, Any]] | None = None
  look_back: Callable[[Any, Signals, jax.Array], Any] | None = None


def softmax(logits: jax.Array, present: jax.Array) -> jax.Array:
  """Returns the softmax [K] over present tasks, 0 for absent ones.

  It is 0 everywhere if no task is present.
  """
  shares = jax.nn.softmax(jnp.where(present, logits, -jnp.inf))
  return jnp.where(present, shares, 0.0)
