"""Projective maps of pictures in TensorFlow."""

from collections.abc import Sequence
import math

import tensorflow as tf


def rotate(image: tf.Tensor, degrees: tf.Tensor | float) -> tf.Tensor:
  """Rotates about the centre, counter-clockwise to the viewer."""
  angle = tf.cast(degrees, tf.float32) * (math.pi / 180)
  cos, sin = tf.cos(angle), tf.sin(angle)
  size = tf.cast(tf.shape(image)[:2], tf.float32)
  y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
  return project(
    image,
    [cos, -sin, x - cos * x + sin * y],
    [sin, cos, y - sin * x - cos * y],
  )


def project(image: tf.Tensor, x_from: Sequence, y_from: Sequence) -> tf.Tensor:
  """Samples pixel (x, y) at (x_from, y_from) . (x, y, 1); edges repeat."""
  transform = tf.stack([*x_from, *y_from, 0.0, 0.0])
  projected = tf.raw_ops.ImageProjectiveTransformV3(
    images=image[tf.newaxis],
    transforms=tf.cast(transform, tf.float32)[tf.newaxis],
    output_shape=tf.shape(image)[:2],
    interpolation='BILINEAR',
    fill_mode='NEAREST',
    fill_value=0.0,
  )[0]
  return tf.ensure_shape(tf.clip_by_value(projected, 0.0, 1.0), image.shape)
