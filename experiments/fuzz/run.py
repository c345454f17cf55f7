"""Damages files of every kind that is read from users, and reads them.

  python experiments/fuzz/run.py --files=1000 --kinds=png,csd

A damaged file must give a right result or an error that names it; never
another exception, a dead or hanging process, or fewer samples without a word.
Exits with 1 if one does. --kinds=png --seed=17 --files=1 repeats one file.
"""

import argparse
import collections
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def main() -> int:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter
  )
  parser.add_argument('--files', type=int, default=1000, help='of each kind')
  parser.add_argument('--kinds', default='', help='names; none: all')
  parser.add_argument('--seed', type=int, default=0, help='of the first file')
  parser.add_argument(
    '--seconds', type=float, default=3600, help='the most for a kind'
  )
  options = parser.parse_args()
  os.environ['JAX_PLATFORMS'] = 'cpu'
  sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / 'tests')]
  import kinds
  import worker

  names = [x for x in options.kinds.split(',') if x] or list(kinds.KINDS)
  rows, failed = [], False
  for name in names:
    count: collections.Counter = collections.Counter()
    failures: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
      reader = worker.Worker(name, pathlib.Path(folder))
      begin = time.monotonic()
      for seed in range(options.seed, options.seed + options.files):
        found = reader.ask(seed)
        count['files'] += 1
        count[found['outcome']] += 1
        if found['outcome'] == 'failure':
          said = failures.setdefault(found['said'], [])
          said.append(f'--seed={seed} ({found["what"]})')
        if time.monotonic() - begin > options.seconds:
          break
      seconds = time.monotonic() - begin
      reader.stop()
    rows.append(
      f'| {name} | {count["files"]} | {count["right"]} | {count["named"]} | '
      f'{count["failure"]} |'
    )
    print(f'{rows[-1]} {seconds:.0f} s', flush=True)
    for text, seeds in failures.items():
      print(f'    {len(seeds)} x {text}\n      {seeds[0]}', flush=True)
    failed |= bool(failures)
  print('\n| kind | files | right | named errors | failures |')
  print('|---|---|---|---|---|')
  print('\n'.join(rows))
  return int(failed)


if __name__ == '__main__':
  sys.exit(main())
