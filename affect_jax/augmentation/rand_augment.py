"""RandAugment: a few random operations, all of the same strength.

Cubuk et al., 2020, "RandAugment: practical automated data augmentation with
a reduced search space". Operations, ranges and the scale of 31 magnitudes are
those of torchvision's `transforms.RandAugment` (M is the magnitude, 0 to 30;
"+-" is a random sign):

  identity, autocontrast, equalize   no strength
  shear_x, shear_y                   +- 0.3 M / 30, a slope
  translate_x, translate_y           +- 150 / 331 M / 30 of the width, height
  rotate                             +- 30 M / 30 degrees
  brightness, color, contrast,
  sharpness                          1 +- 0.9 M / 30, a factor of `ImageEnhance`
  posterize                          keeps 8 - round(4 M / 30) bits
  solarize                           inverts values from 1 - M / 30 on

Three things differ: borders repeat the edge (torchvision's are black), pictures
are sheared about their centre (torchvision's about the upper left corner, which
also moves the face away), and translations are not rounded to whole pixels.
No operation mirrors the picture: labels of one side of the face would have to
change, see `augment.flip`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from affect_jax import by_name
from affect_jax.augmentation import warp
from affect_jax.errors import UserError

MAX_MAGNITUDE = 30


def rand_augment(
  image: tf.Tensor,
  seed: tf.Tensor,
  *,
  num_ops: int = 2,
  magnitude: float = 9.0,
  ops: Sequence[str] = (),
) -> tf.Tensor:
  """Applies `num_ops` operations, drawn with replacement.

  Args:
    image: f32 [H, W, C] in [0, 1]; C is 1 or 3, H and W are 3 or more.
    seed: int32 [2].
    num_ops: Number of operations, >= 0.
    magnitude: Strength of all operations, in [0, 30]. 'autocontrast' and
      'equalize' ignore it.
    ops: Keys of OPS to draw from; () means all.

  Returns:
    f32 [H, W, C] in [0, 1].

  Raises:
    UserError: Unknown operation, or a value out of range.
  """
  ops = (ops,) if isinstance(ops, str) else tuple(ops) or tuple(OPS)
  for name in ops:
    by_name.check('operation', name, OPS, of='rand_augment')
  if num_ops != int(num_ops) or num_ops < 0:
    raise UserError(
      'config.augmentations.rand_augment.num_ops must be a whole number >= 0, '
      f'not {num_ops}.'
    )
  if not 0 <= magnitude <= MAX_MAGNITUDE:
    raise UserError(
      'config.augmentations.rand_augment.magnitude must be in '
      f'[0, {MAX_MAGNITUDE}], not {magnitude}.'
    )
  strength = magnitude / MAX_MAGNITUDE
  image = tf.convert_to_tensor(image)
  for index in range(int(num_ops)):
    own_seed: Any = tf.random.fold_in(seed, index)
    random = tf.random.stateless_uniform([2], own_seed)
    sign = tf.where(random[1] < 0.5, -1.0, 1.0)
    chosen = tf.cast(random[0] * len(ops), tf.int32)
    image = tf.switch_case(
      tf.minimum(chosen, len(ops) - 1),
      [_branch(OPS[name], image, strength, sign) for name in ops],
    )
  return image


def _branch(op, image, strength, sign):
  """Returns a branch of switch_case that applies `op` and clips to [0, 1]."""

  def call():
    result = tf.clip_by_value(op(image, strength, sign), 0.0, 1.0)
    return tf.ensure_shape(result, image.shape)

  return call


def autocontrast(image: tf.Tensor) -> tf.Tensor:
  """Stretches every channel to [0, 1]; a constant channel does not change."""
  low = tf.reduce_min(image, [0, 1], keepdims=True)
  high = tf.reduce_max(image, [0, 1], keepdims=True)
  stretched = (image - low) / tf.where(high > low, high - low, 1.0)
  return tf.where(high > low, stretched, image)


def equalize(image: tf.Tensor) -> tf.Tensor:
  """Equalizes the histogram (256 bins) of every channel, as Pillow does.

  A channel with few pixels (about 255) or a single value does not change.
  """
  levels = _levels(image)
  # No loop: a map over channels is slow inside tf.data.
  counts = tf.reduce_sum(tf.one_hot(levels, 256, dtype=tf.int32), [0, 1])
  position = tf.range(256, dtype=tf.int32)[tf.newaxis, :]
  last = tf.reduce_max(tf.where(counts > 0, position, 0), 1, keepdims=True)
  of_last = tf.reduce_sum(tf.where(position == last, counts, 0), 1)
  step = (tf.reduce_sum(counts, 1) - of_last) // 255
  step = step[:, tf.newaxis]
  below = tf.cumsum(counts, axis=1, exclusive=True)
  table = (below + step // 2) // tf.maximum(step, 1)
  table = tf.cast(tf.minimum(table, 255), tf.float32) / 255.0
  channel = tf.zeros_like(levels) + tf.range(tf.shape(image)[-1])
  equalized = tf.gather_nd(table, tf.stack([channel, levels], -1))
  return tf.where(step[:, 0] > 0, equalized, image)


def solarize(image: tf.Tensor, threshold: float) -> tf.Tensor:
  """Inverts values from `threshold` on; it is in [0, 1]."""
  return tf.where(image < threshold, image, 1.0 - image)


def posterize(image: tf.Tensor, bits: int) -> tf.Tensor:
  """Keeps the highest `bits` of the 8 bits of every value."""
  step = 2 ** (8 - bits)
  return tf.cast(_levels(image) // step * step, tf.float32) / 255.0


def brightness(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
  """Blends with black: 0 is black, 1 the picture, above 1 is brighter."""
  return image * factor


def color(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
  """Blends with the grey picture; grey pictures (C = 1) do not change."""
  return _blend(_grey(image), image, factor)


def contrast(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
  """Blends with the mean of the grey picture."""
  return _blend(tf.reduce_mean(_grey(image)), image, factor)


def sharpness(image: tf.Tensor, factor: tf.Tensor | float) -> tf.Tensor:
  """Blends with a smoothed picture; keeps the outermost pixels, like Pillow."""
  height, width = tf.shape(image)[0], tf.shape(image)[1]
  inner = image[1:-1, 1:-1]
  around = [
    image[y : height - 2 + y, x : width - 2 + x]
    for y in range(3)
    for x in range(3)
  ]
  # The kernel of Pillow's SMOOTH: 5 in the middle, 1 around it, over 13.
  smooth = (tf.add_n(around) + 4.0 * inner) / 13.0
  change = tf.pad(smooth - inner, [[1, 1], [1, 1], [0, 0]])
  return _blend(image + change, image, factor)


def shear(
  image: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float
) -> tf.Tensor:
  """Shears about the centre: row r samples x * (r - centre) further right."""
  row, column = _centre(image)
  return warp.project(image, [1.0, x, -x * row], [y, 1.0, -y * column])


def translate(
  image: tf.Tensor, x: tf.Tensor | float, y: tf.Tensor | float
) -> tf.Tensor:
  """Moves right by x times the width, and down by y times the height."""
  size = tf.cast(tf.shape(image)[:2], tf.float32)
  return warp.project(image, [1.0, 0.0, -x * size[1]], [0.0, 1.0, -y * size[0]])


# (image, strength in [0, 1], sign -1 or 1) -> image.
OPS: dict[str, Callable[..., tf.Tensor]] = {
  'identity': lambda image, _, sign: image,
  'autocontrast': lambda image, _, sign: autocontrast(image),
  'equalize': lambda image, _, sign: equalize(image),
  'shear_x': lambda image, m, sign: shear(image, 0.3 * m * sign, 0.0),
  'shear_y': lambda image, m, sign: shear(image, 0.0, 0.3 * m * sign),
  'translate_x': lambda image, m, sign: translate(
    image, 150 / 331 * m * sign, 0.0
  ),
  'translate_y': lambda image, m, sign: translate(
    image, 0.0, 150 / 331 * m * sign
  ),
  'rotate': lambda image, m, sign: warp.rotate(image, 30 * m * sign),
  'brightness': lambda image, m, sign: brightness(image, 1 + 0.9 * m * sign),
  'color': lambda image, m, sign: color(image, 1 + 0.9 * m * sign),
  'contrast': lambda image, m, sign: contrast(image, 1 + 0.9 * m * sign),
  'sharpness': lambda image, m, sign: sharpness(image, 1 + 0.9 * m * sign),
  'posterize': lambda image, m, sign: posterize(image, 8 - round(4 * m)),
  'solarize': lambda image, m, sign: solarize(image, 1 - m),
}


def _levels(image):
  """Returns values as whole numbers from 0 to 255."""
  return tf.cast(tf.round(image * 255.0), tf.int32)


def _grey(image):
  """Returns the luma (ITU-R 601) [H, W, 1], or the picture if it is grey."""
  return tf.image.rgb_to_grayscale(image) if image.shape[-1] == 3 else image


def _blend(other, image, factor):
  """Blends from `other` at factor 0 to `image` at 1, and beyond above 1."""
  return tf.clip_by_value(other + (image - other) * factor, 0.0, 1.0)


def _centre(image):
  """Returns row and column of the centre."""
  size = tf.cast(tf.shape(image)[:2], tf.float32)
  return (size[0] - 1) / 2, (size[1] - 1) / 2
