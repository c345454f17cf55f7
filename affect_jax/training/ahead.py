"""Starts work ahead of its use; needs no JAX."""

import collections
from collections.abc import Callable, Iterable, Iterator
import itertools


def prefetch(items: Iterable, put: Callable, size: int = 2) -> Iterator:
  """Yields put(item), `size` items ahead, so that copies overlap work."""
  items = map(put, items)
  queue = collections.deque(itertools.islice(items, size))
  while queue:
    yield queue.popleft()
    queue.extend(itertools.islice(items, 1))
