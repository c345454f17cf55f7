"""Starts the processes of a job, and never waits for ever."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

from toys import compiling
from toys import slurm as slurm_lib
from toys.paths import ROOT

# A hang fails, and a busy machine does not.
TIMEOUT = 500


def free_port(lowest=20_000, count=40_000):
  for port in range(lowest + os.getpid() % 1000, lowest + count):
    with socket.socket() as s:
      if s.connect_ex(('localhost', port)):
        return port
  raise AssertionError('No free port.')


class Process:
  """A started process; what it prints goes to a file."""

  def __init__(self, command, log, environment):
    self.log = log
    with open(log, 'wb') as file:
      self.popen = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=file,
        stderr=file,
        start_new_session=True,
      )

  def text(self):
    return self.log.read_text(errors='replace')

  def wait_for_text(self, text):
    end = time.monotonic() + TIMEOUT
    while text not in self.text():
      assert self.popen.poll() is None, self.text()
      assert time.monotonic() < end, self.text()
      time.sleep(0.05)


class Job:
  """Processes that are killed where the block ends."""

  def __init__(self, commands, folder, environments, devices):
    self.processes = []
    self._arguments = commands, folder, environments, devices

  def __enter__(self):
    commands, folder, environments, devices = self._arguments
    folder.mkdir(parents=True, exist_ok=True)
    for i, (command, own) in enumerate(
      zip(commands, environments, strict=True)
    ):
      environment = {
        **os.environ,
        'PYTHONPATH': f'{ROOT}{os.pathsep}{ROOT / "tests"}',
        'JAX_NUMPY_RANK_PROMOTION': 'raise',
        # Those that go on have compiled it all before.
        'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
        'XLA_FLAGS': ' '.join(
          [
            f'--xla_force_host_platform_device_count={devices}',
            *compiling.flags(),
          ]
        ),
        **own,
      }
      log = folder / f'log{i}-{time.monotonic_ns()}.txt'
      self.processes.append(Process(command, log, environment))
    return self.processes

  def __exit__(self, *_):
    for p in self.processes:
      with contextlib.suppress(ProcessLookupError):
        os.killpg(p.popen.pid, signal.SIGKILL)  # What it started, too.
      p.popen.wait()


def workers(what, count, folder):
  """`job_worker` in `count` processes of two devices each."""
  script = str(ROOT / 'tests' / 'toys' / 'job_worker.py')
  address = f'localhost:{free_port()}'
  commands = [
    [sys.executable, script, what, str(folder), address, str(count), str(i)]
    for i in range(count)
  ]
  return Job(commands, folder, [{}] * count, 2)


def mains(flags, count, folder, **environment):
  """`narrow_main` in `count` processes of one device each.

  Args:
    flags: Of affect_jax.main.
    count: How many.
    folder: For their logs.
    **environment: Further variables.
  """
  script = str(ROOT / 'tests' / 'toys' / 'narrow_main.py')
  address = f'--coordinator=localhost:{free_port()}'
  commands = [
    [sys.executable, script, *flags, address]
    + [f'--num_processes={count}', f'--process_id={i}']
    for i in range(count)
  ]
  return Job(commands, folder, [environment] * count, 1)


def sbatch(flags, count, folder, **environment):
  """experiments/launch/slurm.sbatch; `slurm.py` stands in for SLURM.

  Args:
    flags, folder, environment: See `mains`.
    count: Of processes of `narrow_main`, which write folder/process*.txt.
  """
  lowest = 65536 - 2**12  # jax takes the port from the number of the job.
  number = free_port(lowest, 2**12) - lowest
  slurm = {
    **slurm_lib.commands(folder / 'slurm'),
    'SLURM_JOB_ID': str(2**12 + number),
    'SLURM_NTASKS': str(count),
    'LOGS': str(folder),
  }
  script = (ROOT / 'experiments' / 'launch' / 'slurm.sbatch').read_text()
  edited = re.sub(r'RUN=\(.*?\)\n', 'RUN=()\n', script, flags=re.DOTALL)
  assert edited != script
  path = folder / 'slurm' / 'edited.sbatch'
  path.write_text(edited)
  return Job([['bash', path, *flags]], folder, [slurm | environment], 1)


def exit_codes(started, timeout=TIMEOUT):
  """How they ended; a hang is an error."""
  end = time.monotonic() + timeout
  codes = []
  for p in started:
    try:
      codes.append(p.popen.wait(max(0.1, end - time.monotonic())))
    except subprocess.TimeoutExpired as error:
      text = '\n'.join(p.text() for p in started)
      raise AssertionError(f'It hangs:\n{text}') from error
  return codes
