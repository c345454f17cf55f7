"""Makes old_runs.zip with the code of commit 88223a4, before the folders.

  git worktree add old 88223a4
  cd EMPTY_FOLDER; PYTHONPATH=PATH/old:PATH/tests python make_old_runs.py

Of the faces and the utterances of `toys.old_runs` there is a run that finished
its four steps, and one that SIGTERM stopped after two.
"""

import contextlib
import os
import pathlib
import signal
import zipfile

os.environ['JAX_PLATFORMS'] = 'cpu'
os.environ['XLA_FLAGS'] = (
  '--xla_force_host_platform_device_count=4 '
  '--xla_cpu_enable_concurrency_optimized_scheduler=false'
)

# Those of 88223a4.
import jax
from toys import old_runs

from affect_jax import interrupt
from affect_jax import run_folder
from affect_jax import train
from affect_jax.models import resnet

TARGET = 'old_runs.zip'


def main():
  resnet.WIDTHS, resnet.NUM_BLOCKS = old_runs.WIDTHS, 1
  jax.config.update('jax_default_prng_impl', 'rbg')
  jax.config.update('jax_disable_most_optimizations', True)
  old_runs.write_data()
  append = run_folder.append_jsonl

  def append_and_stop(path, step, values):
    append(path, step, values)
    if step == 1 and 'train/loss' in values:
      signal.raise_signal(signal.SIGTERM)

  for name in old_runs.NAMES:
    config = old_runs.config(name)
    train.train_and_evaluate(config, f'runs/{name}_finished')
    run_folder.append_jsonl = append_and_stop
    with contextlib.suppress(interrupt.Interrupted):
      train.train_and_evaluate(config, f'runs/{name}_stopped')
    run_folder.append_jsonl = append
  runs = pathlib.Path('runs')
  with zipfile.ZipFile(TARGET, 'w', zipfile.ZIP_DEFLATED) as file:
    for path in sorted(p for p in runs.rglob('*') if p.is_file()):
      if 'tfevents' not in path.name:
        file.write(path, path.relative_to(runs))


if __name__ == '__main__':
  main()
