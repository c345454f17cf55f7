"""Builds all parts of a run from its config.

`data.load` prepares the corpora, `tasks` describes the tasks, `signature`
builds the model, and `faces` or `utterances` read the inputs. These modules and
`train` unpack the config; what they call does not see it.
"""

from collections.abc import Callable, Sequence
import dataclasses
import functools
import types
from typing import Any

from flax import linen as nn
import jax
import optax

from affect_jax import multitask
from affect_jax.augmentation import mixup
from affect_jax.corpora.builders import records
from affect_jax.data import load
from affect_jax.data import streams
from affect_jax.data import weak_labels
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.evaluation import selection_score
from affect_jax.evaluation import views
from affect_jax.run import check
from affect_jax.run import distillation
from affect_jax.run import faces
from affect_jax.run import gold_conflicts
from affect_jax.run import ignored
from affect_jax.run import on_line
from affect_jax.run import same_data
from affect_jax.run import samples as samples_lib
from affect_jax.run import signature as signature_lib
from affect_jax.run import tasks as run_tasks
from affect_jax.run import utterances
from affect_jax.training import on_line as on_line_lib
from affect_jax.training import optimizer
from affect_jax.training import parallel as parallel_lib
from affect_jax.training import task_gradients
from affect_jax.training import train_state


@dataclasses.dataclass(frozen=True)
class Run:
  """What a config describes.

  Attributes:
    corpora: The corpora of config.data; at least one has a train split.
    data: {corpus: description of its data now}; the signature describes the
      data that the run began with.
    shares: {corpus: share of the training rows}.
    tasks: The tasks that have labels.
    samples: How samples are read: as faces or as utterances.
    signature: What predictions need of all this.
    counts: Labels in training, see `label_counts`; {} if the run has begun.
    model: The model for the training step.
    eval_model: The same model without an axis name.
    schedule: step -> learning rate.
    tx: The optimiser.
    balancing: How the tasks are balanced.
    on_line: Weak supervision in the training step, or None.
    selection: config.selection, {name: weight}, see `selection_score`.
    frozen: Prefixes of the parameters that the optimiser leaves unchanged.
    parallel: How the run is spread over devices.
  """

  corpora: Sequence[streams.Corpus]
  data: dict[str, Any]
  shares: dict[str, float]
  tasks: Sequence[Any]
  samples: samples_lib.Samples
  signature: signature_lib.Signature
  counts: dict[str, Any]
  model: nn.Module
  eval_model: nn.Module
  schedule: optax.Schedule
  tx: optax.GradientTransformation
  balancing: multitask.Method
  on_line: on_line_lib.OnLine | None
  selection: dict[str, float]
  frozen: tuple[str, ...]
  parallel: parallel_lib.Parallel


def build(config: Any, signature: signature_lib.Signature | None = None) -> Run:
  """Prepares the corpora, and builds tasks, model and optimiser.

  Args:
    config: See `configs/`.
    signature: The signature of a run that has begun. Without one, the corpora
      are read to count labels and to measure features.
  """
  parallel = _parallel(config)
  # Errors that the config alone shows come before minutes of preparation.
  check_settings(config)
  if signature is None:
    weak_tables.check_tables(load.weak_paths(config))
  schedule = _schedule(config)
  corpora = load.build(config)
  shares = load.shares(config, corpora)
  module = faces_or_utterances(corpora)
  ignored.warn(config, module.KIND)
  data = {c.name: c.describe() for c in corpora}
  counts: dict[str, Any] = {}
  if signature is not None:
    check_fits(config, corpora, signature)
  else:
    options, counts = run_tasks.build(
      config, corpora, shares, on_line.taught(config)
    )
    described, arrays = module.describe(config, corpora)
    signature = signature_lib.Signature(
      tasks=options,
      data=data,
      arrays=arrays,
      **described,
    )
  tasks = signature_lib.build_tasks(signature)
  if counts:
    gold_conflicts.check(corpora, tasks)
  samples = module.build(config, corpora, tasks, shares, signature)
  samples = dataclasses.replace(
    samples,
    train_batches=_weakly_labelled(
      config, corpora, tasks, samples.train_batches
    ),
  )
  model = signature_lib.build_model(signature, parallel.axis_name)
  selection = check.selection(config) or {}
  annotated = {
    c.name: records.metadata(c.builder)['outputs']
    for c in corpora
    if 'val' in c.splits
  }
  selection_score.check_places(selection, annotated, tasks)
  frozen = (*config.frozen, *samples.frozen)
  tx = _optimizer(config, schedule, frozen)
  return Run(
    corpora=corpora,
    data=data,
    shares=shares,
    tasks=tasks,
    samples=samples,
    signature=signature,
    counts=counts,
    model=model,
    eval_model=signature_lib.build_model(signature),
    schedule=schedule,
    tx=tx,
    balancing=balancing(config),
    on_line=on_line.build(config, model, tasks, parallel.axis_name),
    selection=selection,
    frozen=frozen,
    parallel=parallel,
  )


def _weakly_labelled(
  config: Any,
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  batches: Callable[[int, int], Any],
) -> Callable[[int, int], Any]:
  """Returns training batches whose labels come from more than gold."""
  # Teachers are read once, and only if there are batches to label.
  distilled = functools.cache(
    lambda: distillation.build(config, corpora, tasks)
  )
  co_annotation = config.coupling.co_annotation
  warmup_steps = config.weak.warmup_steps

  def make(seed: int, first_step: int) -> Any:
    made = batches(seed, first_step)
    made = weak_labels.warmed_up(made, first_step, warmup_steps)
    made = on_line.co_annotated(made, tasks, co_annotation)
    return distilled()(made, first_step)

  return make


def check_settings(config: Any) -> None:
  """Raises UserError if something is wrong that the config alone shows."""
  check.check(config)
  parallel = _parallel(config)
  parallel_lib.check_batch_size(
    config.batch_size, config.accumulate, parallel.num_devices
  )
  mixing(config)
  train_state.check_ema_decay(config.ema_decay)
  on_line.check(config)
  balancing(config)
  load.window(config)
  load.shuffle_megabytes(config)
  views.check(config.eval_views, config.crop_size, config.image_size)
  _optimizer(config, _schedule(config))


def _parallel(config: Any) -> parallel_lib.Parallel:
  return parallel_lib.build(
    config.parallel, shard_parameters=config.shard_parameters
  )


def _schedule(config: Any) -> optax.Schedule:
  return optimizer.build_schedule(
    learning_rate=config.learning_rate,
    num_train_steps=config.num_train_steps,
    **config.schedule,
  )


def _optimizer(
  config: Any, schedule: optax.Schedule, frozen: Sequence[str] = ()
) -> optax.GradientTransformation:
  settings = config.optimizer.to_dict()
  return optimizer.build(
    settings.pop('name'),
    schedule,
    options=settings,
    clip_norm=config.clip_norm,
    weight_decay=config.weight_decay,
    multipliers=config.learning_rate_multipliers.to_dict(),
    frozen=frozen,
  )


def check_fits(
  config: Any,
  corpora: Sequence[streams.Corpus],
  signature: signature_lib.Signature,
) -> None:
  """Raises UserError if the corpora do not fit a run that has begun."""
  module = faces_or_utterances(corpora)
  inputs = {}
  if module is utterances:
    inputs = utterances.describe_inputs(config, corpora)
  same_data.check_meaning(
    signature,
    outputs=run_tasks.outputs(config, corpora),
    kind=module.KIND,
    inputs=inputs,
  )


def faces_or_utterances(
  corpora: Sequence[streams.Corpus],
) -> types.ModuleType:
  """Returns the module that reads these corpora: `faces` or `utterances`.

  Raises:
    UserError: Some corpora hold pictures, and some utterances.
  """
  has_pictures = {
    c.name: records.input_names(c.builder) == records.PICTURE for c in corpora
  }
  if len(set(has_pictures.values())) > 1:
    raise UserError(check.mixed_kinds(has_pictures))
  return faces if all(has_pictures.values()) else utterances


def make_init(run: Run, config: Any) -> Callable[[jax.Array], Any]:
  """Makes random key -> fresh `TrainState`, spread as the run's."""
  create = _creator(run, config)

  def init(rng):
    return run.parallel.constrain(create(rng))

  return jax.jit(
    init,
    # It runs once, which is faster than optimising it.
    compiler_options={'xla_backend_optimization_level': 0},
  )


def abstract_state(run: Run, config: Any) -> train_state.TrainState:
  """Returns shapes of the state, to restore a checkpoint into.

  It compiles nothing.
  """
  shapes = jax.eval_shape(_creator(run, config), jax.random.key(config.seed))
  return jax.tree.map(
    lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
    shapes,
    run.parallel.state_shardings(shapes),
  )


def _creator(run: Run, config: Any) -> Callable[[jax.Array], Any]:
  def init_balancing(params):
    shared = task_gradients.shared(params)
    return run.balancing.init(len(run.tasks), shared)

  return lambda rng: train_state.create(
    run.eval_model,
    run.tx,
    run.samples.dummy_inputs,
    rng,
    with_ema=config.ema_decay > 0,
    init_balancing=init_balancing,
    start_memory=run.on_line.start if run.on_line else lambda: (),
  )


def mixing(config: Any) -> dict[str, Any] | None:
  """Returns options of `mixup.mix`, or None if config.mixing.kind is ''."""
  options = config.mixing.to_dict()
  if not options['kind']:
    return None
  mixup.check(**options)
  return options


def balancing(config: Any) -> multitask.Method:
  """Builds the method of config.balancing."""
  name = config.balancing.name
  return multitask.get_method(name, **config.balancing.get(name, {}))
