"""The expression network of face-api (npm: @vladmandic/face-api).

Four blocks of densely connected separable convolutions see a face of 112
pixels. It computes what the package does from its files, with TensorFlow.js.
"""

import pathlib
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from affect_jax.models.foreign import arrays
from affect_jax.models.foreign import separable
from affect_jax.models.foreign import tfjs_manifest

# The order of the file.
CLASSES = (
  'neutral',
  'happy',
  'sad',
  'angry',
  'fearful',
  'disgusted',
  'surprised',
)
IMAGE_SIZE = 112
WIDTHS = (32, 64, 128, 256)
# Of red, green, blue, out of 255.
MEANS = (122.782, 117.001, 104.298)
MANIFEST = 'face_expression_model-weights_manifest.json'


class FaceExpressionNet(nn.Module):
  """Logits of CLASSES."""

  @nn.compact
  def __call__(self, image: jax.Array) -> jax.Array:
    """[B, 112, 112, 3] in [0, 1] -> [B, 7]."""
    x = image - jnp.array(MEANS, image.dtype)[None, None, None] / 255
    for i, width in enumerate(WIDTHS):
      conv = lambda j, stride=1, i=i, width=width: separable.SeparableConv(
        width, stride, use_bias=True, name=f'dense{i}_conv{j}'
      )
      if i == 0:
        first = nn.Conv(width, (3, 3), (2, 2), 'SAME', name='dense0_conv0')
      else:
        first = conv(0, 2)
      total = nn.relu(first(x))
      x = total
      for j in (1, 2, 3):
        # Each layer sees the sum of those before it.
        total = total + conv(j)(x)
        x = nn.relu(total)
    return nn.Dense(len(CLASSES), name='fc')(x.mean((1, 2)))


_LEAVES = {
  'filters': 'kernel',
  'weights': 'kernel',
  'bias': 'bias',
  'depthwise_filter': 'depthwise',
  'pointwise_filter': 'pointwise',
}


def load(manifest: pathlib.Path) -> tuple[dict[str, Any], list[pathlib.Path]]:
  """Reads the variables of `FaceExpressionNet`.

  Args:
    manifest: MANIFEST; the files of weights that it names lie beside it.

  Returns:
    (variables, [manifest, files of weights]).

  Raises:
    FileNotFoundError: There is no such file.
    UserError: A file is damaged, or holds another network.
  """
  weights, files = tfjs_manifest.read(manifest)
  found = {}
  for name, array in weights.items():
    *layer, leaf = name.split('/')
    key = ('params', '_'.join(layer), _LEAVES.get(leaf, leaf))
    found[key] = (name, array)
  variables = arrays.fit(
    manifest,
    FaceExpressionNet(),
    IMAGE_SIZE,
    found,
    'expression network of face-api',
  )
  return variables, [manifest, *files]
