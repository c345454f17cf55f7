"""Says what happened to a disk, or to prepared data, while a command ran.

Libraries raise errors of many kinds then, none of which says what to do.
"""

import errno
import re
import sys

FULL = 'No space left on device'


def to(error: Exception) -> str:
  """Explains an error in a line; '' if it is of another kind.

  Args:
    error: An OSError says by itself which file had no space, and is left alone.
  """
  if explained := _full_disk(error):
    return explained
  # Imported late, so that `--help` need not wait for TensorFlow; without it no
  # corpus was read.
  tf = sys.modules.get('tensorflow')
  damaged = sys.modules.get('affect_jax.corpora.builders.damaged')
  if not tf or not damaged:
    return ''
  # tfds asserts that there are data.
  if isinstance(error, AssertionError) and 'could not find data' in str(error):
    return damaged.gone()
  if isinstance(error, (FileNotFoundError, tf.errors.NotFoundError)):
    return damaged.gone(str(error))
  if isinstance(error, tf.errors.DataLossError):
    return damaged.find()
  return ''


def _full_disk(error: Exception) -> str:
  if isinstance(error, OSError):
    return ''
  message = str(error)
  causes = [error.__cause__, error.__context__]
  if FULL not in message and not any(
    isinstance(e, OSError) and e.errno == errno.ENOSPC for e in causes
  ):
    return ''
  # The last path that is named is the most exact one.
  paths = re.findall(r'(?<![\w.])/[^\s"\';]+[^\s"\';:,.]', message)
  where = f' of {paths[-1]}' if paths else ''
  return (
    f'no space is left on the disk{where}. Free some, then give the same '
    'command again: it goes on from what is finished.'
  )
