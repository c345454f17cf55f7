"""ResNet-18 that computes what torchvision's does from the same weights."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import batch_norm
from affect_jax.models import convolution

# Stages of the network from the input on, as the first keys of their paths in
# `params` and `batch_stats`. `frozen_stages` counts along this tuple.
STAGES = (
  ('conv1', 'bn1'),
  ('layer1',),
  ('layer2',),
  ('layer3',),
  ('layer4',),
)
WIDTHS = (64, 128, 256, 512)
NUM_BLOCKS = 2
NUM_FEATURES = WIDTHS[-1]
STEMS = ('imagenet', 'small')

_kaiming = nn.initializers.variance_scaling(2.0, 'fan_out', 'normal')


def max_pool_3x3(x: jax.Array) -> jax.Array:
  """Maximum over 3x3 windows, stride 2, padding 1: [B,H,W,C] -> [B,H/2,W/2,C].

  Odd sizes round up. This takes a maximum over shifted slices because the
  gradient of `nn.max_pool` (SelectAndScatter) is several times slower on CPU.
  Values are equal. So are gradients, except that tied maxima share a gradient
  that `nn.max_pool` gives to the first (which makes no difference for the zeros
  of a ReLU: they pass no gradient on).
  """
  for axis in (1, 2):
    size = (x.shape[axis] + 1) // 2
    padding = [(0, 0)] * x.ndim
    padding[axis] = (1, 1)
    padded = jnp.pad(x, padding, constant_values=-jnp.inf)
    left, middle, right = (
      jax.lax.slice_in_dim(padded, i, i + 2 * size - 1, stride=2, axis=axis)
      for i in range(3)
    )
    x = jnp.maximum(jnp.maximum(left, middle), right)
  return x


def _conv(
  features: int, size: int, stride: int, dtype: Any, name: str
) -> nn.Conv:
  # Explicit padding: 'SAME' pads a stride-2 convolution on one side only,
  # PyTorch on both.
  pad = size // 2
  return nn.Conv(
    features,
    (size, size),
    (stride, stride),
    padding=((pad, pad), (pad, pad)),
    use_bias=False,
    dtype=dtype,
    kernel_init=_kaiming,
    conv_general_dilated=convolution.conv,
    name=name,
  )


def _norm(
  x: jax.Array,
  rows: jax.Array | None,
  average: bool,
  dtype: Any,
  axis_name: str | None,
  name: str,
  scale_init: Any = nn.initializers.ones,
) -> jax.Array:
  # torchvision's epsilon and momentum (0.1 in PyTorch's terms). Statistics are
  # float32 whatever the dtype.
  options: dict[str, Any] = {
    'momentum': 0.9,
    'epsilon': 1e-5,
    'dtype': dtype,
    'axis_name': axis_name,
    'scale_init': scale_init,
    'name': name,
  }
  if average or rows is None:
    return nn.BatchNorm(use_running_average=average, **options)(x)
  return batch_norm.MaskedBatchNorm(**options)(x, rows)


class BasicBlock(nn.Module):
  """Two 3x3 convolutions and a shortcut; the first convolution is strided."""

  features: int
  stride: int
  frozen: bool
  dtype: Any
  axis_name: str | None
  zero_init_residual: bool

  @nn.compact
  def __call__(
    self, x: jax.Array, rows: jax.Array | None, train: bool
  ) -> jax.Array:
    """[B, H, W, C] -> [B, H / stride, W / stride, features]."""
    norm = (rows, self.frozen or not train, self.dtype, self.axis_name)
    init = nn.initializers
    last = init.zeros if self.zero_init_residual else init.ones
    y = _conv(self.features, 3, self.stride, self.dtype, 'conv1')(x)
    y = nn.relu(_norm(y, *norm, 'bn1'))
    y = _conv(self.features, 3, 1, self.dtype, 'conv2')(y)
    y = _norm(y, *norm, 'bn2', last)
    if x.shape != y.shape:
      x = _conv(self.features, 1, self.stride, self.dtype, 'downsample_conv')(x)
      x = _norm(x, *norm, 'downsample_bn')
    return nn.relu(x + y)


class Stage(nn.Module):
  """Basic blocks '0', '1', ... of one width."""

  features: int
  stride: int
  frozen: bool
  dtype: Any
  axis_name: str | None
  zero_init_residual: bool

  @nn.compact
  def __call__(
    self, x: jax.Array, rows: jax.Array | None, train: bool
  ) -> jax.Array:
    """[B, H, W, C] -> [B, H / stride, W / stride, features]."""
    for i in range(NUM_BLOCKS):
      x = BasicBlock(
        self.features,
        self.stride if i == 0 else 1,
        self.frozen,
        self.dtype,
        self.axis_name,
        self.zero_init_residual,
        name=str(i),
      )(x, rows, train)
    return x


class ResNet18(nn.Module):
  """ResNet-18 without its classifier (He et al., 2016).

  Parameters are named as torchvision's with `.` as nesting:
  {'conv1', 'bn1', 'layer1': {'0': {'conv1', 'bn1', 'conv2', 'bn2',
  'downsample_conv', 'downsample_bn'}, '1'}, ..., 'layer4'}.

  In training the running variance averages the batch's biased variance, in
  PyTorch the unbiased one, which is n / (n - 1) times as large, n = B * H * W.
  Evaluation is equal to float32 rounding.

  Attributes:
    stem: 'imagenet', 7x7 with stride 2 and max pooling; or 'small', 3x3 with
      stride 2, for pictures of 48-64 pixels.
    dtype: Type of activations; parameters and statistics are float32.
    axis_name: pmap axis over which training statistics are averaged. None
      under jit, where a sharded batch already has global statistics.
    frozen_stages: In the first n of `STAGES` (0: none, 1: the stem, ...,
      5: all), BatchNorm uses and keeps its running averages in training too.
      The optimizer must freeze the weights.
    zero_init_residual: Whether every block starts as the identity: the scale
      of its last BatchNorm is 0 (Goyal et al., 2017).
  """

  stem: str = 'imagenet'
  dtype: Any = jnp.float32
  axis_name: str | None = None
  frozen_stages: int = 0
  zero_init_residual: bool = False

  @nn.compact
  def __call__(
    self, image: jax.Array, rows: jax.Array | None = None, *, train: bool
  ) -> jax.Array:
    """Returns the global average of the last feature maps.

    Args:
      image: Normalized pictures [B, H, W, 3].
      rows: bool [B], True for the pictures that count in the statistics of
        training; None: all count.
      train: Whether BatchNorm normalizes by batch and updates its averages.

    Returns:
      Features [B, 512], float32, non-negative.

    Raises:
      UserError: Unknown stem, or a wrong number of stages or shape.
    """
    by_name.check('stem', self.stem, STEMS)
    if not 0 <= self.frozen_stages <= len(STAGES):
      raise UserError(
        f'config.model.frozen_stages must be in 0..{len(STAGES)}, not '
        f'{self.frozen_stages}.'
      )
    if image.ndim != 4 or image.shape[-1] != 3:
      raise UserError(f'Images must be [B, H, W, 3], not {image.shape}.')
    common = (self.dtype, self.axis_name)
    size = 7 if self.stem == 'imagenet' else 3
    x = _conv(WIDTHS[0], size, 2, self.dtype, 'conv1')(image)
    average = self.frozen_stages > 0 or not train
    x = nn.relu(_norm(x, rows, average, *common, 'bn1'))
    if self.stem == 'imagenet':
      x = max_pool_3x3(x)
    for i, features in enumerate(WIDTHS):
      x = Stage(
        features,
        1 if i == 0 else 2,
        self.frozen_stages > i + 1,
        *common,
        self.zero_init_residual,
        name=f'layer{i + 1}',
      )(x, rows, train)
    return jnp.mean(x.astype(jnp.float32), axis=(1, 2))
