r"""Trains, evaluates and predicts for an hour while things go wrong.

  python experiments/long_runs/soak.py --workdir=runs/soak --small_disk=DISK

starts three processes: a run that nothing happens to; the same run, whose disk
is filled, whose data vanish and come back, which is stopped and killed, in
turn, and started again where it ended; and one that evaluates the first run
and predicts pictures with it, again and again, while it trains. Memory and open
files of all are noted every few seconds.

DISK is a folder on a small filesystem of its own, such as

  mount -t tmpfs -o size=1g tmpfs DISK

Without it no disk is filled. Linux only. Writes results.json, samples.csv and
figure.png; exits with 1 if the two runs' results differ by a byte, an error is
no line that says what is wrong, or memory or open files grow.
"""

import argparse
import contextlib
import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import kill
import soak_watch

# Every so many seconds memory and open files are noted.
INTERVAL = 5
# Seconds for which a disk stays full, or data away.
LASTS = 45


def main() -> int:
  """Prints what was found; returns the exit code."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter
  )
  parser.add_argument('--workdir', required=True, help='a new folder')
  parser.add_argument('--small_disk', help='a folder on a small filesystem')
  parser.add_argument(
    '--steps', type=int, default=6000, help='an hour on two CPU cores'
  )
  parser.add_argument('--rounds', type=int, default=3, help='of all troubles')
  options = parser.parse_args()
  root = pathlib.Path(options.workdir).expanduser().resolve()
  if root.exists():
    raise SystemExit(f'{root} exists; give another name.')
  root.mkdir(parents=True)
  troubled = root / 'troubled'
  if options.small_disk:
    disk = pathlib.Path(options.small_disk).expanduser().resolve()
    troubled = disk / root.name
    if troubled.exists():
      raise SystemExit(f'{troubled} exists; remove it.')
  soak = Soak(root, troubled, options.steps, bool(options.small_disk))
  found = soak.run(options.rounds)
  print(json.dumps(found, indent=2))
  (root / 'results.json').write_text(json.dumps(found, indent=2) + '\n')
  return int(not found['passed'])


class Soak:
  """The processes, and what is noted of them."""

  def __init__(
    self, root: pathlib.Path, troubled: pathlib.Path, steps: int, disk: bool
  ):
    """Makes the folders; starts nothing."""
    self.root, self.troubled, self.has_disk = root, troubled, disk
    self.steps = steps
    self.settings = {
      **kill.SETTINGS,
      'num_train_steps': steps,
      'eval_every': max(1, steps // 100),
      'log_every': max(1, steps // 100),
      'progress_secs': 2,
    }
    self.rows: list[dict] = []
    self.events: list[dict] = []
    for folder in (root / 'quiet', troubled):
      folder.mkdir(parents=True)

  def run(self, rounds: int) -> dict:
    """Runs all to their end; returns what results.json holds."""
    begun = time.monotonic()
    quiet = self.start('quiet')
    user = subprocess.Popen(
      [sys.executable, str(pathlib.Path(__file__).with_name('soak_use.py'))]
      + [str(self.root / 'quiet'), str(self.root / 'used.json')],
      stdout=subprocess.DEVNULL,
      stderr=(self.root / 'used.txt').open('w'),
      env=kill.environment(),
    )
    watching = threading.Event()
    pids = {'quiet': quiet.pid, 'user': user.pid}
    watcher = threading.Thread(
      target=soak_watch.watch, args=(pids, self.rows, INTERVAL, watching)
    )
    watcher.start()
    try:
      self.trouble(rounds, pids)
      if quiet.wait():
        raise SystemExit(f'{self.root}/quiet.txt: the quiet run failed.')
      (self.root / 'quiet' / 'done').touch()  # The user ends after its round.
      user.wait(600)
    finally:
      watching.set()
      watcher.join()
      for pid in pids.values():  # The troubled run has had several.
        with contextlib.suppress(ProcessLookupError):
          os.kill(pid, signal.SIGKILL)
    self.write_samples()
    used = json.loads((self.root / 'used.json').read_text())
    equal = {
      str(name): kill.same(
        self.root / 'quiet' / 'run' / name, self.troubled / 'run' / name
      )
      for name in kill.compared(self.root / 'quiet')
    }
    growth = soak_watch.growth(self.rows, ('quiet', 'user'))
    passed = (
      all(equal.values())
      and all(e['clear'] for e in self.events)
      and not any(g['grows'] for g in growth.values())
      and not used['tracebacks']
    )
    return {
      'minutes': round((time.monotonic() - begun) / 60, 1),
      'steps': self.steps,
      'troubles': self.events,
      'equal': equal,
      'growth': growth,
      'use': used,
      'checkpoints_left': soak_watch.checkpoints(self.root / 'quiet' / 'run'),
      'passed': passed and bool(equal),
    }

  def start(self, name: str) -> subprocess.Popen:
    """Starts a run, or goes on with it; its log is not on the small disk."""
    folder = self.troubled if name == 'troubled' else self.root / name
    return kill.start(folder, self.settings, self.root / f'{name}.txt')

  def log(self) -> str:
    """Returns what the second run has printed so far."""
    path = self.root / 'troubled.txt'
    return path.read_text(errors='replace') if path.exists() else ''

  def trouble(self, rounds: int, pids: dict[str, int]) -> None:
    """Runs the second run to its end, with all troubles in turn."""
    kinds = [k for k in TROUBLES if k != 'disk' or self.has_disk] * rounds
    process = self.start('troubled')
    for number, kind in enumerate(kinds, 1):
      pids['troubled'] = process.pid
      at = self.steps * number // (len(kinds) + 1)
      self.wait_for_step(at, process)
      before = len(self.log())
      TROUBLES[kind](self.troubled, process)
      code = process.poll()
      last = self.log()[before:].strip().split('\n')[-1]
      asked = code in (None, 128 + signal.SIGTERM, -signal.SIGKILL)
      self.events.append(
        {
          'kind': kind,
          'at_step': at,
          'exit_code': code,  # None: it went on.
          'last_line': '' if code is None else last,
          'clear': asked or last.startswith(('Error: ', 'OSError: ')),
        }
      )
      print(self.events[-1], flush=True)
      if code is not None:
        process = self.start('troubled')
    pids['troubled'] = process.pid
    if process.wait():
      raise SystemExit(f'{self.root}/troubled.txt: ended without trouble.')

  def wait_for_step(self, step: int, process: subprocess.Popen) -> None:
    """Waits until the log says that a step is reached."""
    while process.poll() is None:
      steps = re.findall(r' step (\d+)/\d+', self.log())
      if steps and int(steps[-1]) >= step:
        return
      time.sleep(0.5)
    raise SystemExit(f'{self.root}/troubled.txt: ended without trouble.')

  def write_samples(self) -> None:
    """Writes samples.csv and figure.png."""
    path = self.root / 'samples.csv'
    with path.open('w', newline='') as file:
      writer = csv.DictWriter(file, list(self.rows[0]))
      writer.writeheader()
      writer.writerows(self.rows)
    soak_watch.draw(self.rows, self.root / 'figure.png')


# A trouble is over when its function returns: (folder of the run, process).


def fill_disk(folder: pathlib.Path, process: subprocess.Popen) -> None:
  """Leaves no byte on the disk for a while."""
  filler = folder / 'filler'
  # The last write fails, as it is full.
  with contextlib.suppress(OSError), filler.open('wb', buffering=0) as file:
    while True:
      file.write(bytes(1 << 20))
  _wait(process)
  filler.unlink()


def hide_data(folder: pathlib.Path, process: subprocess.Popen) -> None:
  """Puts the prepared data elsewhere for a while."""
  data, away = folder / 'data', folder / 'away'
  data.rename(away)
  _wait(process)
  if data.exists():  # The run has begun to prepare them anew.
    data.rename(folder / f'made_{time.monotonic_ns()}')
  away.rename(data)


def stop(_: pathlib.Path, process: subprocess.Popen) -> None:
  """Asks the run to end, as a cluster does."""
  process.send_signal(signal.SIGTERM)
  process.wait()


def kill_9(_: pathlib.Path, process: subprocess.Popen) -> None:
  """Kills the run."""
  kill.kill(process)
  process.wait()


TROUBLES = {
  'disk': fill_disk,
  'data': hide_data,
  'stop': stop,
  'kill': kill_9,
}


def _wait(process: subprocess.Popen) -> None:
  with contextlib.suppress(subprocess.TimeoutExpired):
    process.wait(LASTS)


if __name__ == '__main__':
  sys.exit(main())
