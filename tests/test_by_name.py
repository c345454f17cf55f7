"""What is called by name: one wording for all that is not there."""

import pytest

from affect_jax import by_name
from affect_jax import errors


def blur(image, *, radius=1, sigma=2.0):
  return image, radius, sigma


def test_the_nearest_name_and_all_that_there_are_are_said():
  with pytest.raises(errors.UserError) as error:
    by_name.get('filter', 'Blurr', {'blur': blur, 'edge': blur})
  assert str(error.value) == (
    "Unknown filter 'Blurr' (did you mean 'blur'?); known: blur, edge."
  )
  with pytest.raises(errors.UserError, match="filter 'x'; known: none"):
    by_name.check('filter', 'x', {})


def test_options_are_those_of_the_signature():
  table = {'blur': blur}
  assert by_name.build('filter', 'blur', table, {'radius': 3}, image=0) == (
    *(0, 3, 2.0),
  )
  with pytest.raises(errors.UserError) as error:
    by_name.build('filter', 'blur', table, {'radios': 3}, image=0)
  assert str(error.value) == (
    "Unknown option 'radios' of filter 'blur' (did you mean 'radius'?); "
    'known: radius, sigma.'
  )
  # What the caller gives is no option of the user's.
  with pytest.raises(errors.UserError, match="option 'image'"):
    by_name.build('filter', 'blur', table, {'image': 3}, image=0)
