r"""Kills a run again and again, and compares what it leaves in the end.

  python experiments/long_runs/kill.py --workdir=runs/killed --kills=20

runs the same command twice, each from its own empty folder: once undisturbed,
and once killed (SIGKILL) at moments that are waited for, such as while a
checkpoint is written, and started again each time. Exits with 1 if a file of
results or predictions then differs by a byte.
"""

import argparse
import collections
from collections.abc import Callable, Iterator
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# A small corpus, five validations and checkpoints.
SETTINGS = {
  'data.num_train': 400,
  'data.num_val': 100,
  'data.num_test': 200,
  'data.image_size': 32,
  'image_size': 32,
  'num_train_steps': 40,
  'eval_every': 8,
  'log_every': 4,
  'schedule.warmup_steps': 4,
}
# {moment: its share of the kills}; the order is that of a run.
SHARES = {
  'start': 0.15,
  'preparing': 0.2,
  'training': 0.2,
  'saving': 0.3,
  'testing': 0.15,
}


def main() -> int:
  """Prints a table and writes results.json; returns the exit code."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter
  )
  parser.add_argument('--workdir', required=True, help='a folder of its own')
  parser.add_argument('--kills', type=int, default=20)
  parser.add_argument('--seed', type=int, default=0, help='of the moments')
  options = parser.parse_args()
  root = pathlib.Path(options.workdir).expanduser()
  shutil.rmtree(root, ignore_errors=True)
  whole, killed = root / 'whole', root / 'killed'
  for folder in (whole, killed):
    folder.mkdir(parents=True)
  print('once, undisturbed', flush=True)
  if start(whole).wait():
    raise SystemExit(f'{whole}/log.txt: the run failed.')
  counts = kill_and_go_on(killed, options.kills, random.Random(options.seed))
  files = sorted(
    path.relative_to(whole / 'run')
    for pattern in ('results.json', 'predictions/*.csv', 'metrics.jsonl')
    for path in (whole / 'run').glob(pattern)
  )
  equal = {
    str(name): same(whole / 'run' / name, killed / 'run' / name)
    for name in files
  }
  found = {'seed': options.seed, 'kills': counts, 'equal': equal}
  print(json.dumps(found, indent=2))
  (root / 'results.json').write_text(json.dumps(found, indent=2) + '\n')
  return int(not all(equal.values()))


def start(folder: pathlib.Path) -> subprocess.Popen:
  """Starts the run of a folder, or goes on with it."""
  with (folder / 'log.txt').open('a') as log:
    return subprocess.Popen(
      [
        *(sys.executable, '-m', 'affect_jax.main'),
        f'--config={REPOSITORY}/configs/quickstart.py',
        f'--workdir={folder}/run',
        f'--config.data.data_dir={folder}/data',
        *(f'--config.{name}={value}' for name, value in SETTINGS.items()),
      ],
      stdout=log,
      stderr=log,
      cwd=folder,
      env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
      start_new_session=True,
    )


def kill_and_go_on(
  folder: pathlib.Path, kills: int, rng: random.Random
) -> dict[str, int]:
  """Returns how often the run was killed at each moment until it finished."""
  moments = plan(kills, rng)
  counts: collections.Counter = collections.Counter()
  while True:
    process = start(folder)
    moment = next(moments, '')
    if wait_for(HAPPENS[moment], folder, process) if moment else False:
      time.sleep(rng.uniform(0, 0.3))
      if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        counts[moment] += 1
        print(f'kill {sum(counts.values())}: {moment}', flush=True)
    if process.wait() == 0:
      return dict(counts)
    if process.returncode != -signal.SIGKILL:
      raise SystemExit(f'{folder}/log.txt: exit code {process.returncode}.')


def plan(kills: int, rng: random.Random) -> Iterator[str]:
  """Yields moments in the order of a run; those of training are mixed."""
  early, late = ('start', 'preparing'), ('testing',)
  number = {k: round(kills * share) for k, share in SHARES.items()}
  middle = [
    k for k, n in number.items() if k not in (*early, *late) for _ in range(n)
  ]
  rng.shuffle(middle)
  for names in (early, late):
    for name in names:
      if names is late:
        yield from middle
      yield from [name] * number[name]


def wait_for(
  happens: Callable[[pathlib.Path, int], bool],
  folder: pathlib.Path,
  process: subprocess.Popen,
) -> bool:
  """Waits until something happens; False if the run ended before."""
  before = len(log_of(folder))
  while process.poll() is None:
    if happens(folder, before):
      return True
    time.sleep(0.01)
  return False


def log_of(folder: pathlib.Path) -> str:
  return (folder / 'log.txt').read_text(errors='replace')


def _trains(folder: pathlib.Path, before: int) -> bool:
  # A line of the log for each `log_every` steps.
  return 'step ' in log_of(folder)[before:]


# {moment: (folder, length of its log at the start) -> whether it is now}.
HAPPENS: dict[str, Callable[[pathlib.Path, int], bool]] = {
  'start': lambda folder, before: len(log_of(folder)) > before,
  'preparing': lambda folder, _: any(folder.glob('data/**/*incomplete*')),
  'training': _trains,
  'saving': lambda folder, _: any(folder.glob('run/checkpoints/*tmp*')),
  'testing': lambda folder, _: any(folder.glob('run/predictions/.partial*')),
}


def same(a: pathlib.Path, b: pathlib.Path) -> bool:
  return b.exists() and a.read_bytes() == b.read_bytes()


if __name__ == '__main__':
  sys.exit(main())
