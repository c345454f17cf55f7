"""Augmentations: changes to training pictures that keep their labels true.

Each one is a pure function (image f32 [H, W, C] in [0, 1], seed int32 [2],
**options) -> image of the same shape in [0, 1], for use in `tf.data`'s map.
Labels stay as they are, except that `flip` swaps those of the two sides of the
face: see `mirror`.
"""

from collections.abc import Callable, Mapping, Sequence
import math
from typing import Any

import numpy as np
import tensorflow as tf

from affect_jax import by_name
from affect_jax.augmentation import rand_augment
from affect_jax.augmentation import warp
from affect_jax.errors import UserError


def flips(seed: tf.Tensor, probability: float = 0.5) -> tf.Tensor:
  """Returns whether `flip` mirrors the picture under this seed: bool []."""
  return tf.random.stateless_uniform([], seed) < probability


def flip(
  image: tf.Tensor, seed: tf.Tensor, *, probability: float = 0.5
) -> tf.Tensor:
  """Swaps left and right with the given probability."""
  _check('flip.probability', probability, 0, 1)
  mirrored = tf.reverse(image, [1])
  return tf.where(flips(seed, probability), mirrored, image)


def crop(
  image: tf.Tensor, seed: tf.Tensor, *, pad: int, mode: str = 'reflect'
) -> tf.Tensor:
  """Shifts by up to `pad` pixels up, down, left and right.

  Args:
    pad: Number of pixels; with 'reflect' less than H and W.
    mode: How the border is filled: 'reflect' (with the picture, mirrored at
      its edge) or 'zero' (black).
  """
  if mode not in ('reflect', 'zero'):
    raise by_name.unknown('mode', mode, ('reflect', 'zero'), of='crop')
  _check('crop.pad', pad, 0, math.inf)
  shape = tf.shape(image)
  padded = tf.pad(
    image,
    [[pad, pad], [pad, pad], [0, 0]],
    'REFLECT' if mode == 'reflect' else 'CONSTANT',
  )
  start = tf.random.stateless_uniform(
    [2], seed, maxval=2 * pad + 1, dtype=tf.int32
  )
  moved = tf.slice(padded, tf.concat([start, [0]], 0), shape)
  return tf.ensure_shape(moved, image.shape)


def resized_crop(
  image: tf.Tensor,
  seed: tf.Tensor,
  *,
  scale: Sequence[float] = (0.7, 1.0),
  ratio: Sequence[float] = (0.9, 1.1),
) -> tf.Tensor:
  """Cuts out a random part and resizes it to the size of the picture.

  Args:
    scale: Least and greatest share of the area to keep, in (0, 1].
    ratio: Least and greatest width / height of the part, relative to that of
      the picture; limited where the part would not fit.
  """
  _check('resized_crop.scale', scale, 1e-6, 1)
  _check('resized_crop.ratio', ratio, 1e-6, math.inf)
  random = tf.random.stateless_uniform([4], seed)
  share = scale[0] + (scale[1] - scale[0]) * random[0]
  low, high = math.log(ratio[0]), math.log(ratio[1])
  # Up to this stretch, the part fits and keeps its share of the area.
  limit = -tf.math.log(share)
  stretch = tf.clip_by_value(low + (high - low) * random[1], -limit, limit)
  height = tf.minimum(tf.sqrt(share / tf.exp(stretch)), 1.0)
  width = tf.minimum(tf.sqrt(share * tf.exp(stretch)), 1.0)
  top, left = random[2] * (1 - height), random[3] * (1 - width)
  size = tf.cast(tf.shape(image)[:2], tf.float32)
  # crop_and_resize would align the corner pixels instead.
  return warp.project(
    image,
    [width, 0.0, left * size[1] + (width - 1) / 2],
    [0.0, height, top * size[0] + (height - 1) / 2],
  )


def colour(
  image: tf.Tensor,
  seed: tf.Tensor,
  *,
  brightness: float = 0.0,
  contrast: float = 0.0,
  saturation: float = 0.0,
  hue: float = 0.0,
) -> tf.Tensor:
  """Changes brightness, contrast, saturation and hue, in random amounts.

  C is 1 or 3. Grey pictures keep equal channels.

  Args:
    brightness: Adds at most this, in [0, 1].
    contrast: Multiplies distances to the mean by at most 1 +- this, in [0, 1].
    saturation: Multiplies distances to grey by at most 1 +- this, in [0, 1].
    hue: Turns the colour circle by at most this, in [0, 0.5].
  """
  for name, value in (
    ('brightness', brightness),
    ('contrast', contrast),
    ('saturation', saturation),
  ):
    _check(f'colour.{name}', value, 0, 1)
  _check('colour.hue', hue, 0, 0.5)
  random = tf.random.stateless_uniform([4], seed, -1, 1)
  image = image + brightness * random[0]
  mean = tf.reduce_mean(image)
  image = mean + (image - mean) * (1 + contrast * random[1])
  if image.shape[-1] == 3 and (saturation or hue):
    grey = tf.image.rgb_to_grayscale(image)
    image = grey + (image - grey) * (1 + saturation * random[2])
    if hue:
      # HSV is defined in [0, 1] only.
      image = tf.image.adjust_hue(
        tf.clip_by_value(image, 0.0, 1.0), hue * random[3]
      )
  return tf.clip_by_value(image, 0.0, 1.0)


def rotation(image: tf.Tensor, seed: tf.Tensor, *, degrees: float) -> tf.Tensor:
  """Rotates about the centre by an angle in [-degrees, degrees].

  The border repeats the edge of the picture.
  """
  _check('rotation.degrees', degrees, 0, 180)
  angle = tf.random.stateless_uniform([], seed, -1, 1) * degrees
  return warp.rotate(image, angle)


def erasing(
  image: tf.Tensor,
  seed: tf.Tensor,
  *,
  probability: float = 0.5,
  area: Sequence[float] = (0.02, 0.2),
) -> tf.Tensor:
  """Covers one rectangle with the mean colour (Zhong et al., 2017).

  Args:
    probability: Probability of covering anything.
    area: Least and greatest share of the picture to cover; the sides of the
      rectangle are rounded down to whole pixels.
  """
  _check('erasing.probability', probability, 0, 1)
  _check('erasing.area', area, 0, 1)
  random = tf.random.stateless_uniform([5], seed)
  share = area[0] + (area[1] - area[0]) * random[1]
  # Sides are between 1:2 and 2:1, and no longer than those of the picture.
  limit = tf.minimum(-tf.math.log(share), math.log(2.0))
  stretch = limit * (2 * random[2] - 1)
  size = tf.cast(tf.shape(image)[:2], tf.float32)
  sides = tf.sqrt(share * tf.exp(tf.stack([stretch, -stretch])))
  sides = tf.floor(sides * size)
  start = tf.floor(random[3:] * (size - sides + 1))
  rows = tf.range(size[0])[:, tf.newaxis]
  columns = tf.range(size[1])[tf.newaxis, :]
  inside = (
    (rows >= start[0])
    & (rows < start[0] + sides[0])
    & (columns >= start[1])
    & (columns < start[1] + sides[1])
  )
  inside &= random[0] < probability
  mean = tf.reduce_mean(image, [0, 1], keepdims=True)
  return tf.where(inside[:, :, tf.newaxis], mean, image)


AUGMENTATIONS: dict[str, Callable[..., tf.Tensor]] = {
  'flip': flip,
  'crop': crop,
  'resized_crop': resized_crop,
  'colour': colour,
  'rotation': rotation,
  'erasing': erasing,
  'rand_augment': rand_augment.rand_augment,
}


def apply(
  image: tf.Tensor,
  labels: Mapping[str, tf.Tensor],
  weights: Mapping[str, tf.Tensor],
  seed: tf.Tensor,
  augmentations: Sequence[tuple[str, Mapping[str, Any]]],
  *,
  outputs: Mapping[str, Sequence[str]],
  only: Sequence[str] | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
  """Applies augmentations in order, each under a seed of its own.

  Args:
    image: f32 [H, W, C] in [0, 1], or a window [T, H, W, C], whose frames all
      change in the same way.
    labels: {task: [K]} of any tasks; [T, K] for windows.
    weights: {task: [] or [K]}; [T] or [T, K] for windows.
    seed: int32 [2].
    augmentations: Keys of AUGMENTATIONS with their options.
    outputs: {task: names} of the tasks with one weight per output; only these
      can have outputs for one side of the face, see `mirror`.
    only: Leave out augmentations of other names; these do what they do among
      all. None: leave out none.

  Returns:
    (image, labels, weights).

  Raises:
    UserError: Unknown name or option, or a value out of range.
  """
  labels, weights, mirrored = dict(labels), dict(weights), None
  for index, (name, options) in enumerate(augmentations):
    function = by_name.get('augmentation', name, AUGMENTATIONS)
    by_name.check_options(
      f'augmentation {name!r}', options, function, but=('image', 'seed')
    )
    if only is not None and name not in only:
      continue
    own_seed: Any = tf.random.fold_in(seed, index)
    if len(image.shape) == 4:
      image = tf.map_fn(
        lambda frame, f=function, s=own_seed, o=options: f(frame, s, **o),
        image,
      )
    else:
      image = function(image, own_seed, **options)
    if name == 'flip':
      flipped = flips(own_seed, **options)
      mirrored = flipped if mirrored is None else mirrored != flipped
  if mirrored is not None:
    for task, names in outputs.items():
      order = mirror(names)
      for kind in (labels, weights):
        swapped = tf.gather(kind[task], order, axis=-1)
        kind[task] = tf.where(mirrored, swapped, kind[task])
  return image, labels, weights


def mirror(outputs: Sequence[str]) -> np.ndarray:
  """Returns the order of labels for a mirrored picture: int32 [K].

  `labels[mirror(outputs)]` has 'AU12L' and 'AU12R' swapped; all other outputs
  stay. The same order applies to weights per output.

  Args:
    outputs: Names of a task's outputs.

  Raises:
    UserError: An output of one side has no partner on the other side.
  """
  positions = {name: k for k, name in enumerate(outputs)}
  sources = []
  for name in outputs:
    partner = name
    if name.startswith('AU') and name[-1] in 'LR':
      partner = name[:-1] + ('R' if name[-1] == 'L' else 'L')
      if partner not in positions:
        raise UserError(
          f'{name} has no {partner} among the outputs {list(outputs)}: '
          "mirrored pictures would have no true label. Add it, or leave 'flip' "
          'out of config.augment.'
        )
    sources.append(positions[partner])
  return np.array(sources, np.int32)


def _check(
  name: str, values: float | Sequence[float], low: float, high: float
) -> None:
  """Raises UserError unless values are in [low, high] and do not decrease."""
  bounded = [low, *np.atleast_1d(values), high]
  if np.ndim(values) > 1 or bounded != sorted(bounded):
    order = ', in ascending order' if np.ndim(values) else ''
    raise UserError(
      f'config.augmentations.{name} must be in [{low}, {high}]{order}, not '
      f'{values}.'
    )
