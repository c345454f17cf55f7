"""Stands in for SLURM's commands: run as one of them, it is that command."""

import os
import pathlib
import subprocess
import sys

from toys.paths import ROOT


def commands(folder):
  """Makes srun and scontrol in a folder; returns variables that find them.

  `scontrol` notes its arguments in folder/scontrol.txt. `srun` ends with the
  code SRUN_ENDS_WITH, if that is set; otherwise it starts the command in
  SLURM_NTASKS processes, which write LOGS/process*.txt.
  """
  folder.mkdir(parents=True, exist_ok=True)
  for name in ('srun', 'scontrol'):
    path = folder / name
    path.write_text(
      f'#!/bin/sh\nexec {sys.executable} {__file__} {name} "$@"\n'
    )
    path.chmod(0o755)
  # An environment in which there is nothing to activate.
  (folder / 'bin').mkdir(exist_ok=True)
  (folder / 'bin' / 'activate').write_text('')
  return {
    'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}',
    'PYTHONPATH': f'{ROOT}{os.pathsep}{ROOT / "tests"}',
    'ENVIRONMENT': str(folder),
    'SCONTROL_LOG': str(folder / 'scontrol.txt'),
  }


def srun(arguments):
  if code := os.environ.get('SRUN_ENDS_WITH'):
    return int(code)
  # As SLURM since 22.05, srun does not know what sbatch was given.
  assert os.environ['SRUN_CPUS_PER_TASK'] == os.environ.get(
    'SLURM_CPUS_PER_TASK', '1'
  )
  option, *main = arguments[:4]
  assert option == '--kill-on-bad-exit=0'
  assert main == ['python', '-m', 'affect_jax.main']
  script = str(ROOT / 'tests' / 'toys' / 'narrow_main.py')
  processes = []
  for i in range(int(os.environ['SLURM_NTASKS'])):
    own = {
      'SLURM_STEP_NODELIST': 'localhost',
      'SLURM_PROCID': str(i),
      'SLURM_LOCALID': str(i),
    }
    with open(pathlib.Path(os.environ['LOGS'], f'process{i}.txt'), 'wb') as log:
      command = [sys.executable, script, *arguments[4:]]
      environment = {**os.environ, **own}
      processes.append(
        subprocess.Popen(command, env=environment, stdout=log, stderr=log)
      )
  return max(p.wait() for p in processes)


def scontrol(arguments):
  with open(os.environ['SCONTROL_LOG'], 'a') as log:
    print(*arguments, file=log)
  return 0


if __name__ == '__main__':
  sys.exit({'srun': srun, 'scontrol': scontrol}[sys.argv[1]](sys.argv[2:]))
