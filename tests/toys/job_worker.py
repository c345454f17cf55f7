"""One process of a job without a run: job_worker.py WHAT WORKDIR COUNT INDEX.

Without the libraries that read data, so that many can be started.
"""

import json
import sys

import jax
import ml_collections

from affect_jax.run import folder as run_folder
from affect_jax.training import job
from affect_jax.training import parallel
from affect_jax.training import processes

LONG = ('ä' * 150).encode()


def agree():
  mine = jax.process_index()
  is_last = mine == jax.process_count() - 1
  spread = parallel.build('jit')
  agree = processes.make_agree(spread)
  made = []
  processes.first_then_others('once', lambda: made.append(1))
  return {
    'first': processes.from_first('first', lambda: [mine, float('nan'), 'ü']),
    'made': made,
    'gathered': [
      [x.decode() for x in values]
      for values in processes.gather([b'a' * mine, LONG + b'%d' % mine])
    ],
    # Only the last process is ever asked to stop.
    'agreed': [agree(x if is_last else 0) for x in (0, 15, 0)],
  }


def main(what, workdir):
  mine = jax.process_index()
  if what == 'agree':
    return agree()
  if what == 'claim':
    run_folder.claim(workdir, ml_collections.ConfigDict({'seed': 1}))
  elif what == 'settings':
    run_folder.claim(workdir, ml_collections.ConfigDict({'seed': mine}))
  elif mine == 1:
    raise ZeroDivisionError('only here')
  while True:  # The others wait in a collective.
    processes.gather([b''])


if __name__ == '__main__':
  what, workdir, coordinator, num_processes, process_id = sys.argv[1:]
  with job.ending_together():
    job.start(coordinator, int(num_processes), int(process_id))
    try:
      print(json.dumps(main(what, workdir)))
    except ValueError as error:
      sys.exit(str(error))
