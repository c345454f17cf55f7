"""Keeps compiled programs, so that the next command need not compile them."""

import contextlib
import hashlib
import os
import pathlib
import platform
import time

import jax
from jaxlib import version as jaxlib_version

from affect_jax.training import cores

# A program that no command has read for so long is removed.
UNUSED_DAYS = 30


def keep() -> None:
  """Keeps programs in ~/.cache/affect_jax, or below $XDG_CACHE_HOME.

  What a CPU compiled may not run on another, and is cut for the cores that it
  then had: each kind of processor, number of cores and version of jaxlib has a
  folder of its own. A folder that jax was given (JAX_COMPILATION_CACHE_DIR) is
  used instead. Nothing is kept where nothing can be written, with
  JAX_ENABLE_COMPILATION_CACHE=false, or with a jaxlib before 0.10.2.
  """
  # Those find fault with each program that they read, in two screens of text:
  # they miss in the processor what are only preferences of their compiler.
  if jaxlib_version.__version_info__[:3] < (0, 10, 2):
    return
  if jax.config.jax_compilation_cache_dir:
    return
  if not jax.config.jax_enable_compilation_cache:
    return
  home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
  folder = pathlib.Path(home, 'affect_jax', 'compiled', _machine())
  if not folder.is_absolute():  # There is no home, or a wrong setting.
    return
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return
  if os.access(folder, os.W_OK):
    _remove_unused(folder)
    jax.config.update('jax_compilation_cache_dir', str(folder))


def _machine() -> str:
  """Returns a name of this processor's kind, its cores and jaxlib's version."""
  try:
    with open('/proc/cpuinfo', encoding='utf-8', errors='replace') as file:
      lines = file.read().splitlines()
  except OSError:  # Not Linux.
    lines = []
  about = {
    x for x in lines if x.startswith(('model name', 'flags', 'Features'))
  }
  text = '\n'.join(
    [
      jaxlib_version.__version__,
      platform.machine(),
      platform.processor(),
      str(cores.usable()),
      *sorted(about),
    ]
  )
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def _remove_unused(folder: pathlib.Path) -> None:
  """Removes what was not read for UNUSED_DAYS, in folders of others too."""
  oldest = time.time() - UNUSED_DAYS * 24 * 3600
  for path in folder.parent.glob('*/*'):
    # Another command may remove it first.
    with contextlib.suppress(OSError):
      if max(path.stat().st_atime, path.stat().st_mtime) < oldest:
        path.unlink()
