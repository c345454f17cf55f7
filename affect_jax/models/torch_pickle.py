"""Reads tensors of torch.save without PyTorch and without running code.

A pickle is a program: it may call any Python function by name. The reader here
knows only the names that tensors need, and a few that often stand beside them.
It replaces them by functions of its own, and refuses every other name.
"""

import collections
from collections.abc import Callable
import math
import pathlib
import pickle
from typing import Any
import zipfile

import ml_dtypes
import numpy as np

from affect_jax.errors import UserError

DTYPES = {
  'DoubleStorage': np.dtype(np.float64),
  'FloatStorage': np.dtype(np.float32),
  'HalfStorage': np.dtype(np.float16),
  'BFloat16Storage': np.dtype(ml_dtypes.bfloat16),
  'LongStorage': np.dtype(np.int64),
  'IntStorage': np.dtype(np.int32),
  'ShortStorage': np.dtype(np.int16),
  'CharStorage': np.dtype(np.int8),
  'ByteStorage': np.dtype(np.uint8),
  'BoolStorage': np.dtype(np.bool_),
}


def load(path: str | pathlib.Path) -> Any:
  """Returns what torch.save(obj, path) saved, with numpy arrays for tensors.

  Reads tensors and parameters of any stride, offset and shared storage, in
  dicts, lists and tuples, beside numbers and strings. bfloat16 becomes
  `ml_dtypes.bfloat16`. Settings and scores that training scripts save beside
  them are dropped.

  Args:
    path: A file in the zip format (torch >= 1.6).

  Raises:
    FileNotFoundError: The file does not exist.
    UserError: The file is damaged, truncated or of the older format, or its
      pickle asks for a name beyond tensors (a whole module was saved, or the
      file is malicious); the message names the file.
  """
  path = pathlib.Path(path)
  with path.open('rb') as f:
    start = f.read(4)
  if not start.startswith(b'PK'):
    raise UserError(
      f'{path}: not in the zip format of torch.save (torch >= 1.6). If the '
      'file is older and you trust it, convert it where PyTorch is installed: '
      'torch.save(torch.load(old, weights_only=True), new).'
    )
  try:
    with zipfile.ZipFile(path) as archive:
      return _load(path, archive)
  except _Refusal:
    raise
  except Exception as e:  # A damaged pickle may raise nearly anything.
    raise UserError(
      f'{path}: damaged or truncated ({type(e).__name__}: {e}).'
    ) from e


# What training scripts save beside the weights: settings, and scores as scalars
# of numpy. None of it is read.
_BESIDE = {
  ('argparse', 'Namespace'),
  ('lightning.fabric.utilities.data', 'AttributeDict'),
  ('lightning_fabric.utilities.data', 'AttributeDict'),
  ('pytorch_lightning.utilities.parsing', 'AttributeDict'),
  ('numpy', 'dtype'),
  ('numpy.core.multiarray', 'scalar'),
  ('numpy._core.multiarray', 'scalar'),
  ('_codecs', 'encode'),
}


class _Nothing:
  """Stands for an object that is not read; whatever it is given is dropped."""

  def __new__(cls, *unused: Any) -> '_Nothing':
    return super().__new__(cls)

  def __init__(self, *unused: Any):
    pass

  def __setstate__(self, state: Any) -> None:
    pass

  def __setitem__(self, key: Any, value: Any) -> None:
    pass


class _Refusal(UserError):
  """An error raised here; any other error means that the file is damaged."""


def _load(path: pathlib.Path, archive: zipfile.ZipFile) -> Any:
  pickles = [n for n in archive.namelist() if n.count('/') == 1]
  pickles = [n for n in pickles if n.endswith('/data.pkl')]
  if len(pickles) != 1:
    raise _Refusal(
      f'{path}: a zip file, but not from torch.save: it has no data.pkl.'
    )
  root = pickles[0].removesuffix('data.pkl')
  if f'{root}byteorder' in archive.namelist():
    order = archive.read(f'{root}byteorder')
    if order != b'little':
      raise _Refusal(
        f"{path}: byte order {order!r} is not supported, only b'little'."
      )
  storages: dict[str, np.ndarray] = {}

  def get_storage(key: str, dtype: np.dtype, size: int) -> np.ndarray:
    if key not in storages:
      data = archive.read(f'{root}data/{key}')
      if len(data) != size * dtype.itemsize:
        raise _Refusal(
          f'{path}: storage {key} has {len(data)} bytes, not {size} '
          f'{dtype.name}.'
        )
      storages[key] = np.frombuffer(data, dtype)
    storage = storages[key]
    if storage.dtype != dtype:
      raise _Refusal(
        f'{path}: storage {key} is used both as {storage.dtype} and as {dtype}.'
      )
    return storage

  with archive.open(pickles[0]) as f:
    return _Unpickler(f, path, get_storage).load()


class _Unpickler(pickle.Unpickler):
  """Loads ordered dicts and tensors; refuses names that are not known."""

  def __init__(
    self,
    file: Any,
    path: pathlib.Path,
    get_storage: Callable[[str, np.dtype, int], np.ndarray],
  ):
    super().__init__(file)
    self._path = path
    self._get_storage = get_storage

  def find_class(self, module: str, name: str) -> Any:
    if module == 'torch' and name in DTYPES:
      return name  # A string can neither be called nor altered.
    if (module, name) in _BESIDE:
      return _Nothing
    known = {
      ('collections', 'OrderedDict'): collections.OrderedDict,
      ('torch._utils', '_rebuild_tensor_v2'): self._rebuild_tensor,
      ('torch._utils', '_rebuild_parameter'): lambda data, *unused: data,
    }
    if (module, name) not in known:
      raise _Refusal(
        f'{self._path}: refused to load {module}.{name}. Only state dicts of '
        'tensors are read (torch.save(model.state_dict(), path)), never whole '
        'modules or other objects: those can run code.'
      )
    return known[module, name]

  def persistent_load(self, pid: Any) -> np.ndarray:
    kind, storage_type, key, _, size = pid
    if kind != 'storage' or storage_type not in DTYPES:
      raise _Refusal(f'{self._path}: unknown reference {pid!r}.')
    return self._get_storage(key, DTYPES[storage_type], size)

  def _rebuild_tensor(
    self,
    storage: np.ndarray,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *unused: Any,
  ) -> np.ndarray:
    # as_strided does not check bounds: nothing outside the storage may be read.
    numbers = (offset, *shape, *strides)
    if (
      not isinstance(storage, np.ndarray)
      or len(shape) != len(strides)
      or any(type(n) is not int or n < 0 for n in numbers)
    ):
      raise _Refusal(f'{self._path}: damaged tensor {shape}, {strides}.')
    if not math.prod(shape):
      return np.zeros(shape, storage.dtype)
    last = offset + sum(
      (n - 1) * stride for n, stride in zip(shape, strides, strict=True)
    )
    # A stride of 0 would let a few bytes stand for any amount of memory.
    if last >= storage.size or math.prod(shape) > storage.size:
      raise _Refusal(
        f'{self._path}: a tensor of shape {shape}, strides {strides}, offset '
        f'{offset} does not fit into its storage of {storage.size} elements.'
      )
    view = np.lib.stride_tricks.as_strided(
      storage[offset:],
      shape,
      [stride * storage.itemsize for stride in strides],
      writeable=False,
    )
    return view.copy()
