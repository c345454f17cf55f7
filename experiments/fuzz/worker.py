"""A process that damages files of a kind and reads them, and dies alone.

It is forked from one that has imported what readers need and has used none of
it, so that a new one takes the place of a dead one at once.
"""

import logging as py_logging
import multiprocessing
import os
import pathlib
import resource
import signal
import sys
import time
import traceback
from typing import Any

from absl import logging
import damage
import kinds
import numpy as np

from affect_jax import errors

# Seconds of the processor that a file may take, or of the clock.
BUSY, WAITING = 30, 300
# What reading small files may reserve beyond what the process has, in bytes.
MEMORY = 4 << 30
CALLED = 'called_from_a_pickle'
# Nothing that reads data does any of this.
FORBIDDEN = ('os.system', 'os.exec', 'os.posix_spawn', 'subprocess.Popen')
_FORK = multiprocessing.get_context('fork')


class Worker:
  """Asks a process about files of a kind; starts another if it dies."""

  def __init__(self, kind: str, root: pathlib.Path):
    self._kind, self._root = kind, root
    self._starts = 0
    self._process: Any = None
    self._pipe: Any = None

  def ask(self, seed: int) -> dict[str, Any]:
    """Returns the outcome 'right', 'named' or 'failure', and what was said."""
    if self._process is None:
      self._start()
    process: Any = self._process
    failure = {'outcome': 'failure', 'what': ''}
    begin, busy = time.monotonic(), _busy(process.pid)
    self._pipe.send(seed)
    while not self._pipe.poll(1):
      spent = _busy(process.pid) - busy
      if spent > BUSY or time.monotonic() - begin > WAITING:
        self.stop()
        return {**failure, 'said': f'hangs ({spent:.0f} s of processor time)'}
    try:
      return self._pipe.recv()
    except EOFError:
      process.join()
      self._process, code = None, process.exitcode
      name = signal.Signals(-code).name if code < 0 else f'exit code {code}'
      return {**failure, 'said': f'the process died: {name}'}

  def _start(self) -> None:
    self._starts += 1
    folder = self._root / f'{self._starts}'
    folder.mkdir()
    self._pipe, there = _FORK.Pipe()
    arguments = (self._kind, folder, there)
    self._process = _FORK.Process(target=_serve, args=arguments, daemon=True)
    self._process.start()
    there.close()
    if (said := self._pipe.recv()) != 'ready':
      raise RuntimeError(f'{self._kind}, before any damage: {said}')

  def stop(self) -> None:
    """Ends the process."""
    if self._process is not None:
      self._process.kill()
      self._process.join()
    self._process = None


def _busy(process: int) -> float:
  """Returns the seconds of the processor that a process took; 0 if it died."""
  try:
    text = pathlib.Path(f'/proc/{process}/stat').read_text()
  except OSError:
    return 0.0
  user, system = text.rpartition(')')[2].split()[11:13]
  return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')


class _Warnings(py_logging.Handler):
  """Counts warnings."""

  count = 0

  def emit(self, record: py_logging.LogRecord) -> None:
    """Counts one."""
    self.count += record.levelno >= py_logging.WARNING


class Folder:
  """A kind's whole files, of which one is damaged at a time."""

  def __init__(self, name: str, path: pathlib.Path):
    self.kind, self.path = kinds.KINDS[name], path
    self.path.mkdir()
    self.kind.make(self.path)
    files = sorted(p for p in self.path.rglob('*') if p.is_file())
    self._whole = {p: p.read_bytes() for p in files}
    self._files = [p for p in files if self.kind.is_damaged(p, path)]
    assert self._files, f'no file of {name} is to be damaged'
    self.samples = self.kind.read(self.path)
    self.restore()

  def damaged(self, seed: int) -> tuple[pathlib.Path, str]:
    """Damages one file; returns which, and what was done."""
    rng = np.random.default_rng([seed, len(self._files)])
    file = self._files[rng.integers(len(self._files))]
    data, how = damage.damage(rng, self._whole[file])
    file.write_bytes(data)
    return file, how

  def restore(self) -> None:
    """Makes all files whole, and removes others."""
    for path in self.path.rglob('*'):
      if path.is_file() and path not in self._whole:
        path.unlink()
    for path, data in self._whole.items():
      if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def judge(folder: Folder, seed: int) -> dict[str, Any]:
  """Damages, reads, and says what became of it."""
  warnings = _Warnings()
  logger = logging.get_absl_logger()
  logger.addHandler(warnings)
  file, how = folder.damaged(seed)
  name = str(file.relative_to(folder.path))
  _forbidden.clear()
  outcome, said = 'right', ''
  try:
    samples = folder.kind.read(folder.path)
    if folder.kind.counted and samples < folder.samples and not warnings.count:
      said = f'{samples} of {folder.samples} samples, silently'
      outcome = 'failure'
  except (errors.UserError, FileNotFoundError) as error:
    said, outcome = str(error), 'named'
    names = [file.name, *([str(folder.path)] if folder.kind.by_folder else [])]
    if not any(x in said for x in names):
      how += f', {said[:300]}'
      said = f'{type(error).__name__} names no file'
      outcome = 'failure'
  except BaseException as error:
    frames = traceback.extract_tb(error.__traceback__)
    place = [f for f in frames if 'affect_jax' in f.filename or f is frames[-1]]
    where = f'{pathlib.Path(place[-1].filename).name}:{place[-1].lineno}'
    said = f'{where} {type(error).__name__}'
    how += f', {str(error)[:200]}'
    outcome = 'failure'
  if _forbidden or pathlib.Path(CALLED).exists():
    outcome, said = 'failure', f'code from data: {_forbidden}'
  logger.removeHandler(warnings)
  folder.restore()
  return {'outcome': outcome, 'said': said, 'what': f'{name} {how}'}


_forbidden: list[str] = []


def _watch(event: str, unused_args: Any) -> None:
  if event in FORBIDDEN:
    _forbidden.append(event)


def _serve(name: str, root: pathlib.Path, pipe: Any) -> None:
  """Answers each seed that comes through the pipe."""
  null = os.open(os.devnull, os.O_WRONLY)
  os.dup2(null, 1)  # Libraries print what they think of damage.
  os.dup2(null, 2)
  os.chdir(root)
  try:
    folder = Folder(name, root / name)
  except BaseException:
    pipe.send(traceback.format_exc())
    return
  sys.addaudithook(_watch)
  pages = int(pathlib.Path('/proc/self/statm').read_text().split()[0])
  limit = pages * resource.getpagesize() + MEMORY
  resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
  pipe.send('ready')
  while True:
    pipe.send(judge(folder, pipe.recv()))
