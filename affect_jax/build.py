"""From a config to what a run consists of. Below here nothing sees a config."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

from absl import logging
from flax import linen as nn
import jax
import numpy as np
import optax

from affect_jax import branch as branch_lib
from affect_jax import data
from affect_jax import faces
from affect_jax import labels
from affect_jax import mixing as mixing_lib
from affect_jax import optimizer
from affect_jax import parallel as parallel_lib
from affect_jax import streams
from affect_jax import tasks as tasks_lib
from affect_jax import train_state
from affect_jax import utterances
from affect_jax import views
from affect_jax.corpora import records
from affect_jax.tasks import balance


@dataclasses.dataclass(frozen=True)
class Run:
  """What a config describes.

  Attributes:
    corpora: Those that were asked for; at least one has a train split.
    shares: {corpus: share of the rows of training}.
    tasks: The tasks that have labels.
    branch: Their inputs: of faces, or of utterances.
    counts: Labels in training, see `labels.count`.
    model: The model as the training step wants it.
    eval_model: The same without an axis name.
    schedule: step -> learning rate.
    tx: The optimiser.
    parallel: How it is spread over devices.
  """

  corpora: Sequence[streams.Corpus]
  shares: dict[str, float]
  tasks: Sequence[Any]
  branch: branch_lib.Branch
  counts: dict[str, Any]
  model: nn.Module
  eval_model: nn.Module
  schedule: optax.Schedule
  tx: optax.GradientTransformation
  parallel: parallel_lib.Parallel


def build(config: Any) -> Run:
  """Prepares the corpus, counts its labels, builds tasks, model, optimiser."""
  parallel = parallel_lib.build(config.parallel)
  parallel_lib.check_batch_size(
    config.batch_size, config.accumulate, parallel.num_devices
  )
  # Before minutes of preparation: what a config alone can tell.
  mixing(config)
  train_state.check_ema_decay(config.ema_decay)
  data.window(config)
  views.check(config.eval_views, config.crop_size, config.image_size)
  schedule = optimizer.build_schedule(
    learning_rate=config.learning_rate,
    num_train_steps=config.num_train_steps,
    **config.schedule,
  )
  corpora = data.build(config)
  tasks, counts = build_tasks(config, corpora)
  check_loss_weights(config.loss_weights, tasks)
  shares = data.shares(config, corpora)
  branch = get_branch(corpora)(config, corpora, tasks, shares)
  settings = config.optimizer.to_dict()
  tx = optimizer.build(
    settings.pop('name'),
    schedule,
    options=settings,
    clip_norm=config.clip_norm,
    weight_decay=config.weight_decay,
    multipliers=config.learning_rate_multipliers.to_dict(),
    frozen=[*config.frozen, *branch.frozen],
  )
  return Run(
    corpora=corpora,
    shares=shares,
    tasks=tasks,
    branch=branch,
    counts=counts,
    model=branch.model(parallel.axis_name),
    eval_model=branch.model(None),
    schedule=schedule,
    tx=tx,
    parallel=parallel,
  )


def get_branch(
  corpora: Sequence[streams.Corpus],
) -> Callable[..., branch_lib.Branch]:
  """What builds the inputs and the model that these corpora need.

  Raises:
    ValueError: Some hold pictures, and some utterances.
  """
  pictures = {
    c.name: records.input_names(c.builder) == records.PICTURE for c in corpora
  }
  if len(set(pictures.values())) > 1:
    raise ValueError(
      'config.data.corpora: one run learns from pictures or from utterances, '
      f'not from both; pictures are in {[n for n, p in pictures.items() if p]}.'
    )
  return faces.build if all(pictures.values()) else utterances.build


def build_tasks(
  config: Any, corpora: Sequence[streams.Corpus]
) -> tuple[Sequence[Any], dict[str, Any]]:
  """Tasks with labels, and the counts of their labels in training.

  An empty `outputs` in a task's options means those of the corpora: of the
  first, then what the others have beyond them.
  """
  options = {name: _options(config, name, corpora) for name in config.tasks}
  # Some options want counts, and counting wants tasks.
  plain = [
    tasks_lib.get_task(
      name, **{k: v for k, v in o.items() if k not in balance.by_counts(o)}
    )
    for name, o in options.items()
  ]
  each = [
    streams.count_labels(c.builder, c.splits['train'], plain)
    for c in corpora
    if 'train' in c.splits
  ]
  counts = jax.tree.map(lambda *x: np.sum(x, 0), *each)
  kept = labels.require(counts, plain, drop=config.drop_unlabelled_tasks)
  log_counts(counts, kept)
  tasks = []
  for task in kept:
    o = options[task.name]
    if balance.by_counts(o):
      mass, labelled = (counts[task.name][k] for k in ('mass', 'labelled'))
      o['counts'] = (mass, labelled) if task.weight_per_output else mass
    tasks.append(tasks_lib.get_task(task.name, **o))
  return tasks, {t.name: counts[t.name] for t in tasks}


def _options(
  config: Any, name: str, corpora: Sequence[streams.Corpus]
) -> dict[str, Any]:
  """Options of a task: what the config says, without what it leaves open."""
  options = config[name].to_dict() if name in config else {}
  if not options.get('outputs'):
    found = [records.metadata(c.builder)['outputs'] for c in corpora]
    options['outputs'] = tuple(
      dict.fromkeys(o for outputs in found for o in outputs.get(name, ()))
    )
  for key in ('class_weights', 'pos_weight'):
    value = options.get(key, '')
    if isinstance(value, str) and value not in ('', *balance.METHODS):
      options[key] = _numbers(f'config.{name}.{key}', value)
  return {k: v for k, v in options.items() if v not in ('', ())}


def _numbers(key: str, text: str) -> tuple[float, ...]:
  """'1, 2.5, 3', as flags give it, as numbers."""
  try:
    return tuple(float(x) for x in text.strip('()[]').split(',') if x.strip())
  except ValueError as error:
    raise ValueError(
      f"{key} is {text!r}: neither numbers as '1, 2.5' nor one of "
      f'{", ".join(balance.METHODS)}.'
    ) from error


def check_loss_weights(weights: Any, tasks: Sequence[Any]) -> None:
  """Raises ValueError where a task has no weight in the sum of losses."""
  if missing := [t.name for t in tasks if t.name not in weights]:
    raise ValueError(f'config.loss_weights has no {", ".join(missing)}.')


def log_counts(counts: dict[str, Any], tasks: Sequence[Any]) -> None:
  """Logs how many training labels each output has."""
  for task in tasks:
    mass, labelled = (counts[task.name][k] for k in ('mass', 'labelled'))
    if task.weight_per_output:
      cells = [
        f'{o} {int(n)}' for o, n in zip(task.outputs, labelled, strict=True)
      ]
    else:
      cells = [f'{o} {n:.0f}' for o, n in zip(task.outputs, mass, strict=True)]
    logging.info('labels in training, %s: %s', task.name, ', '.join(cells))


def initial_state(run: Run, config: Any) -> train_state.TrainState:
  """A fresh state, whole on every device."""
  create = jax.jit(
    _creator(run, config),
    out_shardings=run.parallel.replicated,
    # It runs once: optimising it takes longer than that.
    compiler_options={'xla_backend_optimization_level': 0},
  )
  return create(jax.random.key(config.seed))


def abstract_state(run: Run, config: Any) -> train_state.TrainState:
  """Shapes of the state, to restore a checkpoint into: nothing is compiled."""
  shapes = jax.eval_shape(_creator(run, config), jax.random.key(config.seed))
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(
      x.shape, x.dtype, sharding=run.parallel.replicated
    ),
    shapes,
  )


def _creator(run: Run, config: Any) -> Callable[[jax.Array], Any]:
  inputs = run.branch.dummy_inputs
  return lambda rng: train_state.create(
    run.eval_model, run.tx, inputs, rng, with_ema=config.ema_decay > 0
  )


def mixing(config: Any) -> dict[str, Any] | None:
  """Options of `mixing.mix`, or None where config.mixing.kind is empty."""
  options = config.mixing.to_dict()
  if not options['kind']:
    return None
  mixing_lib.check(**options)
  return options
