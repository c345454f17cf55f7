"""The ResNet-18 of a run of faces, alone: 512 numbers for each picture."""

from collections.abc import Callable, Mapping
import os
from typing import Any

import jax
import jax.numpy as jnp

from affect_jax import defaults
from affect_jax.errors import UserError
from affect_jax.evaluation import views
from affect_jax.models import affect_model
from affect_jax.models import resnet
from affect_jax.run import folder as run_folder
from affect_jax.run import picture_rules
from affect_jax.run import signature as signature_lib
from affect_jax.training import checkpoint


def read(
  workdir: str, step: int | None = None
) -> tuple[dict[str, Any], dict[str, Any], int]:
  """Reads settings of pictures and model, backbone's variables, and step.

  Args:
    workdir: Folder of a run that learned from faces.
    step: Step of the checkpoint; None: the best, or the latest without
      validation.

  Raises:
    FileNotFoundError: There is no run, or no such checkpoint.
    UserError: The run did not learn from faces, or its corpora brought
      pictures into shape differently.
  """
  config = run_folder.read_json(os.path.join(workdir, 'config.json'))
  if config is None:
    raise FileNotFoundError(f'{workdir} is no run: it has no config.json.')
  # As the run's own pictures were brought into shape.
  rules = picture_rules.read(workdir)
  signature = signature_lib.read(workdir)
  if signature is not None and signature.kind == 'faces':
    inputs = dict(signature.inputs)
    settings = {'eval_views': inputs['views'], 'model': signature.model}
    config = {**inputs, **settings}
  else:
    # The run is older than signatures; some settings are newer than the run.
    config = {**defaults.get_config().to_dict(), **config}
  config['rules'] = rules
  variables, step = checkpoint.read_variables(workdir, step)
  if 'conv1' not in variables['params'].get('backbone', {}):
    raise UserError(
      f'{workdir}: this run did not learn from faces; give one that did.'
    )
  backbone = {k: variables[k]['backbone'] for k in ('params', 'batch_stats')}
  # Reading pictures takes longer: one device is enough.
  return config, jax.device_put(backbone, jax.devices()[0]), step


def make_apply(config: Mapping[str, Any]) -> Callable[[Any, Any], jax.Array]:
  """Compiles (backbone's variables, pictures [B, H, W, 3]) -> [B, 512].

  Args:
    config: The run's config, as in its config.json.
  """
  options = config['model']
  backbone = resnet.ResNet18(options['stem'], jnp.dtype(options['dtype']))
  statistics = {k: options[k] for k in ('mean', 'std') if k in options}
  get_views = views.VIEWS[config['eval_views']]

  @jax.jit
  def apply(variables, image):
    each: list[Any] = [
      backbone.apply(
        variables, affect_model.normalize(view, **statistics), train=False
      )
      for view, _ in get_views(image, config['crop_size'])
    ]
    return sum(each) / len(each)

  return apply
