"""Views of pictures [..., H, W, C] whose predictions are averaged in tests."""

from collections.abc import Callable, Iterator

import jax

from affect_jax import by_name
from affect_jax.errors import UserError

View = tuple[jax.Array, bool]


def whole(image: jax.Array, crop_size: int) -> Iterator[View]:
  """Yields the whole picture, also if training saw windows of it.

  Pooling over positions makes the network indifferent to the size, and with
  windows things look as large in training as in tests
  (Touvron et al., "Fixing the train-test resolution discrepancy", 2019).
  """
  del crop_size
  yield image, False


def flip(image: jax.Array, crop_size: int) -> Iterator[View]:
  """Yields the whole picture and its mirror image."""
  del crop_size
  yield image, False
  yield image[..., ::-1, :], True


def center_crop(image: jax.Array, crop_size: int) -> Iterator[View]:
  """Yields the window in the middle."""
  top, left = ((n - crop_size) // 2 for n in image.shape[-3:-1])
  yield image[..., top : top + crop_size, left : left + crop_size, :], False


def ten_crop(image: jax.Array, crop_size: int) -> Iterator[View]:
  """Yields windows in corners and middle, also mirrored (Krizhevsky, 2012)."""
  height, width = (n - crop_size for n in image.shape[-3:-1])
  corners = ((0, 0), (0, width), (height, 0), (height, width))
  for top, left in (*corners, (height // 2, width // 2)):
    window = image[..., top : top + crop_size, left : left + crop_size, :]
    yield window, False
    yield window[..., ::-1, :], True


VIEWS: dict[str, Callable[[jax.Array, int], Iterator[View]]] = {
  'whole': whole,
  'flip': flip,
  'center_crop': center_crop,
  'ten_crop': ten_crop,
}


def check(name: str, crop_size: int, image_size: int) -> None:
  """Raises UserError unless the views exist and windows fit the picture."""
  by_name.check('config.eval_views', name, VIEWS)
  if not 0 <= crop_size <= image_size:
    raise UserError(
      f'config.crop_size={crop_size} is not between 0 (whole pictures) and '
      f'config.image_size={image_size}.'
    )
  if name.endswith('_crop') and not crop_size:
    raise UserError(f'config.eval_views={name!r} needs config.crop_size.')
