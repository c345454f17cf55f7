"""Runs on faces that never trained: random weights in a checkpoint."""

import jax
import numpy as np
import optax

from affect_jax import defaults
from affect_jax.run import folder as run_folder
from affect_jax.run import signature
from affect_jax.training import checkpoint
from affect_jax.training import train_state
from toys import training as toy

TASKS = {
  'expression': {'outputs': ('neutral', 'happiness', 'anger')},
  'action_units': {'outputs': ('AU1', 'AU12')},
  'valence_arousal': {'loss': 'bins', 'bins': 5},
}


def state(model, pixels):
  """A state of an `AffectModel` with random kernels and statistics."""
  data = {'inputs': {'image': np.zeros((1, pixels, pixels, 3), np.float32)}}
  shapes = jax.eval_shape(lambda: toy.state(model, optax.sgd(0.1), data))
  r = np.random.default_rng(0)

  def draw(path, s):
    if len(s.shape) > 1:  # Kernels, as He et al. draw them.
      x = r.normal(scale=(2 / np.prod(s.shape[:-1])) ** 0.5, size=s.shape)
    elif path[-1].key in ('scale', 'var'):
      x = r.uniform(0.5, 1.5, s.shape)
    else:
      x = r.normal(scale=0.1, size=s.shape)
    # Predictions of large outputs are all alike.
    in_heads = any(getattr(entry, 'key', '') == 'heads' for entry in path)
    small = 0.02 if in_heads else 1
    return (small * x).astype(s.dtype)

  params, model_state = jax.tree_util.tree_map_with_path(
    draw, (shapes.params, shapes.model_state)
  )
  return train_state.TrainState(
    step=np.int32(1),
    params=params,
    model_state=model_state,
    opt_state=(),
    ema={},
  )


def write(workdir, tasks, pixels, stem='small', **inputs):
  """Writes a run's config, signature and checkpoint.

  Args:
    workdir: A folder.
    tasks: {task: its options}.
    pixels: The size of its pictures.
    stem: Of the ResNet-18.
    **inputs: What the signature has besides.
  """
  config = defaults.get_config()
  config.image_size, config.model.stem = pixels, stem
  run_folder.write_json(str(workdir / 'config.json'), config.to_dict())
  written = signature.Signature(
    'faces',
    tasks,
    {
      'image_size': pixels,
      'crop_size': 0,
      'window': 0,
      'views': 'whole',
      **inputs,
    },
    config.model.to_dict(),
    {'toy': {'version': '1.0.0'}},
  )
  signature.write(str(workdir), written)
  with checkpoint.build_manager(str(workdir), 1) as manager:
    model = signature.build_model(written)
    checkpoint.save(manager, 1, state(model, pixels), headline=0.5)
