"""The image model: one shared encoder, one linear head per task."""

from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax.errors import UserError
from affect_jax.models import encoders
from affect_jax.models import resnet

# ImageNet's statistics, RGB in [0, 1]: what torchvision's weights expect.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalize(
  image: jax.Array, mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> jax.Array:
  """Normalizes pictures float [B, H, W, 3] in [0, 1] for the backbone."""
  m, s = (jnp.asarray(x, jnp.float32).reshape(1, 1, 1, 3) for x in (mean, std))
  return (image - m) / s


def of_settings(
  settings: Mapping[str, Any],
  units: Sequence[tuple[str, int]],
  axis_name: str | None = None,
) -> 'AffectModel':
  """Builds the model of config.model; `units` are (task, head width) pairs."""
  options = dict(settings)
  by_encoder = {name: options.pop(name, {}) for name in encoders.ENCODERS}
  options['temporal_options'] = by_encoder.get(options['temporal'], {})
  options['dtype'] = jnp.dtype(options['dtype'])
  return AffectModel(**options, units=tuple(units), axis_name=axis_name)


class Heads(nn.Module):
  """One float32 linear layer per task, all on the same features.

  Attributes:
    units: Pairs (task, width of its head).
  """

  units: tuple[tuple[str, int], ...]

  @nn.compact
  def __call__(self, features: jax.Array) -> dict[str, jax.Array]:
    """Maps features [..., D] to {task: float32 [..., units]}."""
    features = features.astype(jnp.float32)
    # Small, not zero: constant predictions give a correlation no gradient.
    init = nn.initializers.normal(0.01)
    return {
      task: nn.Dense(k, kernel_init=init, name=task)(features)
      for task, k in self.units
    }


class AffectModel(nn.Module):
  """Maps faces to raw head outputs of every task.

  params: {'backbone': {...} (see `resnet.ResNet18`), 'heads': {task:
  {'kernel': [512, units], 'bias': [units]}}}; batch_stats: {'backbone': ...}.
  Neither a task's output nor any parameter's initial value depends on which
  other tasks the model has.

  Attributes:
    units: {task: width of its head}, or the same as a tuple of pairs.
    stem, dtype, axis_name, frozen_stages, zero_init_residual: See
      `resnet.ResNet18`.
    temporal: A key of `encoders.ENCODERS` that names the encoder over windows
      of frames, between features and heads; '' means none.
    temporal_options: Options of that encoder, as pairs.
    dropout: Share of the features dropped in training; needs an rng named
      'dropout' if it is not 0.
    mean, std: Statistics per RGB channel that normalize pictures in [0, 1].
  """

  units: Mapping[str, int] | tuple[tuple[str, int], ...]
  stem: str = 'imagenet'
  dtype: Any = jnp.float32
  axis_name: str | None = None
  frozen_stages: int = 0
  zero_init_residual: bool = False
  temporal: str = ''
  temporal_options: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
  dropout: float = 0.0
  mean: tuple[float, float, float] = MEAN
  std: tuple[float, float, float] = STD

  def __post_init__(self) -> None:
    # A dict would make the module unhashable, and jit's static arguments must
    # be hashable.
    self.units = tuple(dict(self.units).items())
    self.temporal_options = tuple(dict(self.temporal_options).items())
    super().__post_init__()

  @nn.compact
  def __call__(
    self, inputs: Mapping[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Returns raw head outputs: logits, or values before the activation.

    Args:
      inputs: {'image': float [B, H, W, 3] in [0, 1]}, or windows: [B, T, H,
        W, 3] with 'image_mask' bool [B, T], False where a frame is missing.
        A missing frame counts in no statistics, and no other frame reads it.
      train: Whether dropout is on and BatchNorm normalizes by batch.

    Returns:
      {task: float32 [B, units] or [B, T, units]}.

    Raises:
      UserError: The model has no task, the inputs have no picture, the
        pictures are not floats, or `temporal` is set without windows.
    """
    if not self.units:
      raise UserError('The model has no task: units is empty.')
    if 'image' not in inputs:
      raise UserError(f"Inputs have no 'image', only {sorted(inputs)}.")
    image = inputs['image']
    if not jnp.issubdtype(image.dtype, jnp.floating):
      raise UserError(f'Images must be floats in [0, 1], not {image.dtype}.')
    time = image.shape[:2] if image.ndim == 5 else ()
    if self.temporal and not time:
      raise UserError(
        f'config.model.temporal={self.temporal!r} needs windows of frames: set '
        'config.data.window.'
      )
    rows = None
    if time:
      # The backbone sees frames as pictures.
      image = image.reshape(-1, *image.shape[2:])
      rows = inputs['image_mask'].reshape(-1)
    features = resnet.ResNet18(
      stem=self.stem,
      dtype=self.dtype,
      axis_name=self.axis_name,
      frozen_stages=self.frozen_stages,
      zero_init_residual=self.zero_init_residual,
      name='backbone',
    )(normalize(image, self.mean, self.std), rows, train=train)
    if time:
      features = features.reshape(*time, -1)
    if self.temporal:
      encoder = encoders.get_encoder(
        'temporal', self.temporal, **dict(self.temporal_options)
      )
      features = encoder(
        features.astype(jnp.float32), inputs['image_mask'], train=train
      )
    features = nn.Dropout(self.dropout)(features, deterministic=not train)
    return Heads(tuple(dict(self.units).items()), name='heads')(features)
