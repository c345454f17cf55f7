"""Joins pseudo-labels, mean teacher and distribution matching for the step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from affect_jax.training import on_line
from affect_jax.training import train_state
from affect_jax.weak import consistency
from affect_jax.weak import coupling
from affect_jax.weak import pseudo_labels
from affect_jax.weak import ramps
from affect_jax.weak import table


def build(
  model: nn.Module,
  tasks: Sequence[Any],
  *,
  pseudo: Mapping[str, Any] | None = None,
  teacher: Mapping[str, Any] | None = None,
  matching: float = 0.0,
  axis_name: str | None = None,
) -> on_line.OnLine:
  """Returns what the training step asks for.

  Args:
    model: The model; its predictions need no random key.
    tasks: Its tasks.
    pseudo: config.pseudo_labels; None makes no pseudo-labels.
    teacher: config.mean_teacher; None: no such loss.
    matching: Weight of `coupling.matching_loss`.
    axis_name: The pmap axis, or None.
  """
  labelled = _chosen(tasks, pseudo)
  taught = _chosen(tasks, teacher)
  of_name = {t.name: t for t in tasks}

  def start():
    return {
      t.name: pseudo_labels.start(table.kind_of(t), len(t.outputs))
      for t in labelled
    }

  def relabel(state, batch):
    labels, weights = dict(batch['labels']), dict(batch['weights'])
    inputs = batch.get('weak_inputs', batch['inputs'])
    real = real_rows(inputs)
    predict = _predictor(model, of_name, inputs)
    memory, logs = {}, {}
    if pseudo:
      ramp = ramps.linear(state.step, pseudo['ramp_steps'])
      of = state if pseudo['teacher'] == 'average' else state.replace(ema={})
      predicted = predict(train_state.eval_variables(of), labelled)
      for task in labelled:
        name = task.name
        found, own, memory[name], share = _pseudo_label(
          task,
          predicted[name],
          weights[name],
          real,
          state.memory[name],
          pseudo['weight'] * ramp,
          axis_name,
          **{k: v for k, v in pseudo.items() if k in OPTIONS},
        )
        use = own > 0
        one = use if use.ndim == found.ndim else use[..., jnp.newaxis]
        labels[name] = jnp.where(one, found, labels[name])
        weights[name] = jnp.where(use, own, weights[name])
        logs[f'pseudo_labels/{name}'] = share
    targets = {}
    if teacher or matching:
      targets['real'] = real
    if teacher:
      variables = train_state.eval_variables(state)
      targets['predictions'] = predict(variables, taught)
    return on_line.Relabelled(labels, weights, targets, memory, logs)

  def losses(outputs, targets, step):
    found = {}
    real = targets['real']
    if teacher:
      ramp = ramps.sigmoid(step, teacher['ramp_steps'])
      loss = consistency.loss(taught, outputs, targets['predictions'], real)
      found['consistency'] = teacher['weight'] * ramp * loss
    if matching:
      p_expression, p_units = (
        of_name[t].predict(outputs[t]) for t in ('expression', 'action_units')
      )
      loss = coupling.matching_loss(w, p_expression, p_units, real)
      found['distribution_matching'] = matching * loss
    return found

  if matching:
    w = coupling.shares(
      of_name['expression'].outputs, of_name['action_units'].outputs
    )
  return on_line.OnLine(start, relabel, losses if teacher or matching else None)


# Of `pseudo_labels.label`.
OPTIONS = (
  'rule',
  'threshold',
  'hard',
  'temperature',
  'by_confidence',
  'momentum',
)


def real_rows(inputs: Mapping[str, jax.Array]) -> jax.Array:
  """Returns bool [B], or [B, T] of windows: which rows are samples."""
  for name in ('image_mask', 'utterance_mask'):
    if name in inputs:
      return inputs[name]
  return jnp.ones(len(next(iter(inputs.values()))), bool)


def _chosen(tasks, options) -> list[Any]:
  if not options:
    return []
  names = options['tasks'] or [t.name for t in tasks]
  return [t for t in tasks if t.name in names]


def _predictor(model, of_name, inputs) -> Callable:
  """Makes (variables, tasks) -> {task: predictions}."""
  # Of training alone, see `data.batch`.
  read = {k: v for k, v in inputs.items() if not k.startswith('train_')}

  def predict(variables, tasks):
    outputs = model.apply(variables, read, train=False)
    return {t.name: of_name[t.name].predict(outputs[t.name]) for t in tasks}

  return predict


def _pseudo_label(
  task, predicted, weights, real, means, weight, axis_name, **options
):
  """Returns labels, their weights, new means, the share that counts."""
  unlabelled = weights == 0
  rows = real if real.ndim == unlabelled.ndim else real[..., jnp.newaxis]
  unlabelled = unlabelled & rows
  found, factors, means = pseudo_labels.label(
    table.kind_of(task),
    predicted,
    unlabelled,
    means,
    axis_name=axis_name,
    **options,
  )
  share = jnp.stack([(factors > 0).sum(), unlabelled.sum()])
  if axis_name:
    share = jax.lax.psum(share, axis_name)
  share = share[0] / jnp.maximum(share[1], 1)
  return found, pseudo_labels.weights(factors, weight), means, share
