"""Scales pictures as training does, without TensorFlow."""

import numpy as np


def to_square(picture: np.ndarray, size: int) -> np.ndarray:
  """Makes uint8 [H, W, 3] f32 [size, size, 3] in [0, 1].

  It is `tf.image.resize(picture, (size, size), antialias=True)` up to rounding:
  each new pixel is the mean of old ones, weighted by a triangle as wide as two
  new pixels, or two old ones where a picture is enlarged.
  """
  image = picture.astype(np.float32) / np.float32(255)
  height, width = image.shape[:2]
  if height == width == size:
    return image
  rows, columns = _weights(height, size), _weights(width, size)
  scaled = np.tensordot(rows, image, 1)  # [size, W, 3].
  scaled = np.tensordot(columns, scaled, (1, 1))  # Columns first.
  return np.clip(scaled.transpose(1, 0, 2), 0, 1)


def _weights(old: int, new: int) -> np.ndarray:
  """Returns f32 [new, old] whose rows sum to 1."""
  scale = old / new
  centres = (np.arange(new) + 0.5) * scale
  apart = np.abs(np.arange(old) + 0.5 - centres[:, None])
  weights = np.maximum(0, 1 - apart / max(scale, 1.0))
  return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
