"""Weak supervision on line, as a config describes it."""

from collections.abc import Iterator, Sequence
from typing import Any

from flax import linen as nn

from affect_jax import by_name
from affect_jax.data import batch as batch_lib
from affect_jax.data import face_batches
from affect_jax.errors import UserError
from affect_jax.run import signature as signature_lib
from affect_jax.run import teachers
from affect_jax.training import on_line as interface
from affect_jax.weak import coupling
from affect_jax.weak import on_line
from affect_jax.weak import pseudo_labels

TEACHERS = ('model', 'average')
COUPLED = ('expression', 'action_units')


def check(config: Any) -> None:
  """Raises UserError if something is wrong that the config alone shows."""
  for group in ('pseudo_labels', 'mean_teacher', 'distillation'):
    options = config[group]
    for task in options.tasks:
      by_name.check(f'config.{group}.tasks', task, config.tasks)
    _check_number(f'{group}.weight', options.weight)
    _check_number(f'{group}.ramp_steps', options.ramp_steps)
  pseudo = config.pseudo_labels
  by_name.check('config.pseudo_labels.teacher', pseudo.teacher, TEACHERS)
  pseudo_labels.check(pseudo.rule, pseudo.threshold, pseudo.momentum)
  for group in ('pseudo_labels', 'distillation'):
    if config[group].weight > 1:
      raise UserError(
        f'config.{group}.weight={config[group].weight} must be in [0, 1]: gold '
        'counts 1.'
      )
    if not config[group].temperature > 0:
      raise UserError(
        f'config.{group}.temperature={config[group].temperature} must be '
        'positive.'
      )
  averages = {
    'config.mean_teacher.weight': config.mean_teacher.weight,
    "config.pseudo_labels.teacher='average'": pseudo.weight
    and pseudo.teacher == 'average',
  }
  for setting, is_set in averages.items():
    if is_set and not config.ema_decay:
      raise UserError(
        f'{setting} needs a moving average of the weights: set '
        'config.ema_decay, as to .999.'
      )
  for name, weight in config.coupling.items():
    _check_number(f'coupling.{name}', weight)
    if weight and (missing := [t for t in COUPLED if t not in config.tasks]):
      raise UserError(
        f'config.coupling.{name} joins {" and ".join(COUPLED)}, and '
        f'config.tasks lacks {missing[0]!r}.'
      )
  if config.coupling.co_annotation > 1:
    raise UserError(
      f'config.coupling.co_annotation={config.coupling.co_annotation} must be '
      'in [0, 1]: gold counts 1.'
    )
  reads_rows = config.mean_teacher.weight or (
    config.coupling.distribution_matching
  )
  if config.mixing.kind and reads_rows:
    raise UserError(
      f'config.mixing.kind={config.mixing.kind!r} mixes samples, of which '
      "config.mean_teacher and config.coupling.distribution_matching can't "
      'tell what to predict: leave out one of them.'
    )


def _check_number(name: str, value: float) -> None:
  if not 0 <= value < float('inf'):
    raise UserError(f'config.{name}={value} must be at least 0.')


def taught(config: Any) -> dict[str, tuple[str, ...]]:
  """Returns {task: outputs} of tasks that need no gold and no table.

  Those are what config.distillation's teachers know, and what co-annotation
  joins; outputs are () if only the config or the corpora can tell them.

  Raises:
    UserError: A folder of config.distillation.teachers holds no run.
  """
  found: dict[str, tuple[str, ...]] = {}
  if config.coupling.co_annotation:
    found = dict.fromkeys(COUPLED, ())
  options = config.distillation
  if not options.weight:
    return found
  for workdir in teachers.folders(list(options.teachers)):
    signature = signature_lib.read(workdir)
    known = signature.tasks if signature else {}
    for task in options.tasks or config.tasks:
      if task in known:
        found.setdefault(task, ())
        found[task] = found[task] or tuple(known[task]['outputs'])
  return found


def needs_weak_view(config: Any) -> bool:
  """Returns whether predictions of weakly augmented pictures are asked for.

  If all of config.augment is weak, those of the inputs are the same.
  """
  asks = config.pseudo_labels.weight or config.mean_teacher.weight
  return bool(asks) and not set(config.augment) <= set(face_batches.WEAK)


def build(
  config: Any, model: nn.Module, tasks: Sequence[Any], axis_name: str | None
) -> interface.OnLine | None:
  """Returns what the training step asks for; None if all is off.

  Raises:
    UserError: No prototype joins the expressions and the action units.
  """
  pseudo = config.pseudo_labels.to_dict()
  teacher = config.mean_teacher.to_dict()
  matching = config.coupling.distribution_matching
  # A task without any label may have been dropped.
  if not {*COUPLED} <= {t.name for t in tasks}:
    matching = 0.0
  if not (pseudo['weight'] or teacher['weight'] or matching):
    return None
  return on_line.build(
    model,
    tasks,
    pseudo=pseudo if pseudo['weight'] else None,
    teacher=teacher if teacher['weight'] else None,
    matching=matching,
    axis_name=axis_name,
  )


def co_annotated(
  batches: Iterator[batch_lib.Batch], tasks: Sequence[Any], weight: float
) -> Iterator[batch_lib.Batch]:
  """Labels expression and action units from each other's gold.

  Args:
    batches: Those of training.
    tasks: The run's tasks.
    weight: config.coupling.co_annotation; 0 leaves batches as they are.

  Raises:
    UserError: No prototype joins the expressions and the action units.
  """
  of_name = {t.name: t for t in tasks}
  if not weight or not {*COUPLED} <= of_name.keys():
    return batches
  expression, units = (of_name[name] for name in COUPLED)
  w = coupling.shares(expression.outputs, units.outputs)
  neutral = None
  if 'neutral' in expression.outputs:
    neutral = expression.outputs.index('neutral')

  def annotated(batch: batch_lib.Batch) -> batch_lib.Batch:
    labels, weights = dict(batch['labels']), dict(batch['weights'])
    pairs = [(labels[name], weights[name]) for name in COUPLED]
    found = coupling.co_annotate(w, neutral, pairs[0], pairs[1], weight)
    for name, (of_task, weight_of_task) in zip(COUPLED, found, strict=True):
      labels[name], weights[name] = of_task, weight_of_task
    return {**batch, 'labels': labels, 'weights': weights}

  return map(annotated, batches)
