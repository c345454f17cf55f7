"""One update: losses of the batch, their balance, gradient, averages."""

from collections.abc import Callable, Sequence
from typing import Any
import zlib

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from affect_jax import multitask
from affect_jax.training import batch_losses as batch_losses_lib
from affect_jax.training import on_line as on_line_lib
from affect_jax.training import task_gradients
from affect_jax.training import train_state
from affect_jax.training.train_state import TrainState


def make_train_step(
  model: nn.Module,
  tasks: Sequence[Any],
  tx: optax.GradientTransformation,
  *,
  balancing: multitask.Method | None = None,
  auxiliary_losses: Callable[[Any], Any] | None = None,
  on_line: on_line_lib.OnLine | None = None,
  ema_decay: float = 0.0,
  axis_name: str | None = None,
  **options: Any,
) -> Callable[[TrainState, Any, jax.Array], tuple[TrainState, Any]]:
  """Makes (state, batch, rng) -> (state, logs).

  The logs have the total 'loss' (the sum of the tasks' losses times
  config.loss_weights, and of the model's own), each plain 'loss/task', the
  'weight/task' that balancing gives, and 'grad_norm' of all that is not
  frozen, before clipping. If balancing reads the tasks' gradients, those of
  `task_gradients.report` are there too, and what `on_line` logs.

  Args:
    model: The model; under pmap built with the same `axis_name`.
    tasks: Its tasks.
    tx: The optimiser.
    balancing: How to balance the tasks; None for fixed weights.
    ema_decay: Decay of the averages in `state.ema`; 0 keeps none.
    axis_name: The pmap axis, or None under jit.
    auxiliary_losses, on_line, **options: See `batch_losses.make_batch_losses`.
  """
  method = balancing or multitask.get_method('fixed')
  names = [t.name for t in tasks]
  has_auxiliary = bool(auxiliary_losses or (on_line and on_line.losses))
  make = batch_losses_lib.make_batch_losses(
    model,
    tasks,
    auxiliary_losses=auxiliary_losses,
    on_line=on_line,
    axis_name=axis_name,
    **options,
  )

  def step(state, batch, rng):
    batch_losses = make(state, batch, rng)
    (losses, auxiliary), pull, (plain, model_state) = jax.vjp(
      batch_losses.of_params, state.params, has_aux=True
    )
    signals = _signals(names, losses, batch_losses)
    report = {}
    if method.reads_gradients:
      by_task = task_gradients.of_tasks(pull, len(names))
      by_task = _mean_over_devices(by_task, axis_name)
      grads, weights, balancing_state, report = _balance_gradients(
        method, names, by_task, state.balancing, signals
      )
      if has_auxiliary:
        (own,) = pull((jnp.zeros(len(names)), jnp.ones(())))
        own = _mean_over_devices(own, axis_name)
        grads = jax.tree.map(jnp.add, grads, own)
    else:
      weights, balancing_state = method.update(state.balancing, signals)
      (grads,) = pull((weights, jnp.ones(())))
      grads = _mean_over_devices(grads, axis_name)
    model_state = _mean_over_devices(model_state, axis_name)
    updates, opt_state = tx.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    if method.look_back:
      (after, _), _ = batch_losses.of_params(params)
      balancing_state = method.look_back(balancing_state, signals, after)
    ema = state.ema
    if ema_decay:
      ema = train_state.update_ema(ema, params, model_state, ema_decay)
    logs = {
      'loss': losses.sum() + auxiliary,
      'grad_norm': optax.tree.norm(grads),
    }
    for i, name in enumerate(names):
      logs |= {f'loss/{name}': plain[i], f'weight/{name}': weights[i]}
    state = TrainState(
      state.step + 1,
      params,
      model_state,
      opt_state,
      ema,
      balancing_state,
      batch_losses.memory,
    )
    return state, logs | batch_losses.logs | report

  return step


def make_gradient_report(
  model: nn.Module,
  tasks: Sequence[Any],
  *,
  axis_name: str | None = None,
  **options: Any,
) -> Callable[[TrainState, Any, jax.Array], dict[str, jax.Array]]:
  """Makes (state, batch, rng) -> `task_gradients.report` of the next step.

  For methods of balancing that do without the tasks' gradients.

  Args:
    model, tasks, axis_name: See `make_train_step`.
    **options: See `batch_losses.make_batch_losses`.
  """
  names = [t.name for t in tasks]
  make = batch_losses_lib.make_batch_losses(
    model, tasks, axis_name=axis_name, **options
  )

  def report(state, batch, rng):
    _, pull, _ = jax.vjp(
      make(state, batch, rng).of_params, state.params, has_aux=True
    )
    grads = task_gradients.of_tasks(pull, len(names))
    shared = task_gradients.shared(_mean_over_devices(grads, axis_name))
    return task_gradients.report(names, task_gradients.gram(shared))

  return report


def _balance_gradients(method, names, by_task, state, signals):
  """Returns (gradient, weights, state of the method, report)."""
  shared = task_gradients.shared(by_task)
  signals = signals._replace(gram=task_gradients.gram(shared))
  weights, state = method.update(state, signals)
  if method.combine:
    combined, state = method.combine(shared, state, signals)
  else:
    combined = jax.tree.map(lambda g: jnp.tensordot(weights, g, 1), shared)
  # Each head keeps the gradient of its own loss.
  grads = {
    k: combined[k] if k in combined else jax.tree.map(lambda g: g.sum(0), v)
    for k, v in by_task.items()
  }
  return grads, weights, state, task_gradients.report(names, signals.gram)


def _signals(names, losses, batch_losses):
  ids = np.array([zlib.crc32(n.encode()) for n in names], np.uint32)
  rng = jax.random.fold_in(batch_losses.rng, zlib.crc32(b'balancing'))
  return multitask.Signals(
    losses=jnp.where(batch_losses.present, losses, 0.0),
    present=batch_losses.present,
    gram=None,
    rng=rng,
    task_rngs=jax.vmap(jax.random.fold_in, (None, 0))(rng, ids),
    task_ids=jnp.asarray(ids),
  )


def _mean_over_devices(tree: Any, axis_name: str | None) -> Any:
  # Every device differentiated the same global loss. A sum over devices would
  # count it once per device, so the mean is the gradient.
  return jax.lax.pmean(tree, axis_name) if axis_name else tree
