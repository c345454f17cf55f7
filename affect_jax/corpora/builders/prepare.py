"""Prepares a corpus once, whole or not at all.

tfds writes into `incomplete.*` beside the final folder and renames it at the
end, so a folder with the final name is always complete. This module deals with
what tfds does not: a killed process leaves its temporary folder behind, two
processes may prepare the same corpus, and a full disk shows as one of several
errors of TensorFlow.
"""

from collections.abc import Callable, Iterator
import contextlib
import errno
import fcntl
import pathlib
import shutil
from typing import Any

from absl import logging
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import records
from affect_jax.corpora.files import pictures

LOCK = 'preparing.lock'


def once(builder: Any, generate: Callable[..., None], **kwargs: Any) -> None:
  """Prepares `builder` unless it is prepared; `summary` says what was left out.

  Args:
    builder: A tfds builder whose metadata has 'skipped' (`records.info`).
    generate: The `download_and_prepare` of its base class.
    **kwargs: Arguments of `generate`.

  Raises:
    OSError: the disk is full (ENOSPC); the message names the folder.
  """
  if not builder.data_path.exists():
    kwargs.setdefault(
      'download_config', tfds.download.DownloadConfig(try_download_gcs=False)
    )
    # Remote folders (gs://) have no locks, and listing them is slow.
    local = '://' not in str(builder.data_dir)
    parent = pathlib.Path(builder.data_dir).parent
    alone = _alone(parent) if local else contextlib.nullcontext()
    # These speak of downloads, of unknown size: nothing is downloaded.
    builder._log_download_bytes = lambda: None
    builder._log_download_done = lambda: None
    logging.info('%s: preparing %s', builder.name, builder.data_dir)
    # In a log file, a progress bar would be a thousand lines; on a terminal, it
    # counts what nobody asks for: "splits", "examples", "shuffling".
    tfds.disable_progress_bar()
    with _full_disk_explained(builder), alone:
      generate(**kwargs)
  if not builder.info.splits:
    # Another process prepared it while this one waited for the lock.
    builder.info.read_from_directory(builder.data_dir)
  records.metadata(builder)  # What is damaged ends here, not in training.


def tell(builder: Any) -> None:
  """Logs what a prepared corpus has; warns if its pictures are stretched."""
  logging.info('%s', summary(builder))
  stretched = pictures.NOT_SQUARE['stretch']
  if count := records.metadata(builder)['skipped'].get(stretched):
    logging.warning(
      '%s: %d pictures are not square, and training stretches them: circles '
      'become ovals. config.data.resize=crop keeps the square in their middle, '
      'pad all of them.',
      builder.name,
      count,
    )


def summary(builder: Any) -> str:
  """Says in one line how many rows each split has and what was left out."""
  sizes = ', '.join(
    f'{n} {split.num_examples}' for n, split in builder.info.splits.items()
  )
  counts = records.metadata(builder)['skipped']
  skipped, notes = (
    ', '.join(
      f'{count} {reason}'
      for reason, count in counts.items()
      if count and records.is_note(reason) == noted
    )
    for noted in (False, True)
  )
  return (
    f'{builder.name}: {sizes}; left out: {skipped or "nothing"}'
    f'{"; found: " if notes else ""}{notes}.'
  )


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
  """Waits for other processes, then removes what killed ones left behind."""
  folder.mkdir(parents=True, exist_ok=True)
  with open(folder / LOCK, 'w') as lock:
    # The kernel releases the lock however its holder dies, so whoever holds it
    # knows that the owners of all temporary folders are dead.
    fcntl.flock(lock, fcntl.LOCK_EX)
    for stale in folder.glob('incomplete.*'):
      logging.warning('Removing %s, left by an interrupted run.', stale)
      shutil.rmtree(stale)
    yield


@contextlib.contextmanager
def _full_disk_explained(builder: Any) -> Iterator[None]:
  folder = builder.data_dir
  try:
    yield
  except Exception as e:
    if not _is_full_disk(e):
      raise
    raise OSError(
      errno.ENOSPC,
      f'The disk of {folder} is full: {builder.name} was not prepared, and '
      'nothing of it was kept. Free some space there, or set another '
      'data_dir, and start again',
    ) from e


def _is_full_disk(error: BaseException | None) -> bool:
  """Returns whether a full disk caused an error that tfds may have wrapped."""
  while error is not None:
    if isinstance(error, tf.errors.ResourceExhaustedError):
      return True
    if isinstance(error, OSError) and error.errno in (
      errno.ENOSPC,
      errno.EDQUOT,
    ):
      return True
    error = error.__cause__ or error.__context__
  return False
