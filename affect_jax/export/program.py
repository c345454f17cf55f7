"""The function that is exported: pictures in, predictions of all tasks out."""

from collections.abc import Callable
import dataclasses
import os
from typing import Any

import jax

from affect_jax.augmentation import augment
from affect_jax.corpora.files import pictures
from affect_jax.errors import UserError
from affect_jax.models import affect_model
from affect_jax.run import folder as run_folder
from affect_jax.run import signature

Predict = Callable[[jax.Array], dict[str, jax.Array]]


def load(workdir: str, step: int | None = None) -> signature.Trained:
  """Reads a face run of single pictures.

  Args:
    workdir: Folder of the run.
    step: Step of a checkpoint; None: the best one.

  Raises:
    FileNotFoundError: There is no such checkpoint.
    UserError: It has no signature, or learned from utterances or windows.
  """
  trained = signature.load(workdir, step)
  if trained.signature.kind != 'faces':
    raise UserError(
      f'{workdir} learned from utterances: only runs on faces are exported.'
    )
  if trained.signature.inputs.get('window'):
    raise UserError(
      f'{workdir} reads windows of frames: only runs on single pictures are '
      'exported.'
    )
  return trained


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
      **dataclasses.asdict(read_rules(workdir)),
      # Of the run's own evaluation; what is exported reads whole pictures.
      'views': inputs['views'],
    },
    'model': {
      'stem': model.stem,
      'mean': list(model.mean),
      'std': list(model.std),
    },
    'tasks': {t.name: _outputs(t, inputs['views']) for t in trained.tasks},
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


def read_rules(workdir: str) -> pictures.Rules:
  """Returns how a run brought its pictures into shape."""
  config = run_folder.read_json(os.path.join(workdir, 'config.json')) or {}
  return pictures.Rules.among(config.get('data', {}))
