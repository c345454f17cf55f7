"""One update: forward pass, losses of the global batch, gradient, averages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp
import optax

from affect_jax.augmentation import mixup
from affect_jax.training import optimizer
from affect_jax.training import train_state
from affect_jax.training.train_state import TrainState

# The collection from which the model's own losses, as those of MISA, are
# computed: arrays with a row per sample, which are treated like outputs.
AUXILIARY = 'auxiliary_rows'


def make_train_step(
  model: nn.Module,
  tasks: Sequence[Any],
  tx: optax.GradientTransformation,
  *,
  loss_weights: Mapping[str, float],
  auxiliary_losses: Callable[[Any], Mapping[str, jax.Array]] | None = None,
  accumulate: int = 1,
  ema_decay: float = 0.0,
  frozen: Sequence[str] = (),
  mixing: Mapping[str, Any] | None = None,
  windows: bool = False,
  axis_name: str | None = None,
) -> Callable[[TrainState, Any, jax.Array], tuple[TrainState, Any]]:
  """Makes (state, batch, rng) -> (state, logs).

  Args:
    model: The model; under pmap built with the same `axis_name`.
    tasks: Its tasks.
    tx: The optimiser.
    loss_weights: {task: factor}; the loss is the weighted sum.
    auxiliary_losses: The collection 'auxiliary_rows' of the whole batch ->
      {name: loss}, the model's own losses; None if it has none.
    accumulate: Number of parts that go through the network one after another
      to save memory. Losses still see the whole batch, so CCC is exact;
      BatchNorm sees one part at a time.
    ema_decay: Decay of the averages in `state.ema`; 0 keeps none.
    frozen: Prefixes of parameters that `tx` leaves unchanged: they get no
      gradient. `grad_norm` is that of the others, before clipping.
    mixing: Options of `mixup.mix`; None mixes nothing. Under pmap, partners
      are on one device.
    windows: Batches hold windows of frames, [B, T, ...].
    axis_name: The pmap axis, or None under jit.
  """

  def forward(params, model_state, inputs, rng):
    def part(model_state, part):
      index, inputs = part
      outputs, new = model.apply(
        {'params': params, **model_state},
        inputs,
        train=True,
        rngs={'dropout': jax.random.fold_in(rng, index)},
        mutable=[*model_state, AUXILIARY],
      )
      new = dict(new)
      rows = new.pop(AUXILIARY, {})
      return new, (outputs, rows)

    if accumulate == 1:
      model_state, (outputs, rows) = part(model_state, (0, inputs))
      return outputs, rows, model_state
    # Part i takes every accumulate-th row: a sharded batch stays where it is.
    parts = jax.tree.map(
      lambda x: x.reshape(-1, accumulate, *x.shape[1:]).swapaxes(0, 1), inputs
    )
    # Activations are recomputed in the backward pass, so that only one part's
    # are in memory.
    model_state, (outputs, rows) = jax.lax.scan(
      jax.checkpoint(part), model_state, (jnp.arange(accumulate), parts)
    )
    outputs, rows = jax.tree.map(
      lambda x: x.swapaxes(0, 1).reshape(-1, *x.shape[2:]), (outputs, rows)
    )
    return outputs, rows, model_state

  def flat(tree):
    # Losses take frames of windows as rows.
    merge = lambda x: x.reshape(-1, *x.shape[2:])
    return jax.tree.map(merge, tree) if windows else tree

  def step(state, batch, rng):
    rng = jax.random.fold_in(rng, state.step)
    if axis_name:
      rng = jax.random.fold_in(rng, jax.lax.axis_index(axis_name))
    inputs = batch['inputs']
    labels, weights = flat(batch['labels']), flat(batch['weights'])
    if mixing:
      rng, mixing_rng = jax.random.split(rng)
      inputs, labels, weights = mixup.mix(
        inputs, labels, weights, mixing_rng, **mixing
      )
    if axis_name:
      labels, weights = _gather((labels, weights), axis_name)

    def loss_fn(params):
      params = optimizer.stop_frozen(params, frozen)
      outputs, rows, model_state = forward(
        params, state.model_state, inputs, rng
      )
      outputs = flat(outputs)
      if axis_name:
        # CCC of one device's rows is not that of the batch: gather first.
        outputs, rows = _gather((outputs, rows), axis_name)
      losses = {
        t.name: t.loss(outputs[t.name], labels[t.name], weights[t.name])
        for t in tasks
      }
      total = sum(loss_weights[name] * loss for name, loss in losses.items())
      if auxiliary_losses:
        total += sum(jax.tree.leaves(auxiliary_losses(rows)))
      return total, (losses, model_state)

    (total, (losses, model_state)), grads = jax.value_and_grad(
      loss_fn, has_aux=True
    )(state.params)
    if axis_name:
      # Every device differentiated the same global loss. A sum over devices
      # would count it once per device, so the mean is the gradient.
      grads = jax.lax.pmean(grads, axis_name)
      model_state = jax.lax.pmean(model_state, axis_name)
    updates, opt_state = tx.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    ema = state.ema
    if ema_decay:
      ema = train_state.update_ema(ema, params, model_state, ema_decay)
    logs = {'loss': total, 'grad_norm': optax.tree.norm(grads)}
    logs |= {f'loss/{name}': loss for name, loss in losses.items()}
    state = TrainState(state.step + 1, params, model_state, opt_state, ema)
    return state, logs

  return step


def _gather(tree: Any, axis_name: str) -> Any:
  return jax.tree.map(
    lambda x: jax.lax.all_gather(x, axis_name, tiled=True), tree
  )
