"""The function that is exported: pictures in, predictions of all tasks out."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import jax

from affect_jax.augmentation import augment
from affect_jax.errors import UserError
from affect_jax.models import affect_model
from affect_jax.run import picture_rules
from affect_jax.run import signature

Predict = Callable[[jax.Array], dict[str, jax.Array]]


# Formats that hold any run; others hold runs on single pictures.
OF_ALL = ('stablehlo', 'safetensors')


def load(
  workdir: str, step: int | None = None, formats: Sequence[str] = ('onnx',)
) -> signature.Trained:
  """Reads a run.

  Args:
    workdir: Folder of the run.
    step: Step of a checkpoint; None: the best one.
    formats: In which it shall be written.

  Raises:
    FileNotFoundError: There is no such checkpoint.
    UserError: It has no signature, or learned from utterances or windows, which
      a format cannot hold.
  """
  trained = signature.load(workdir, step)
  pictures_only = [name for name in formats if name not in OF_ALL]
  if pictures_only and not reads_pictures(trained):
    of = trained.signature.kind
    reads = 'windows of frames' if of == 'faces' else of
    raise UserError(
      f'{workdir} reads {reads}: --format={",".join(pictures_only)} holds runs '
      f'on single pictures only; give --format={",".join(OF_ALL)}.'
    )
  return trained


def reads_pictures(trained: signature.Trained) -> bool:
  """Returns whether a model reads single pictures of faces."""
  of = trained.signature
  return of.kind == 'faces' and not of.inputs.get('window')


def make_predict(trained: signature.Trained) -> Predict:
  """Returns f32 [B, S, S, 3] in [0, 1] -> {task: f32 [B, K]}."""

  def predict(image: jax.Array) -> dict[str, jax.Array]:
    raw = trained.model.apply(trained.variables, {'image': image}, train=False)
    assert isinstance(raw, dict)
    return {t.name: t.predict(raw[t.name]) for t in trained.tasks}

  return predict


def describe(trained: signature.Trained, workdir: str) -> dict[str, Any]:
  """Returns the content of model.json, without the files."""
  inputs, model = trained.signature.inputs, trained.model
  assert isinstance(model, affect_model.AffectModel)
  return {
    'schema_version': 1,
    'kind': 'faces',
    'input': {
      'name': 'image',
      'image_size': inputs['image_size'],
      'colours': 'RGB in [0, 1]',
      **dataclasses.asdict(picture_rules.read(workdir)),
      # Of the run's own evaluation; what is exported reads whole pictures.
      'views': inputs['views'],
    },
    'model': {
      'stem': model.stem,
      'mean': list(model.mean),
      'std': list(model.std),
    },
    **describe_outputs(trained),
  }


def describe_outputs(trained: signature.Trained) -> dict[str, Any]:
  """Returns what model.json says of outputs, and of where they come from."""
  views = trained.signature.inputs.get('views', '')
  return {
    'tasks': {t.name: _outputs(t, views) for t in trained.tasks},
    'thresholds': trained.thresholds,
    'step': trained.step,
    'data': trained.signature.data,
    'packages': dict(trained.signature.packages),
  }


def _outputs(task: Any, views: str) -> dict[str, Any]:
  """Returns a task's outputs; 'mirror': their order in a mirrored picture."""
  outputs = {'outputs': list(task.outputs)}
  if views == 'flip':
    outputs['mirror'] = augment.mirror(task.outputs).tolist()
  return outputs
