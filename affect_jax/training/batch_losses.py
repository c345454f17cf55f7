"""The losses of one batch, as a function of the parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flax import linen as nn
import jax
import jax.numpy as jnp

from affect_jax.augmentation import mixup
from affect_jax.training import on_line as on_line_lib
from affect_jax.training import optimizer
from affect_jax.training.train_state import TrainState

# The collection from which the model's own losses, as those of MISA, are
# computed: arrays with a row per sample, which are treated like outputs.
AUXILIARY = 'auxiliary_rows'


class BatchLosses(NamedTuple):
  """One batch, ready for the forward pass; K is the number of tasks.

  Attributes:
    of_params: params -> ((losses [K], auxiliary loss []), (plain losses [K],
      model_state)). `losses` are plain ones times config.loss_weights.
    present: bool [K], whether the batch has labels of the task that count.
    rng: Random key of the step, equal on all devices.
    memory: The new `TrainState.memory`.
    logs: {name: f32 []} of weak supervision on line.
  """

  of_params: Callable[[Any], tuple[Any, Any]]
  present: jax.Array
  rng: jax.Array
  memory: Any
  logs: dict[str, jax.Array]


def make_batch_losses(
  model: nn.Module,
  tasks: Sequence[Any],
  *,
  loss_weights: Mapping[str, float],
  auxiliary_losses: Callable[[Any], Mapping[str, jax.Array]] | None = None,
  on_line: on_line_lib.OnLine | None = None,
  accumulate: int = 1,
  frozen: Sequence[str] = (),
  mixing: Mapping[str, Any] | None = None,
  windows: bool = False,
  axis_name: str | None = None,
) -> Callable[[TrainState, Any, jax.Array], BatchLosses]:
  """Makes (state, batch, rng) -> BatchLosses.

  Args:
    model: The model; under pmap built with the same `axis_name`.
    tasks: Its tasks.
    loss_weights: {task: factor}.
    auxiliary_losses: The collection 'auxiliary_rows' of the whole batch ->
      {name: loss}, the model's own losses; None if it has none.
    on_line: Weak supervision on line, or None.
    accumulate: Number of parts that go through the network one after another
      to save memory. Losses still see the whole batch, so CCC is exact;
      BatchNorm sees one part at a time.
    frozen: Prefixes of parameters that get no gradient.
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

  def batch_losses(state, batch, rng):
    step_rng = rng = jax.random.fold_in(rng, state.step)
    if axis_name:
      rng = jax.random.fold_in(rng, jax.lax.axis_index(axis_name))
    inputs = batch['inputs']
    targets, memory, logs = {}, state.memory, {}
    if on_line:
      new_labels, new_weights, targets, memory, logs = on_line.relabel(
        state, batch
      )
      batch = {**batch, 'labels': new_labels, 'weights': new_weights}
      targets = flat(targets)
    labels, weights = flat(batch['labels']), flat(batch['weights'])
    if mixing:
      rng, mixing_rng = jax.random.split(rng)
      inputs, labels, weights = mixup.mix(
        inputs, labels, weights, mixing_rng, **mixing
      )
    if axis_name:
      labels, weights, targets = _gather((labels, weights, targets), axis_name)

    def of_params(params):
      params = optimizer.stop_frozen(params, frozen)
      outputs, rows, model_state = forward(
        params, state.model_state, inputs, rng
      )
      outputs = flat(outputs)
      if axis_name:
        # CCC of one device's rows is not that of the batch: gather first.
        outputs, rows = _gather((outputs, rows), axis_name)
      plain = jnp.stack(
        [
          t.loss(outputs[t.name], labels[t.name], weights[t.name])
          for t in tasks
        ]
      )
      factors = jnp.array([loss_weights[t.name] for t in tasks], plain.dtype)
      auxiliary = jnp.zeros(())
      if auxiliary_losses:
        auxiliary = sum(jax.tree.leaves(auxiliary_losses(rows)), auxiliary)
      if on_line and on_line.losses:
        further = on_line.losses(outputs, targets, state.step)
        auxiliary = sum(further.values(), auxiliary)
      return (factors * plain, auxiliary), (plain, model_state)

    # A loss that counts nothing would be log 0 to some ways of balancing.
    present = jnp.stack(
      [jnp.any(weights[t.name] > 0) & (loss_weights[t.name] > 0) for t in tasks]
    )
    return BatchLosses(of_params, present, step_rng, memory, logs)

  return batch_losses


def _gather(tree: Any, axis_name: str) -> Any:
  return jax.tree.map(
    lambda x: jax.lax.all_gather(x, axis_name, tiled=True), tree
  )
