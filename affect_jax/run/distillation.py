"""Distillation: trained runs label, batch by batch, what has no gold.

Their predictions of the very inputs that the student sees, with the same
augmentation, are averaged, after the temperature that their own validation
gave and config.distillation.temperature: p^(1 / T), normalised. Labels of
tables and gold stay as they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
from typing import Any

import jax
import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.data import batch as batch_lib
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.data import weak_labels
from affect_jax.errors import UserError
from affect_jax.run import labelling
from affect_jax.run import teachers as teachers_lib
from affect_jax.run import trained_on
from affect_jax.weak import calibration
from affect_jax.weak import selection
from affect_jax.weak import table

Batches = Iterator[batch_lib.Batch]


@dataclasses.dataclass(frozen=True)
class _Source:
  """A teacher, and what it may label.

  Attributes:
    teacher: The run.
    seen: {task: ids of samples whose gold it has learned}.
    absent: Modalities that it reads, and no corpus of the student has.
    apply: (variables, inputs) -> {task: predictions}, compiled.
  """

  teacher: teachers_lib.Teacher
  seen: Mapping[str, set[bytes]]
  absent: Sequence[str]
  apply: Callable[[Any, Any], Any]


def build(
  config: Any, corpora: Sequence[streams.Corpus], tasks: Sequence[Any]
) -> Callable[[Batches, int], Batches]:
  """Makes (batches, first step) -> batches with the teachers' labels.

  Args:
    config: See `configs/`.
    corpora: What the student learns from.
    tasks: Its tasks.

  Raises:
    UserError: The teachers know none of the tasks, cannot read the inputs, or
      have learned from val or test of the config.
  """
  options = config.distillation
  if not options.teachers or not options.weight:
    return lambda batches, first_step: batches
  teachers = teachers_lib.load(teachers_lib.folders(list(options.teachers)))
  names = options.tasks or [t.name for t in tasks]
  wanted = [t for t in tasks if t.name in names]
  by_task = labelling.by_task(teachers, [t.name for t in wanted])
  labelling.check_teachers(teachers, corpora)
  sources = [_source(t, corpora) for t in teachers]

  def label(batch: batch_lib.Batch, weight: float) -> batch_lib.Batch:
    labels, weights = dict(batch['labels']), dict(batch['weights'])
    predicted = {
      s.teacher.workdir: jax.device_get(
        s.apply(s.teacher.trained.variables, _inputs(s, batch))
      )
      for s in sources
    }
    for task in wanted:
      if task.name not in by_task:
        continue
      found, may = _mean(
        task.name, sources, predicted, batch['id'], options.temperature
      )
      part = _as_labels(by_task[task.name][0], task.name, found, may, weight)
      own, own_weights = weak_labels.to_task(part, task)
      lead = batch['id'].shape
      own = own.reshape(*lead, -1)
      own_weights = own_weights.reshape(*lead, *own_weights.shape[1:])
      use = (weights[task.name] == 0) & (own_weights > 0)
      one = use if use.ndim == own.ndim else use[..., np.newaxis]
      labels[task.name] = np.where(one, own, labels[task.name])
      weights[task.name] = np.where(use, own_weights, weights[task.name])
    return {**batch, 'labels': labels, 'weights': weights}

  def labelled(batches: Batches, first_step: int) -> Batches:
    for step, batch in enumerate(batches, first_step):
      ramp = min(1.0, step / options.ramp_steps) if options.ramp_steps else 1.0
      yield label(batch, options.weight * ramp)

  return labelled


def _source(
  teacher: teachers_lib.Teacher, corpora: Sequence[streams.Corpus]
) -> _Source:
  """Returns a teacher with what it has seen; see `build` for errors."""
  trained = teacher.trained
  if spaces := trained.signature.inputs.get('spaces'):
    raise UserError(
      f'{teacher.workdir} reads {" and ".join(spaces)} of several feature '
      'spaces, which a batch does not tell: label with it beforehand '
      '(affect_jax.label), and give the table in config.data.weak_labels.'
    )
  available = {
    m for c in corpora for m in records.metadata(c.builder).get('dims', {})
  }
  dims = trained.signature.inputs.get('dims', {})
  absent = [m for m in dims if m not in available]
  seen: dict[str, set[bytes]] = {t.name: set() for t in trained.tasks}
  for corpus in corpora:
    teachers_lib.check_fits(teacher, corpus)
    if 'train' not in corpus.splits:
      continue
    ids = sample_ids.ids_of(corpus.builder, corpus.splits['train'])
    hashes = trained_on.hashes_of(corpus.builder, ids)
    for task, of_task in seen.items():
      has = trained_on.contains(teacher.trained_on or {}, task, hashes)
      of_task.update(np.array([x.encode() for x in ids], object)[has])

  def apply(variables, inputs):
    outputs = trained.model.apply(variables, inputs, train=False)
    return {t.name: t.predict(outputs[t.name]) for t in trained.tasks}

  return _Source(teacher, seen, absent, jax.jit(apply))


def _inputs(source: _Source, batch: batch_lib.Batch) -> dict[str, Any]:
  """Returns what a teacher reads of the student's inputs."""
  teacher = source.teacher
  signature, inputs = teacher.trained.signature, batch['inputs']
  if signature.kind == 'faces':
    image = inputs['image']
    size = signature.inputs['crop_size'] or signature.inputs['image_size']
    if image.shape[-2] != size:
      shape = (*image.shape[:-3], size, size, 3)
      image = np.asarray(jax.image.resize(image, shape, 'linear'))
    return {**inputs, 'image': image}
  dims, together = signature.inputs['dims'], signature.inputs['together']
  read = [*dims, 'utterance']
  if together:
    read.append('packed_text_shape')
    if 'packed_text_shape' not in inputs:
      raise UserError(
        f'{teacher.workdir} reads a dialogue as one sequence, and the student '
        f'does not: set config.utterance.together={tuple(together)}, or label '
        'with it beforehand (affect_jax.label), and give the table in '
        'config.data.weak_labels.'
      )
  # As off line: empty sequences.
  lead = (*batch['id'].shape, min(signature.inputs['boundaries']))
  for name in source.absent:
    shape, kind = (*lead, dims[name]), np.float32
    if not dims[name]:
      shape, kind = lead, np.int32
    inputs = {
      **inputs,
      name: np.zeros(shape, kind),
      f'{name}_mask': np.zeros(lead, bool),
    }
  if missing := [m for m in dims if m not in inputs]:
    raise UserError(
      f'{teacher.workdir} reads {missing[0]}, which the student leaves out: '
      'add it to config.utterance.modalities.'
    )
  return {k: v for k, v in inputs.items() if k.removesuffix('_mask') in read}


def _mean(
  task: str,
  sources: Sequence[_Source],
  predicted: Mapping[str, Any],
  ids: np.ndarray,
  temperature: float,
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the mean prediction [N, K] of who may label: bool [N] any may."""
  flat = ids.ravel()
  total, count = 0.0, np.zeros(len(flat))
  for source in sources:
    trained, judgements = source.teacher.trained, source.teacher.judgements
    of_task = next((t for t in trained.tasks if t.name == task), None)
    if of_task is None:
      continue
    may = np.array([x not in source.seen[task] and x != b'' for x in flat])
    p = predicted[source.teacher.workdir][task]
    p = calibration.temper(
      table.kind_of(of_task),
      p.reshape(-1, p.shape[-1]),
      judgements[task].temperature * temperature,
    )
    total = total + np.where(may[:, np.newaxis], p, 0)
    count += may
  return total / np.maximum(count, 1)[:, np.newaxis], count > 0


def _as_labels(
  teacher: teachers_lib.Teacher,
  task: str,
  labels: np.ndarray,
  may: np.ndarray,
  weight: float,
) -> weak_labels.Weighed:
  """Returns predictions as labels of the teacher's outputs."""
  of_task = next(t for t in teacher.trained.tasks if t.name == task)
  kind = table.kind_of(of_task)
  value = np.minimum(np.float32(weight), selection.LARGEST)
  weights = np.where(may, value, 0).astype(np.float32)
  if kind != 'class':
    weights = np.repeat(weights[:, np.newaxis], labels.shape[1], 1)
  return weak_labels.Weighed(
    outputs=of_task.outputs,
    kind=kind,
    ids=np.zeros(len(labels), object),
    labels=labels.astype(np.float32),
    weights=weights,
  )
