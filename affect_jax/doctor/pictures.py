"""Reduces encoded pictures to a few hundred bytes that tell them apart."""

from collections.abc import Iterable
import dataclasses
import hashlib
from typing import Any

import numpy as np
from PIL import Image
import tensorflow as tf

THUMB = 16
# A picture whose channels range over no more than this, of 255, shows nothing.
CONSTANT_RANGE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
  """The properties of one picture that are kept.

  Attributes:
    digest: 128 bits of its decoded pixels and their shape.
    gradient: bool [8, 8], the bits of its dHash.
    thumb: uint8 [16, 16], mean greys.
    size: Height and width.
    constant: Whether it shows nothing.
    grey: Whether its channels are equal.
  """

  digest: bytes
  gradient: np.ndarray
  thumb: np.ndarray
  size: tuple[int, int]
  constant: bool
  grey: bool


def look(data: bytes) -> Look | None:
  """Decodes a picture as training does; None if that fails."""
  try:
    decoded: Any = tf.io.decode_image(data, channels=3, expand_animations=False)
  except tf.errors.OpError:
    return None
  rgb = decoded.numpy()
  if rgb.ndim != 3 or not rgb.size:
    return None
  height, width, _ = rgb.shape
  content = hashlib.blake2b(f'{height}x{width}'.encode(), digest_size=16)
  content.update(rgb.tobytes())
  red, green, blue = (rgb[..., i] for i in range(3))
  grey = np.array_equal(red, green) and np.array_equal(red, blue)
  channels = (red,) if grey else (red, green, blue)
  spread = max(int(c.max()) - int(c.min()) for c in channels)
  # BOX is the mean over each cell. In floats, as rounded means would often be
  # equal, and their order random.
  means = Image.fromarray(rgb).convert('L').convert('F')
  cells = np.asarray(means.resize((9, 8), Image.Resampling.BOX))
  thumb = np.asarray(means.resize((THUMB, THUMB), Image.Resampling.BOX))
  return Look(
    content.digest(),
    cells[:, 1:] > cells[:, :-1],
    np.rint(thumb).astype(np.uint8),
    (height, width),
    spread <= CONSTANT_RANGE,
    grey,
  )


def stack(looks: Iterable[Look | None]) -> dict[str, np.ndarray]:
  """Stacks many looks to arrays; zeros for None.

  Returns:
    'readable', 'constant', 'grey': bool [N]; 'digest': uint64 [N, 2];
    'dhash': uint64 [N]; 'thumb': uint8 [N, 16, 16]; 'size': int32 [N, 2].
  """
  empty = Look(
    bytes(16),
    np.zeros((8, 8), bool),
    np.zeros((THUMB, THUMB), np.uint8),
    (0, 0),
    False,
    False,
  )
  looks = list(looks)
  known = [empty if k is None else k for k in looks]
  n = len(known)
  digests = np.frombuffer(b''.join(k.digest for k in known), np.uint64)
  bits = np.array([k.gradient for k in known], bool).reshape(n, 64)
  return {
    'readable': np.array([k is not None for k in looks], bool),
    'constant': np.array([k.constant for k in known], bool),
    'grey': np.array([k.grey for k in known], bool),
    'digest': digests.reshape(n, 2),
    'dhash': np.packbits(bits, axis=1).view(np.uint64).reshape(n),
    'thumb': np.array([k.thumb for k in known]).reshape(n, THUMB, THUMB),
    'size': np.array([k.size for k in known], np.int32).reshape(n, 2),
  }
