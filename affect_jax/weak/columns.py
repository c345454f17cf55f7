"""Columns of parquet tables as numpy arrays: no object for each row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import compute

# Between the texts of a list, where it serves as a key.
_SEPARATOR = '\x1f'


def of_matrix(matrix: np.ndarray) -> pa.Array:
  """Returns a column of lists f32: the rows of [N, K]."""
  rows, width = matrix.shape
  offsets = np.arange(rows + 1, dtype=np.int32) * width
  values = pa.array(matrix.ravel(), pa.float32())
  return pa.ListArray.from_arrays(offsets, values)


def is_list(column: pa.ChunkedArray) -> bool:
  """Returns whether rows are lists, of a fixed size or not."""
  types = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
  )
  return any(is_kind(column.type) for is_kind in types)


def whole(column: pa.ChunkedArray) -> pa.Array:
  """Returns a column as one array; lists of a fixed size become lists."""
  if pa.types.is_fixed_size_list(column.type):
    column = column.cast(pa.large_list(column.type.value_type))
  if not column.num_chunks:
    return pa.array([], column.type)
  return pa.concat_arrays(column.chunks)


def texts(column: pa.ChunkedArray) -> np.ndarray:
  """Returns str [N], None where there is none."""
  return column.cast(pa.large_string()).to_numpy()


def codes_of_texts(column: pa.ChunkedArray) -> np.ndarray:
  """Returns numbers [N], equal where the texts are; '' is none."""
  return _codes(compute.fill_null(column.cast(pa.large_string()), ''))


def codes_of_lists(column: pa.ChunkedArray) -> np.ndarray:
  """Returns numbers [N], equal where the lists are; none is an empty list."""
  array = whole(column)
  kind = array.type.value_type
  if pa.types.is_string(kind) or pa.types.is_large_string(kind):
    joined = compute.call_function('binary_join', [array, _SEPARATOR])
    return _codes(compute.fill_null(joined, ''))
  starts, lengths, values = lists(array)
  found = np.zeros(len(array), np.int64)
  for width in np.unique(lengths[lengths > 0]):
    rows = np.flatnonzero(lengths == width)
    matrix = values[starts[rows][:, np.newaxis] + np.arange(width)]
    bits = np.ascontiguousarray(matrix).view(f'V{matrix.itemsize * width}')
    found[rows] = (
      found.max() + 1 + np.unique(bits, return_inverse=True)[1].ravel()
    )
  return found


def _codes(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
  encoded = column.dictionary_encode()
  if not isinstance(encoded, pa.ChunkedArray):
    return np.asarray(encoded.indices).astype(np.int64)
  parts = [np.asarray(c.indices) for c in encoded.unify_dictionaries().chunks]
  return np.concatenate([np.zeros(0, np.int64), *parts])


def lists(array: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns starts [N] and lengths [N] of lists in their values f32 [M].

  A list that is none has the length -1. A value that is none is NaN.
  """
  lengths = compute.fill_null(array.value_lengths(), -1)
  values = array.values.to_numpy(zero_copy_only=False)
  starts = np.asarray(array.offsets)[:-1].astype(np.int64)
  return (
    starts,
    np.asarray(lengths).astype(np.int64),
    values.astype(np.float32, copy=False),
  )


def groups(codes: Sequence[np.ndarray], rows: int) -> list[np.ndarray]:
  """Returns rows that are equal in all codes [N], in the order of the first."""
  joined = np.zeros(rows, np.int64)
  for each in codes:
    if len(each) and each.min() == each.max():
      continue
    joined = joined * (each.max(initial=0) + 1) + each
    # Numbers stay small, however many columns there are.
    joined = np.unique(joined, return_inverse=True)[1].ravel()
  _, first, inverse = np.unique(joined, return_index=True, return_inverse=True)
  order = np.argsort(inverse.ravel(), kind='stable')
  parts = np.split(order, np.cumsum(np.bincount(inverse.ravel()))[:-1])
  return [parts[i] for i in np.argsort(first)] if rows else []
