"""signature.json: all that a run's predictions need besides its weights.

Training writes it before its first step, and builds its own tasks and model
from it. Later it is read instead of the corpora:

  kind     'faces' or 'utterances'
  tasks    {task: its options, with its outputs and the counts they use}
  inputs   for faces {image_size, crop_size, window, views}; for utterances
           {dims: {modality: features per step, 0 for token ids}, window,
           boundaries, together, text_model: folder of the model that token ids
           are for, text: {corpus: how its text was made from words, with
           checksums of tokenizer or vectors}, computed: {corpus: {modality:
           what of this package computed its features}}, of newer runs,
           spaces: see `feature_spaces`}
  model    its settings, including those of the text encoder
  data     {corpus: its version, the checksums of its files, samples and bytes
           of each split, and what was left out}
  packages their versions

signature.npz beside it holds arrays: for utterances MODALITY/mean and
MODALITY/std [D], by which features are standardised; MODALITY/SPACE/mean and so
on where features differ between corpora.
"""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import os
from typing import Any

from flax import linen as nn
import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax import whole_file
from affect_jax.corpora.files import numpy_file
from affect_jax.errors import UserError
from affect_jax.models import affect_model
from affect_jax.models import utterance_model
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.training import checkpoint

FILE, ARRAYS = 'signature.json', 'signature.npz'
_PARTS = ('tasks', 'inputs', 'model', 'data', 'packages')


@dataclasses.dataclass(frozen=True)
class Signature:
  """What signature.json and signature.npz hold; see above.

  Attributes:
    kind, tasks, inputs, model, data, packages: As in signature.json.
    arrays: {name: float32 array}, as in signature.npz.
  """

  kind: str
  tasks: Mapping[str, Mapping[str, Any]]
  inputs: Mapping[str, Any]
  model: Mapping[str, Any]
  data: Mapping[str, Any]
  packages: Mapping[str, str] = dataclasses.field(
    default_factory=environment.packages
  )
  arrays: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Trained:
  """A trained model, ready to predict.

  Attributes:
    signature: What it was built from.
    tasks: Its tasks; the `predict` of each turns raw outputs into predictions.
    model: `model.apply(variables, inputs, train=False)` -> {task: raw outputs}.
    variables: {'params', ...}; moving averages if the run kept them.
    thresholds: {corpus: {task: {output: threshold}}}, tuned on validation.
    step: The step of the checkpoint.
  """

  signature: Signature
  tasks: Sequence[Any]
  model: nn.Module
  variables: Mapping[str, Any]
  thresholds: Mapping[str, Any]
  step: int


def load(workdir: str, step: int | None = None) -> Trained:
  """Reads a run's model and tasks; no corpus is needed.

  Args:
    workdir: Folder of the run.
    step: Step of a checkpoint; None: the best one, or the latest if there was
      no validation.

  Raises:
    FileNotFoundError: There is no such checkpoint.
    UserError: The folder has no signature, and the message says how to make
      one; or a file is damaged.
  """
  signature = read(workdir)
  if signature is None:
    raise UserError(
      f'{workdir} has no {FILE}. If it holds a run, make the file once: where '
      'the corpora are, repeat the command that started the run, with '
      '--mode=evaluate added.'
    )
  variables, thresholds, step = checkpoint.read(workdir, step)
  with damage_named(workdir):
    tasks, model = build_tasks(signature), build_model(signature)
  return Trained(
    signature=signature,
    tasks=tasks,
    model=model,
    variables=variables,
    thresholds=thresholds,
    step=step,
  )


def read(workdir: str) -> Signature | None:
  """Reads the signature of a run; returns None if it has none.

  Raises:
    UserError: A file of it is damaged.
  """
  content = run_folder.read_json(os.path.join(workdir, FILE))
  if content is None:
    return None
  arrays = numpy_file.read_archive(os.path.join(workdir, ARRAYS))
  with damage_named(workdir):
    signature = Signature(**_tuples(content), arrays=arrays)
    parts = {name: getattr(signature, name) for name in _PARTS}
    for name, value in {**parts, **signature.tasks}.items():
      if not isinstance(value, Mapping):
        raise UserError(f'{name} is {value!r}, not an object')
  return signature


@contextlib.contextmanager
def damage_named(workdir: str, and_config: bool = False) -> Iterator[None]:
  """Names signature.json in whatever is raised by using its content.

  Args:
    workdir: The run's folder.
    and_config: Name config.json, too, as what it says is used as well.
  """
  try:
    yield
  except Exception as error:  # Any value may be another than it was.
    said = str(error)
    if not isinstance(error, UserError):
      said = f'{type(error).__name__}: {said}'
    files = f'{FILE} or config.json' if and_config else FILE
    raise UserError(
      f'{os.path.join(workdir, files)} is damaged, or of another version of '
      f'this program ({said[:300]}). Copy it again, or repeat the command that '
      'started the run, with --mode=evaluate added.'
    ) from error


def write(workdir: str, signature: Signature) -> None:
  """Writes signature.npz, then signature.json, each whole or not at all."""
  content = {
    f.name: getattr(signature, f.name)
    for f in dataclasses.fields(signature)
    if f.name != 'arrays'
  }
  with whole_file.writing(os.path.join(workdir, ARRAYS)) as path:
    np.savez(path, allow_pickle=False, **signature.arrays)
  run_folder.write_json(os.path.join(workdir, FILE), content)


def build_tasks(signature: Signature) -> list[Any]:
  """Returns the tasks of a run, in its order."""
  return [
    tasks_lib.get_task(name, **options)
    for name, options in signature.tasks.items()
  ]


def other_heads(workdir: str, tasks: Sequence[Any]) -> list[str]:
  """Returns names of tasks whose outputs differ from those of another run.

  Args:
    workdir: Folder of the other run or of a published model; '' or one that is
      older than signatures has none.
    tasks: Those of this run.
  """
  signature = read(workdir) if workdir else None
  there = build_tasks(signature) if signature else []
  outputs = {t.name: tuple(t.outputs) for t in there}
  return [
    t.name
    for t in tasks
    if outputs.get(t.name, tuple(t.outputs)) != tuple(t.outputs)
  ]


def build_model(
  signature: Signature, axis_name: str | None = None
) -> nn.Module:
  """Returns a run's model; `axis_name` is that of pmap, in training only."""
  units = tuple((t.name, t.num_units) for t in build_tasks(signature))
  if signature.kind == 'faces':
    return affect_model.of_settings(
      signature.model, units=units, axis_name=axis_name
    )
  dims = signature.inputs['dims']
  spaces = {
    modality: {space: x['dim'] for space, x in of.items()}
    for modality, of in signature.inputs.get('spaces', {}).items()
  }
  names = [*dims, *(f'{m}/{space}' for m in spaces for space in spaces[m])]
  statistics = {
    name: (signature.arrays[f'{name}/mean'], signature.arrays[f'{name}/std'])
    for name in names
    if f'{name}/mean' in signature.arrays
  }
  # No layer of it reads other rows of the batch: an axis name has no use.
  return utterance_model.UtteranceModel(
    units=units,
    **utterance_model.settings(
      signature.model['utterance'],
      dims,
      statistics,
      signature.model['text'],
      spaces,
    ),
  )


def _tuples(value: Any) -> Any:
  """Returns JSON's lists as tuples, which fields of flax modules must be."""
  if isinstance(value, dict):
    return {k: _tuples(v) for k, v in value.items()}
  if isinstance(value, list):
    return tuple(_tuples(v) for v in value)
  return value
