"""Keeps freed memory for the next arrays, instead of giving it back."""

import ctypes
import os

# Names in glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_freed() -> None:
  """Makes glibc keep what is freed; does nothing with other C libraries.

  Each update on a CPU asks for the same large arrays, and frees them. glibc
  hands them back to the system, which has to clear their pages for the next
  update. Only one arena can grow without bounds, so that threads share it.
  Settings of the user (MALLOC_..., GLIBC_TUNABLES) win. Call it first: the
  arenas that threads already have remain.
  """
  if any(x.startswith(('MALLOC_', 'GLIBC_TUNABLES')) for x in os.environ):
    return
  try:
    mallopt = ctypes.CDLL('libc.so.6').mallopt
  except (OSError, AttributeError):
    return
  mallopt(_M_ARENA_MAX, 1)
  mallopt(_M_MMAP_THRESHOLD, 2**30)
  mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
