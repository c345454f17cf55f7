"""Faces: reads pictures for a ResNet-18, as a config says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.data import batch as batch_lib
from affect_jax.data import face_batches
from affect_jax.data import load
from affect_jax.data import streams
from affect_jax.models import resnet
from affect_jax.run import on_line
from affect_jax.run import samples
from affect_jax.run import signature as signature_lib

KIND = 'faces'


def describe(
  config: Any, corpora: Sequence[streams.Corpus]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """Returns fields of a `signature` (kind, inputs, model), and no arrays."""
  del corpora
  inputs = {
    'image_size': config.image_size,
    'crop_size': config.crop_size,
    'window': load.window(config),
    'views': config.eval_views,
  }
  model = config.model.to_dict()
  return {'kind': KIND, 'inputs': inputs, 'model': model}, {}


def build(
  config: Any,
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  shares: Mapping[str, float],
  signature: signature_lib.Signature,
) -> samples.Samples:
  """Returns how corpora of pictures are read; see `build.Run`."""
  window = signature.inputs['window']
  return samples.Samples(
    train_batches=lambda seed, first_step: face_batches.train_batches(
      corpora,
      tasks,
      batch_size=config.batch_size,
      seed=seed,
      first_step=first_step,
      num_steps=config.num_train_steps,
      image_size=config.image_size,
      crop_size=config.crop_size,
      window=window,
      augmentations=augmentations(config),
      weak_view=on_line.needs_weak_view(config),
      sizes=progressive_sizes(config),
      shares=shares,
      balance=config.data.balance,
      shuffle_megabytes=load.shuffle_megabytes(config),
    ),
    eval_batches=lambda builder, split: face_batches.eval_batches(
      builder,
      split,
      tasks,
      batch_size=config.batch_size,
      image_size=config.image_size,
      window=window,
    ),
    dummy_inputs=batch_lib.dummy_batch(tasks, config.image_size, window=window)[
      'inputs'
    ],
    window=window,
    views=config.eval_views,
    crop_size=config.crop_size,
    frozen=tuple(
      f'backbone/{part}'
      for stage in resnet.STAGES[: config.model.frozen_stages]
      for part in stage
    ),
  )


def augmentations(
  config: Any,
) -> list[tuple[str, dict[str, Any]]]:
  """Returns pairs (name, options) of config.augment, in its order."""
  options = config.augmentations.to_dict()
  return [(name, options.get(name, {})) for name in config.augment]


def progressive_sizes(config: Any) -> dict[int, int]:
  """Returns {first step: pixels} of config.image_size_schedule."""
  return {int(step): int(px) for step, px in config.image_size_schedule}
