r"""Measures this package's speed against PyTorch's, in turn on one machine.

  python experiments/benchmarks/against_pytorch/run.py --pytorch=PYTHON \
      --out=against_pytorch.json

PYTHON is the interpreter of an environment with torch and torchvision
(`--compiled` also measures torch.compile, which needs a C++ compiler). Every
arm has a process of its own, and waits while another one works. Both sides do
the same: ResNet-18 with three heads, or a fusion of text, audio and vision with
one, batch in memory, AdamW; PyTorch's convolutions are channels_last, and its
sequences have no masks, which ours always have. With --balanced (PYTHON needs
torchjd too, with its extras) tasks are balanced by their gradients, on the
other side by TorchJD.
Prints speed as ours ÷ PyTorch's, the median of rounds with the least and the
most.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

from affect_jax.run import environment
from affect_jax.run import folder as run_folder

# What to measure: {name: what both sides' `make` read}.
FACES = {
  f'{kind}, {stem} stem, {pixels} px, batch {batch}': {
    'kind': kind,
    'stem': stem,
    'pixels': pixels,
    'batch': batch,
    'balancing': 'fixed',
  }
  for kind, stem, pixels, batch in (
    ('update', 'small', 48, 64),
    ('update', 'imagenet', 48, 64),
    ('update', 'imagenet', 112, 32),
    ('update', 'imagenet', 224, 16),
    ('inference', 'small', 48, 64),
    ('inference', 'imagenet', 112, 32),
  )
}
SEQUENCES = {
  f'update, {fusion}, 50 steps, batch 32': {
    'kind': 'update',
    'fusion': fusion,
    'steps': 50,
    'batch': 32,
  }
  for fusion in ('ef_lstm', 'lf_lstm', 'lf_transformer')
}
WORKS = FACES | SEQUENCES
_DEFAULT = 'update, imagenet stem, 48 px, batch 64'
BALANCED = {
  f'{_DEFAULT}, {method}': FACES[_DEFAULT] | {'balancing': method}
  for method in (
    *('fixed', 'pcgrad', 'gradvac', 'graddrop', 'cagrad', 'imtl_g', 'mgda'),
    *('nash_mtl', 'fairgrad', 'aligned_mtl', 'config', 'upgrad'),
  )
}


class Side:
  """A process that does one work when it is told to."""

  def __init__(self, python: str, script: str, work: dict) -> None:
    path = pathlib.Path(__file__).with_name(script)
    self._process = subprocess.Popen(
      [python, str(path), json.dumps(work)],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      text=True,
    )
    self.first_seconds = float(self._answer())

  def __enter__(self):
    return self

  def __exit__(self, *unused) -> None:
    assert self._process.stdin
    self._process.stdin.close()
    self._process.wait()

  def times(self, number: int) -> dict:
    """Does the work some times; returns the seconds of each and the memory."""
    assert self._process.stdin
    print(number, file=self._process.stdin, flush=True)
    return json.loads(self._answer())

  def _answer(self) -> str:
    assert self._process.stdout
    if line := self._process.stdout.readline():
      return line
    sys.exit(f'{self._process.args} ended before it answered.')


def measure(work, pytorch, rounds, *, compiled):
  """Returns {arm: {'seconds': median of each round, ...}}."""
  with (
    Side(sys.executable, 'ours.py', work) as ours,
    Side(pytorch, 'theirs.py', work | {'compiled': compiled}) as theirs,
  ):
    arms = {'ours': ours, 'pytorch': theirs}
    found = {
      arm: {'first_seconds': side.first_seconds, 'seconds': []}
      for arm, side in arms.items()
    }
    for number in (1, *[3] * rounds):  # The first is not counted.
      for arm, side in arms.items():
        answer = side.times(number)
        if number > 1:
          found[arm]['seconds'].append(float(np.median(answer['seconds'])))
          found[arm]['peak_mb'] = answer['peak_mb']
  return found


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--pytorch', required=True, help='its interpreter')
  parser.add_argument('--compiled', action='store_true')
  parser.add_argument('--balanced', action='store_true', help='against TorchJD')
  parser.add_argument('--rounds', type=int, default=5)
  parser.add_argument('--only', default='', help='works whose name has this')
  parser.add_argument('--out', default='')
  arguments = parser.parse_args()
  if arguments.balanced and arguments.compiled:
    parser.error('TorchJD takes no compiled model: leave out --compiled.')
  rows = {}
  for name, work in (BALANCED if arguments.balanced else WORKS).items():
    if arguments.only not in name:
      continue
    for compiled in (False, True)[: 1 + arguments.compiled]:
      found = measure(
        work, arguments.pytorch, arguments.rounds, compiled=compiled
      )
      ours, theirs = (np.array(found[a]['seconds']) for a in found)
      ratio = theirs / ours
      against = 'torch.compile' if compiled else 'eager'
      rows[f'{name}, {against}'] = found
      print(
        f'{name}: {np.median(ours) * 1e3:.0f} against '
        f'{np.median(theirs) * 1e3:.0f} ms ({against}), speed × '
        f'{np.median(ratio):.2f} [{ratio.min():.2f}, {ratio.max():.2f}]; '
        f'first time {found["ours"]["first_seconds"]:.1f} against '
        f'{found["pytorch"]["first_seconds"]:.1f} s; peak memory '
        f'{found["ours"]["peak_mb"]:.0f} against '
        f'{found["pytorch"]["peak_mb"]:.0f} MB',
        flush=True,
      )
  if arguments.out:
    run_folder.write_json(
      arguments.out, {'rows': rows, 'environment': environment.describe({})}
    )


if __name__ == '__main__':
  main()
