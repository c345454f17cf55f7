"""Reads pickled numpy arrays without running code.

Feature files of the field are pickles, and a pickle is a program: it may call
any Python function by name. This reader knows only the few names that numpy's
arrays and Python's containers need, puts its own stand-ins in their place, and
refuses all others.

Memory: an array that Python 3 pickled with protocol 3 or newer is a view of
the bytes that were read: the file's size in memory, and no copy. Protocols 0
to 2, and all that Python 2 wrote, hold an array as text: while they are read
they need up to twice the size of the file.
"""

from collections.abc import Callable, Iterator
import contextlib
import pathlib
import pickle
import re
from typing import Any

import numpy as np

from affect_jax.errors import UserError

# Booleans, numbers, byte strings, strings and objects; no records, no dates.
_CODE = re.compile(r'(b1|\?|[iuf](1|2|4|8|16)|c(8|16|32)|[SU]\d{1,7}|O8?)')


def load(path: str | pathlib.Path, encoding: str = 'utf-8') -> Any:
  """Reads numpy arrays in Python's containers that pickle.dump(obj, f) wrote.

  It reads arrays and scalars of numbers, booleans, strings and objects (which
  must again be of these kinds) of numpy 1 and 2, in dicts, lists, tuples and
  sets, with numbers, strings, bytes and None. Large arrays may be read-only.

  Args:
    path: A file of any pickle protocol.
    encoding: Encoding of strings that Python 2 wrote: 'utf-8', where one that
      is something else is read as Latin-1; 'latin1'; or 'bytes', which leaves
      them as bytes.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: the file is damaged, truncated or not a pickle; or it asks for
      more than arrays and containers: it holds another library's objects, or
      is malicious.
  """
  path = pathlib.Path(path)
  with path.open('rb') as f:
    try:
      # Python 2 wrote protocols 0 to 2, and its strings hold text, or the bytes
      # of arrays. There Python 3's bytes come through `_encode` and `_bytes`.
      text = encoding == 'utf-8' and _protocol(f) <= 2
      loaded = _Unpickler(f, path, 'bytes' if text else encoding).load()
      return _plain(loaded, text)
    except _Refusal:
      raise
    except _Kind as e:
      raise UserError(
        f'{path}: {e} cannot be read, only arrays of numbers and strings.'
      ) from e
    except Exception as e:  # A damaged pickle may raise nearly anything.
      raise UserError(
        f'{path} is not a pickle, or is damaged or truncated '
        f'({type(e).__name__}: {e}). Compare its size and sha256 with the '
        'source, or download it again.'
      ) from e


@contextlib.contextmanager
def understood(path: str | pathlib.Path) -> Iterator[None]:
  """Names the file in whatever is raised by using what `load` returned.

  A damaged pickle may load, and hold anything in the place of an array.
  """
  try:
    yield
  except UserError:
    raise
  except (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
  ) as e:
    raise UserError(
      f'{path} holds something else than its corpus has, and may be damaged '
      f'({type(e).__name__}: {str(e)[:200]}). Compare its size and sha256 with '
      'the source, or download it again.'
    ) from e


def guarded(
  path: str | pathlib.Path, stream: Callable[..., Iterator[Any]], *args: Any
) -> Iterator[Any]:
  """Yields from stream(*args), which uses what a file holds: `understood`."""
  with understood(path):
    yield from stream(*args)


class _Refusal(UserError):
  """A refusal that names the file; other errors mean a damaged file."""


class _Dtype:
  """Stands in for numpy.dtype while a pickle is read.

  The real one accepts any flags that a pickle states, even those that would
  make it read bytes of the file as addresses of objects.
  """

  def __init__(self, code: Any, *unused: Any):
    code = code.decode('ascii') if isinstance(code, bytes) else code
    if not isinstance(code, str) or not _CODE.fullmatch(code):
      raise _Kind(f'arrays of the kind {code!r}')
    self.real = np.dtype(code)

  def __setstate__(self, state: Any) -> None:
    order = state[1]
    order = order.decode('ascii') if isinstance(order, bytes) else order
    if order in ('<', '>'):
      self.real = self.real.newbyteorder(order)


class _Kind(Exception):
  """Raised for a kind of array that cannot be read."""


class _Array(np.ndarray):
  """An array under construction, until `_plain` makes it an ordinary one."""

  def __setstate__(self, state: Any) -> None:
    version, shape, dtype, fortran, data = state
    super().__setstate__((version, shape, dtype.real, fortran, data))


class _Unpickler(pickle.Unpickler):
  """Knows arrays and containers, refuses every other name."""

  def __init__(self, file: Any, path: pathlib.Path, encoding: str):
    super().__init__(file, encoding=encoding)
    self._path = path

  def find_class(self, module: str, name: str) -> Any:
    module = _MODULES.get(module, module)
    if (module, name) not in _KNOWN:
      hint = ''
      if module.startswith('torch'):
        hint = (
          ' If you trust the file, convert its tensors where PyTorch is '
          'installed: tensor.numpy().'
        )
      elif module.startswith('pandas'):
        hint = (
          ' If you trust the file, convert it where pandas is installed: '
          'frame.to_numpy().'
        )
      raise _Refusal(
        f'{self._path}: refused to load {module}.{name}. Only numpy arrays in '
        f"Python's containers are read: other objects can run code.{hint}"
      )
    return _KNOWN[module, name]


def _reconstruct(*unused: Any) -> np.ndarray:
  """Makes the empty array that each array starts as, before its state."""
  return np.ndarray.__new__(_Array, (0,), np.int8)


def _from_buffer(
  data: Any, dtype: _Dtype, shape: Any, order: str, axes: Any = None
) -> np.ndarray:
  """Makes an array of protocol 5."""
  array = np.frombuffer(data, dtype.real)
  if order == 'K' and axes is not None:
    return array.reshape(shape, order='C').transpose(axes)
  return array.reshape(shape, order=order)  # type: ignore[arg-type]


def _scalar(dtype: _Dtype, data: Any = b'') -> Any:
  """Makes one number or string of numpy's type."""
  if dtype.real.hasobject:
    raise UserError('a scalar object')
  if not dtype.real.itemsize:
    return dtype.real.type()
  data = data.encode('latin1') if isinstance(data, str) else data
  return np.frombuffer(data, dtype.real, count=1)[0]


def _protocol(file: Any) -> int:
  """Returns the protocol of a pickle, 0 also for 1; goes back to its start."""
  head = file.read(2)
  file.seek(0)
  return head[1] if len(head) == 2 and head[:1] == pickle.PROTO else 0


class _Bytes(bytes):
  """What Python 3 wrote as bytes into a pickle of protocol 0 to 2."""


def _text(value: bytes) -> str:
  try:
    return value.decode('utf-8')
  except UnicodeDecodeError:
    return value.decode('latin1')


def _encode(text: str, encoding: str) -> bytes:
  """Encodes bytes as protocols 0 to 2 of Python 3 do; refuses other codecs."""
  if encoding not in ('latin1', 'latin-1'):
    raise UserError(f'the codec {encoding!r}')
  return _Bytes(text.encode('latin1'))


def _bytes(data: Any = b'', *unused: Any) -> bytes:
  """Makes bytes of protocols 0 to 2; the real bytes(n) would reserve n."""
  if isinstance(data, str):
    return _Bytes(data.encode('latin1'))
  if not isinstance(data, bytes | bytearray | list):
    raise UserError(f'bytes({data!r})')
  return _Bytes(data)


def _bytearray(*args: Any) -> bytearray:
  return bytearray(_bytes(*args))


_MODULES = {
  '__builtin__': 'builtins',  # Python 2.
  'numpy._core.multiarray': 'numpy.core.multiarray',  # numpy 2.
  'numpy._core.numeric': 'numpy.core.numeric',
}
_KNOWN: dict[tuple[str, str], Any] = {
  ('numpy', 'dtype'): _Dtype,
  # A string can neither be called nor altered.
  ('numpy', 'ndarray'): 'ndarray',
  ('numpy.core.multiarray', '_reconstruct'): _reconstruct,
  ('numpy.core.multiarray', 'scalar'): _scalar,
  ('numpy.core.numeric', '_frombuffer'): _from_buffer,
  ('_codecs', 'encode'): _encode,
  ('builtins', 'bytearray'): _bytearray,
  ('builtins', 'bytes'): _bytes,
  ('builtins', 'complex'): complex,
  ('builtins', 'dict'): dict,
  ('builtins', 'frozenset'): frozenset,
  ('builtins', 'list'): list,
  ('builtins', 'set'): set,
  ('builtins', 'tuple'): tuple,
  ('collections', 'OrderedDict'): dict,
}


def _plain(value: Any, text: bool) -> Any:
  """Makes all arrays ordinary ones; changes containers in place.

  Args:
    value: What was read.
    text: Whether bytes are strings of Python 2, which become str.
  """
  if isinstance(value, dict):
    items = [(_plain(k, text), _plain(v, text)) for k, v in value.items()]
    value.clear()
    value.update(items)
  elif isinstance(value, list):
    value[:] = [_plain(v, text) for v in value]
  elif isinstance(value, set):
    items = [_plain(v, text) for v in value]
    value.clear()
    value.update(items)
  elif isinstance(value, tuple | frozenset):
    return type(value)(_plain(v, text) for v in value)
  elif isinstance(value, np.ndarray):
    value = value.view(np.ndarray)
    if value.dtype.hasobject:
      for place, item in np.ndenumerate(value):
        value[place] = _plain(item, text)
  elif isinstance(value, _Bytes):
    return bytes(value)
  elif text and type(value) is bytes:
    return _text(value)
  return value
