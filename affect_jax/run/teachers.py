"""Trained runs as teachers: they label samples that they have not learned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import glob
import os
from typing import Any

from absl import logging
import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.corpora.files import sources
from affect_jax.data import batch as batch_lib
from affect_jax.data import face_batches
from affect_jax.data import streams
from affect_jax.data import utterance_batches
from affect_jax.errors import UserError
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import prediction_csv
from affect_jax.metrics import regression
from affect_jax.run import feature_spaces
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib
from affect_jax.run import trained_on as trained_on_lib
from affect_jax.training import parallel as parallel_lib
from affect_jax.weak import calibration
from affect_jax.weak import table


@dataclasses.dataclass(frozen=True)
class Judgement:
  """What a teacher's own validation says of it, for one task.

  Attributes:
    temperature: See `calibration.fit`.
    right: See `calibration.confidence_where_right`.
    ccc: [K] of values, at least 0; None of other kinds, or if unknown.
    samples: Gold samples behind it.
  """

  temperature: float = 1.0
  right: np.ndarray | None = None
  ccc: np.ndarray | None = None
  samples: int = 0


@dataclasses.dataclass(frozen=True)
class Teacher:
  """A run that labels.

  Attributes:
    workdir: Its folder.
    trained: Model, variables, tasks.
    config: A hash of its config.json.
    trained_on: See `trained_on`; None for older runs.
    judgements: {task: what its validation says}.
    apply: Its compiled predictions, see `predict.make_predict`.
    notes: What its labels come with, for users to read.
  """

  workdir: str
  trained: signature_lib.Trained
  config: str
  trained_on: trained_on_lib.TrainedOn | None
  judgements: Mapping[str, Judgement]
  apply: Callable[[Any, Any], Any]
  notes: tuple[str, ...] = ()


def folders(workdirs: Sequence[str]) -> list[str]:
  """Returns folders of runs: those of the seeds where a folder has several.

  Raises:
    UserError: A folder holds no run.
  """
  found = []
  for workdir in workdirs:
    run_folder.require(workdir)
    seeds = sorted(glob.glob(os.path.join(glob.escape(workdir), 'seed_*')))
    found += seeds or [workdir]
  return found


def load(workdirs: Sequence[str]) -> list[Teacher]:
  """Reads teachers; those that differ in their weights alone share a program.

  Args:
    workdirs: Folders of runs.

  Raises:
    UserError: See `signature.load`.
    FileNotFoundError: It has no checkpoint.
  """
  programs: dict[str, Callable] = {}
  found = []
  for workdir in workdirs:
    trained = signature_lib.load(workdir)
    kind = _kind_of_model(trained.signature)
    if kind not in programs:
      programs[kind] = _compile(trained)
    config = run_folder.read_json(os.path.join(workdir, 'config.json')) or {}
    found.append(
      Teacher(
        workdir=workdir,
        trained=trained,
        config=sources.fingerprint(config=config),
        trained_on=trained_on_lib.read(workdir),
        judgements=_judgements(workdir, trained.tasks),
        apply=programs[kind],
      )
    )
  return found


def _kind_of_model(signature: signature_lib.Signature) -> str:
  """Returns equal texts for models that differ in their weights alone."""
  return sources.fingerprint(
    parts=[signature.kind, signature.tasks, signature.inputs, signature.model],
    arrays={k: v.tolist() for k, v in signature.arrays.items()},
  )


def _compile(trained: signature_lib.Trained) -> Callable[[Any, Any], Any]:
  inputs = trained.signature.inputs
  return predict_lib.make_predict(
    trained.model,
    trained.tasks,
    parallel_lib.build(),
    views=inputs.get('views', 'whole'),
    crop_size=inputs.get('crop_size', 0),
  )


def _judgements(workdir: str, tasks: Sequence[Any]) -> dict[str, Judgement]:
  path = os.path.join(workdir, 'predictions', 'val.csv')
  if not os.path.exists(path):
    logging.warning(
      '%s has no predictions/val.csv: its confidence is taken as it is. To '
      'calibrate it, give it a validation split and repeat its command with '
      '--mode=evaluate.',
      workdir,
    )
    return {t.name: Judgement() for t in tasks}
  by_corpus = prediction_csv.read(path, tasks).values()
  found = {}
  for task in tasks:
    p, y, w = (
      np.concatenate([rows[kind][task.name] for rows in by_corpus])
      for kind in ('predictions', 'labels', 'weights')
    )
    found[task.name] = judge(task, p, y, w)
  return found


def judge(
  task: Any, predicted: np.ndarray, gold: np.ndarray, weights: np.ndarray
) -> Judgement:
  """Judges a teacher by samples with gold: [N, K], [N, K], [N] or [N, K]."""
  kind = table.kind_of(task)
  samples = int((weights == 1).reshape(len(weights), -1).any(-1).sum())
  if not samples:
    return Judgement()
  if kind == 'value':
    each = regression.ccc(predicted, gold, weights, task.outputs)
    values = np.array([each[o] for o in task.outputs], np.float32)
    ccc = np.clip(np.nan_to_num(values), 0, 1)
    return Judgement(ccc=ccc, samples=samples)
  temperature = calibration.fit(kind, predicted, gold, weights)
  tempered = calibration.temper(kind, predicted, temperature)
  right = calibration.confidence_where_right(kind, tempered, gold, weights)
  return Judgement(temperature=temperature, right=right, samples=samples)


def check_fits(teacher: Teacher, corpus: streams.Corpus) -> None:
  """Raises UserError if a teacher cannot read a corpus."""
  signature, builder = teacher.trained.signature, corpus.builder
  where = f'{teacher.workdir} cannot label {corpus.name}: it'
  is_faces = records.input_names(builder) == records.PICTURE
  if is_faces != (signature.kind == 'faces'):
    kind = 'faces' if is_faces else 'utterances'
    raise UserError(
      f'{where} learned from {signature.kind}, and these are {kind}.'
    )
  has_windows = bool(records.metadata(builder).get('windows'))
  wanted = signature.inputs['window']
  if has_windows != bool(wanted):
    raise UserError(
      f'{where} reads windows of {wanted}: set config.data.window={wanted}.'
    )
  if signature.inputs.get('together') and _window(teacher, corpus) > wanted:
    raise UserError(
      f'{where} reads at most {wanted} utterances as one sequence: set '
      f'config.data.window={wanted}.'
    )
  if is_faces:
    return
  available = records.metadata(builder)['dims']
  dims = signature.inputs['dims']
  if not set(dims) & set(available):
    raise UserError(
      f'{where} reads {sorted(dims)}, and the corpus has {sorted(available)}.'
    )
  spaces = signature.inputs.get('spaces', {})
  made = dict(signature.inputs.get('text', {}))
  try:
    feature_spaces.numbers_of_other(spaces, corpus, made)
  except UserError as error:
    raise UserError(
      f'{teacher.workdir} cannot label {corpus.name}: {error}'
    ) from error
  for name, dim in dims.items():
    if name in spaces:
      continue
    if name in available and available[name] != dim:
      raise UserError(
        f'{where} reads {_features(name, dim)}, and the corpus has '
        f'{_features(name, available[name])}: make both alike.'
      )
  reads_text = 'text' in dims and 'text' in available and made
  if reads_text and not any(
    feature_spaces.made_alike(builder.text_made, x) for x in made.values()
  ):
    raise UserError(
      f'{where} reads text made by {dict(next(iter(made.values())))}, and the '
      f'corpus has text made by {builder.text_made}.'
    )


def _window(teacher: Teacher, corpus: streams.Corpus) -> int:
  """Returns the samples of a window that a teacher reads; 0: no windows.

  Windows of the corpus may be longer than those that the teacher learned from:
  its network takes any length, and all of their samples shall be labelled.
  """
  # Builders say '16, in evaluation every 8'.
  of_corpus = records.metadata(corpus.builder)['sources'].get('window', '0')
  wanted = teacher.trained.signature.inputs['window']
  return max(wanted, int(of_corpus.split(',')[0]))


def _features(name: str, dim: int) -> str:
  return f'{name} as token ids' if dim == 0 else f'{dim} features of {name}'


def predict(
  teacher: Teacher, corpus: streams.Corpus, split: str, batch_size: int
) -> dict[str, Any]:
  """Predicts a split; returns rows of `predict.predict_split`.

  Probabilities are at the teacher's temperature. 'labels' and 'weights' are
  the gold that the corpus has, for the teacher's outputs.
  """
  check_fits(teacher, corpus)
  trained = teacher.trained
  parallel = parallel_lib.build()
  batch_size = -(-batch_size // parallel.num_devices) * parallel.num_devices
  batches = _batches(teacher, corpus, split, batch_size)
  rows = predict_lib.predict_split(
    teacher.apply, trained.variables, batches, parallel
  )
  for task in trained.tasks:
    rows['predictions'][task.name] = calibration.temper(
      table.kind_of(task),
      rows['predictions'][task.name],
      teacher.judgements[task.name].temperature,
    )
  return rows


def _batches(
  teacher: Teacher, corpus: streams.Corpus, split: str, batch_size: int
) -> Iterator[batch_lib.Batch]:
  signature, tasks = teacher.trained.signature, teacher.trained.tasks
  inputs = signature.inputs
  if signature.kind == 'faces':
    return face_batches.eval_batches(
      corpus.builder,
      split,
      tasks,
      batch_size=batch_size,
      image_size=inputs['image_size'],
      window=_window(teacher, corpus),
    )
  return utterance_batches.eval_batches(
    corpus.builder,
    split,
    tasks,
    dims=inputs['dims'],
    batch_size=batch_size,
    boundaries=inputs['boundaries'],
    window=_window(teacher, corpus),
    together=inputs['together'],
    spaces=feature_spaces.numbers_of_other(
      inputs.get('spaces', {}), corpus, inputs.get('text', {})
    ),
  )
