"""Reads the weights of TensorFlow.js: a manifest in JSON, and binary files."""

import itertools
import json
import math
import pathlib

import numpy as np

from affect_jax.errors import UserError

_TYPES = {'float32': np.float32, 'uint8': np.uint8, 'uint16': np.uint16}


def read(
  manifest: pathlib.Path,
) -> tuple[dict[str, np.ndarray], list[pathlib.Path]]:
  """Reads the weights that a manifest names, from the files beside it.

  Quantised weights q become q * scale + min.

  Returns:
    ({name: f32 array}, the files).

  Raises:
    FileNotFoundError: A file that the manifest names is not there.
    UserError: The manifest is none, or the files are too short or too long.
  """
  weights: dict[str, np.ndarray] = {}
  try:
    groups = [
      (
        [str(x) for x in group['paths']],
        [
          (
            str(w['name']),
            tuple(int(n) for n in w['shape']),
            w.get('quantization') or {'dtype': w['dtype']},
          )
          for w in group['weights']
        ],
      )
      for group in json.loads(manifest.read_text(encoding='utf-8'))
    ]
    parts = [
      (paths, [(n, s, _TYPES[q['dtype']], q) for n, s, q in entries])
      for paths, entries in groups
    ]
    for name, shape, _, q in itertools.chain(*(e for _, e in parts)):
      if any(n < 0 for n in shape):
        raise ValueError(f'{name} has the shape {shape}')
      if 'scale' in q:
        q |= {key: float(q[key]) for key in ('scale', 'min')}
  except (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
  ) as e:
    raise UserError(
      f'{manifest} is no manifest of TensorFlow.js, or is damaged ({e!r}).'
    ) from e
  every = []
  for paths, entries in parts:
    files = [manifest.parent / path for path in paths]
    for file in files:
      if not file.is_file():
        raise FileNotFoundError(f'{file}: no such file; {manifest} names it.')
    every += files
    data = b''.join(file.read_bytes() for file in files)
    sizes = [math.prod(s) * np.dtype(t).itemsize for _, s, t, _ in entries]
    if len(data) != sum(sizes):
      raise UserError(
        f'{", ".join(map(str, files))} has {len(data):,} bytes, and {manifest} '
        f'tells of {sum(sizes):,}: one is truncated, or is of another model.'
      )
    start = 0
    for (name, shape, kind, q), size in zip(entries, sizes, strict=True):
      array = np.frombuffer(data[start : start + size], kind).reshape(shape)
      if 'scale' in q:
        array = array.astype(np.float64) * q['scale'] + q['min']
      weights[name] = array.astype(np.float32)
      start += size
  return weights, every
