r"""Kills a run again and again, and compares what it leaves in the end.

  python experiments/long_runs/kill.py --workdir=runs/killed --kills=20

runs the same command twice, each from its own empty folder: once undisturbed,
and once killed (SIGKILL) at moments that are waited for, such as while a
checkpoint is written, and started again each time. Exits with 1 if a file of
results, predictions or metrics then differs by a byte, or if it was not killed
as planned.
"""

import argparse
import collections
from collections.abc import Callable, Iterable, Iterator, Mapping
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time
from typing import Any

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# A small corpus, twenty validations and checkpoints.
SETTINGS = {
  'data.num_train': 1000,
  'data.num_val': 100,
  'data.num_test': 200,
  'data.image_size': 32,
  'image_size': 32,
  'num_train_steps': 120,
  'eval_every': 6,
  'log_every': 2,
  'progress_secs': 0.5,
  'schedule.warmup_steps': 6,
}
# {moment: its share of the kills}; the order is that of a run.
SHARES = {
  'start': 0.1,
  'preparing': 0.2,
  'training': 0.25,
  'saving': 0.3,
  'testing': 0.15,
}


def main() -> int:
  """Prints what was found, writes results.json; returns the exit code."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter
  )
  parser.add_argument('--workdir', required=True, help='a new folder')
  parser.add_argument('--kills', type=int, default=20)
  parser.add_argument('--seed', type=int, default=0, help='of the moments')
  options = parser.parse_args()
  root = pathlib.Path(options.workdir).expanduser().resolve()
  if root.exists():
    raise SystemExit(f'{root} exists; give another name.')
  whole, killed = root / 'whole', root / 'killed'
  for folder in (whole, killed):
    folder.mkdir(parents=True)
  print('once, undisturbed', flush=True)
  if start(whole, SETTINGS, whole / 'log.txt').wait():
    raise SystemExit(f'{whole}/log.txt: the run failed.')
  planned = list(plan(options.kills, random.Random(options.seed)))
  counts = kill_and_go_on(killed, planned, random.Random(options.seed))
  equal = {
    str(name): same(whole / 'run' / name, killed / 'run' / name)
    for name in compared(whole)
  }
  found = {
    'seed': options.seed,
    'kills': counts,
    'resumed_from_steps': resumed_from(killed),
    'equal': equal,
  }
  print(json.dumps(found, indent=2))
  (root / 'results.json').write_text(json.dumps(found, indent=2) + '\n')
  as_planned = counts == dict(collections.Counter(planned))
  return int(not (equal and all(equal.values()) and as_planned))


def start(
  folder: pathlib.Path, settings: Mapping[str, Any], log_file: pathlib.Path
) -> subprocess.Popen:
  """Starts the run of a folder, or goes on with it."""
  with log_file.open('a') as log:
    return subprocess.Popen(
      [
        *(sys.executable, '-m', 'affect_jax.main'),
        f'--config={REPOSITORY}/configs/quickstart.py',
        f'--workdir={folder}/run',
        f'--config.data.data_dir={folder}/data',
        *(f'--config.{name}={value}' for name, value in settings.items()),
      ],
      stdout=log,
      stderr=log,
      cwd=folder,
      env=environment(),
      start_new_session=True,
    )


def environment() -> dict[str, str]:
  """Returns what processes see: this checkout, whatever is installed."""
  return {**os.environ, 'PYTHONPATH': str(REPOSITORY)}


def kill(process: subprocess.Popen) -> None:
  """Kills a process and its children."""
  os.killpg(process.pid, signal.SIGKILL)


def kill_and_go_on(
  folder: pathlib.Path, planned: list[str], rng: random.Random
) -> dict[str, int]:
  """Returns how often the run was killed at each moment until it finished."""
  counts: collections.Counter = collections.Counter()
  moments = iter(planned)
  while True:
    process = start(folder, SETTINGS, folder / 'log.txt')
    moment = next(moments, '')
    if moment and wait_for(moment, folder, process, rng):
      kill(process)
      counts[moment] += 1
      print(f'kill {sum(counts.values())}: {moment}', flush=True)
    if process.wait() == 0:
      return dict(counts)
    if process.returncode != -signal.SIGKILL:
      raise SystemExit(f'{folder}/log.txt: exit code {process.returncode}.')


def plan(kills: int, rng: random.Random) -> Iterator[str]:
  """Yields moments in the order of a run; those of training are mixed."""
  number = {k: round(kills * share) for k, share in SHARES.items()}
  middle = [k for k in ('training', 'saving') for _ in range(number[k])]
  rng.shuffle(middle)
  for name in ('start', 'preparing'):
    yield from [name] * number[name]
  yield from middle
  yield from ['testing'] * number['testing']


def wait_for(
  moment: str,
  folder: pathlib.Path,
  process: subprocess.Popen,
  rng: random.Random,
) -> bool:
  """Waits for a moment of this process; False if it ended before."""
  # Some go on for a while, so that the next start resumes in the middle.
  times = {'training': rng.randint(1, 10), 'saving': rng.randint(1, 2)}
  log_before = len(log_of(folder))
  # What a killed process left lies there until the next one removes it.
  left = {x for moment in PARTIAL for x in HAPPENS[moment](folder, '')}
  seen: set = set()
  while process.poll() is None:
    log = log_of(folder)[log_before:]
    seen |= set(HAPPENS[moment](folder, log)) - left
    if len(seen) >= times.get(moment, 1):
      if moment in ('start', 'training'):  # The others last for moments.
        time.sleep(rng.uniform(0, 0.5))
      return process.poll() is None
    time.sleep(0.002)
  return False


def log_of(folder: pathlib.Path) -> str:
  return (folder / 'log.txt').read_text(errors='replace')


# {moment: what is being written then}.
PARTIAL = {
  'preparing': 'data/*/*/incomplete*',
  'saving': 'run/checkpoints/*tmp*',
  'testing': 'run/predictions/.partial*',
}


def _writes(moment: str) -> Callable[[pathlib.Path, str], Iterator]:
  def writes(folder: pathlib.Path, _: str) -> Iterator:
    for path in folder.glob(PARTIAL[moment]):
      try:
        yield str(path), path.stat().st_ino
      except FileNotFoundError:  # It is whole now.
        continue

  return writes


# {moment: (folder, log of this process) -> what shows that it has come}.
HAPPENS: dict[str, Callable[[pathlib.Path, str], Iterable]] = {
  'start': lambda _, log: [1] if log else [],
  # A line says a step and its losses.
  'training': lambda _, log: re.findall(r'step (\d+)/\d+', log),
  **{moment: _writes(moment) for moment in PARTIAL},
}


def resumed_from(folder: pathlib.Path) -> list[int]:
  """Returns the steps from which the log says that a start went on."""
  return [
    int(x) for x in re.findall(r'Resuming from step (\d+)', log_of(folder))
  ]


def compared(folder: pathlib.Path) -> list[pathlib.Path]:
  """Returns the files of a finished run that are compared, below its folder."""
  return sorted(
    path.relative_to(folder / 'run')
    for pattern in ('results.json', 'predictions/*.csv', 'metrics.jsonl')
    for path in (folder / 'run').glob(pattern)
  )


def same(a: pathlib.Path, b: pathlib.Path) -> bool:
  return b.exists() and a.read_bytes() == b.read_bytes()


if __name__ == '__main__':
  sys.exit(main())
