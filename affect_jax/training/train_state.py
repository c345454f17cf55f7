"""The state that training changes and a checkpoint holds, as one pytree."""

from collections.abc import Callable
from typing import Any

from flax import linen as nn
from flax import struct
import jax
import jax.numpy as jnp
import optax

from affect_jax.errors import UserError


class TrainState(struct.PyTreeNode):
  """State after `step` finished updates.

  Attributes:
    step: i32 [], number of finished updates.
    params: Parameters, which the optimiser changes.
    model_state: Variables that the forward pass changes: {'batch_stats': ...}.
    opt_state: State of the optax transformation.
    ema: Exponential moving averages {'params', 'model_state'}, or {}.
    balancing: State of the method that balances tasks, or ().
    memory: Running means of weak supervision on line, see `on_line`, or ().
  """

  step: jax.Array
  params: Any
  model_state: Any
  opt_state: optax.OptState
  ema: Any
  balancing: Any = ()
  memory: Any = ()


def create(
  model: nn.Module,
  tx: optax.GradientTransformation,
  inputs: Any,
  rng: jax.Array,
  *,
  with_ema: bool,
  init_balancing: Callable[[Any], Any] = lambda params: (),
  start_memory: Callable[[], Any] = lambda: (),
) -> TrainState:
  """Returns a fresh state. Call it under jit, lest donated buffers be shared.

  Args:
    model: The model to initialise.
    tx: The optimiser.
    inputs: One batch of `inputs`, any values.
    rng: Random key of the initialisation.
    with_ema: Keep moving averages too.
    init_balancing: Parameters -> state of the method that balances tasks.
    start_memory: () -> the first `memory`.
  """
  variables = dict(model.init(rng, inputs, train=False))
  params = variables.pop('params')
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    model_state=variables,
    opt_state=tx.init(params),
    ema=copy_for_ema(params, variables) if with_ema else {},
    balancing=init_balancing(params),
    memory=start_memory(),
  )


def check_ema_decay(decay: float) -> None:
  """Raises UserError unless 0 (no averages) <= decay < 1."""
  if not 0 <= decay < 1:
    raise UserError(
      f'config.ema_decay is {decay}, but must be at least 0 (no moving '
      'averages) and below 1 (they would never change).'
    )


def copy_for_ema(params: Any, model_state: Any) -> Any:
  """Returns averages that begin at the first weights: no bias to correct."""
  return jax.tree.map(jnp.copy, {'params': params, 'model_state': model_state})


def update_ema(ema: Any, params: Any, model_state: Any, decay: float) -> Any:
  """Returns decay * ema + (1 - decay) * new, also of BatchNorm statistics."""
  new = {'params': params, 'model_state': model_state}
  # This form keeps values that do not change the same to the last bit.
  return jax.tree.map(lambda e, n: e + (1 - decay) * (n - e), ema, new)


def eval_variables(state: TrainState) -> dict[str, Any]:
  """Returns the variables to evaluate: the moving averages if there are any."""
  if state.ema:
    return {'params': state.ema['params'], **state.ema['model_state']}
  return {'params': state.params, **state.model_state}
