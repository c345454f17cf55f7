"""The command line, as a user starts and stops it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from toys import compiling
from toys import training as toy
from toys.paths import ROOT


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  # A path is a name: nothing in it is a pattern or a format.
  path = tmp_path_factory.mktemp('main *ü?%20%s')
  toy.write_faces_csv(path)
  return path


def command(folder, workdir, *more):
  return [
    sys.executable,
    '-m',
    'affect_jax.main',
    f'--config={ROOT}/configs/faces_csv.py',
    f'--workdir={workdir}',
    f'--config.data.path={folder}/faces.csv',
    f'--config.data.data_dir={folder}/data',
    '--config.image_size=16',
    '--config.model.stem=small',
    "--config.tasks=('expression',)",
    "--config.augment=('flip','rotation')",
    '--config.augmentations.rotation.degrees=5',
    '--config.batch_size=8',
    '--config.log_every=1',
    '--config.log_gradients=False',
    '--config.progress_secs=0',
    '--config.eval_every=3',
    *more,
  ]


def test_sigterm_saves_and_the_same_command_goes_on(folder):
  workdir = folder / 'sigterm'
  environment = {
    **os.environ,
    'HOME': str(folder),
    'XLA_FLAGS': ' '.join(compiling.flags()),
  }
  start = command('~', '~/sigterm', '--config.num_train_steps=400')
  with subprocess.Popen(
    start, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
  ) as process:
    lines = []
    for line in process.stderr:
      lines.append(line)
      if 'step 2/400' in line:
        process.send_signal(signal.SIGTERM)
        break
    rest = process.stderr.read()
    assert process.wait(timeout=200) == 128 + signal.SIGTERM, ''.join(lines)
  assert 'Stopped by SIGTERM' in rest
  saved = max(int(p.name) for p in (workdir / 'checkpoints').glob('[0-9]*'))
  assert saved >= 2
  process = subprocess.Popen(
    start, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
  )
  for line in process.stderr:
    if 'Resuming from step' in line:
      break
  process.kill()
  process.wait()
  assert f'Resuming from step {saved} ' in line


def test_errors_of_the_user_end_without_a_traceback(folder):
  started = time.time()
  run = subprocess.run(
    command(folder, folder / 'wrong', "--config.tasks=('mood',)"),
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=200,
    check=False,
  )
  assert run.returncode == 1
  assert 'Traceback' not in run.stderr
  assert "Unknown task 'mood'" in run.stderr
  assert 'valence_arousal' in run.stderr
  assert time.time() - started < 200
