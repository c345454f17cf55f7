"""Fills in what a config leaves open: it follows from the data and the device.

  num_epochs above 0   num_train_steps = ceil(num_epochs * training rows /
                       batch_size), and a warmup of at most a tenth of them
  image_size=0         48 pixels on a CPU, else 112
  model.stem=''        that of the run, or of the kind of weights, to start
                       from; else 'small' for at most 64 pixels on an
                       accelerator, and 'imagenet', a quarter of the work, else

A run that has begun keeps what it began with, so that it goes on elsewhere, and
a config that is settled stays as it is. All that is chosen is logged.
"""

from collections.abc import Mapping
import math
import os
from typing import Any

from absl import logging
import jax
from ml_collections import config_dict

from affect_jax import user_path
from affect_jax.data import load
from affect_jax.data import streams
from affect_jax.run import build
from affect_jax.run import folder as run_folder
from affect_jax.run import hub
from affect_jax.training import processes

ON_CPU, ON_ACCELERATOR = 48, 112
# The most pixels for which the stem 'small' is meant.
SMALL = 64


def settle(config: Any, workdir: str) -> Any:
  """Returns the config with all that it leaves open filled in.

  With `num_epochs`, corpora are prepared to count their rows.

  Args:
    config: See `configs/`.
    workdir: Folder of the run, or of its seeds.

  Raises:
    UserError: See `load.build`.
  """
  before = processes.from_first('begun', lambda: _begun(workdir))
  return _by_data(by_device(config, before), before)


def by_device(config: Any, before: Mapping[str, Any] | None = None) -> Any:
  """Returns the config with all filled in that needs no data.

  Args:
    config: See `configs/`.
    before: The config of the run in the same folder, as a dict; None or {}: it
      has not begun.
  """
  changes = {}
  size = config.image_size
  if not size:
    size, why = _image_size(before or {})
    changes['image_size'] = size
    logging.info('config.image_size: %d pixels, %s.', size, why)
  if not config.model.stem:
    changes['model.stem'], why = _stem(config, size, before or {})
    logging.info('config.model.stem: %s, %s.', changes['model.stem'], why)
  return changed(config, changes) if changes else config


def changed(config: Any, changes: Mapping[str, Any]) -> Any:
  """Returns a copy with some settings changed; names are dotted."""
  with config.unlocked():
    # Copying refuses dots in the keys of a dict.
    sweep, config.sweep = config.sweep, None
    new = config.copy_and_resolve_references()
    config.sweep = sweep
  with new.unlocked():
    del new.sweep
    new.sweep = config_dict.placeholder(object)
    new.sweep = sweep
    new.update_from_flattened_dict(changes)
  return new


def num_epochs(config: Any) -> float:
  """Returns config.num_epochs, which older configs lack; 0: it is off."""
  return config.get('num_epochs', 0.0)


def _begun(workdir: str) -> dict[str, Any]:
  """Returns the config of the run that the folder holds; {} if none began."""
  if not run_folder.is_started(workdir):
    return {}
  return run_folder.read_json(os.path.join(workdir, 'config.json')) or {}


def _image_size(before: Mapping[str, Any]) -> tuple[int, str]:
  if size := before.get('image_size'):
    return size, 'as the run began'
  device = processes.from_first('device', jax.default_backend)
  size = ON_CPU if device == 'cpu' else ON_ACCELERATOR
  return size, f'as the device is a {device.upper()}'


def _stem(config: Any, size: int, before: Mapping[str, Any]) -> tuple[str, str]:
  if stem := before.get('model', {}).get('stem'):
    return stem, 'as the run began'
  if other := config.init.checkpoint_workdir:
    path = os.path.join(str(user_path.expand(hub.local(other))), 'config.json')
    first = processes.from_first(
      'stem', lambda: (run_folder.read_json(path) or {}).get('model', {})
    )
    if stem := first.get('stem'):
      return stem, f'as in {other}'
  if config.init.weights:
    return 'imagenet', 'as in the weights of others'
  device = processes.from_first('device', jax.default_backend)
  if size <= SMALL and device != 'cpu':
    return 'small', f'for {size} pixels'
  return 'imagenet', f'for {size} pixels on a {device.upper()}'


def _by_data(config: Any, before: Mapping[str, Any]) -> Any:
  """Returns the config with the steps that its epochs take."""
  epochs = num_epochs(config)
  if not epochs:
    return config
  alike = ('num_epochs', 'batch_size')
  if before and all(before.get(k) == config[k] for k in alike):
    steps = before['num_train_steps']
    logging.info('config.num_train_steps: %d, as the run began.', steps)
  else:
    # Errors that the config alone shows come before minutes of preparation.
    build.check_settings(config)
    # In every process: they agree on who prepares the corpora. `build.build`
    # builds them again, and says what they have.
    rows = streams.train_size(load.build(config, say=False))
    steps = max(1, math.ceil(epochs * rows / config.batch_size))
    logging.info(
      'config.num_train_steps: %d, which is %g epochs of %d training rows in '
      'batches of %d; --config.num_epochs or --config.num_train_steps gives '
      'another length.',
      steps,
      epochs,
      rows,
      config.batch_size,
    )
  changes: dict[str, Any] = {'num_train_steps': steps}
  warmup = config.schedule.get('warmup_steps', 0)
  if warmup > steps // 10:
    changes['schedule.warmup_steps'] = steps // 10
    logging.info('config.schedule.warmup_steps: %d.', steps // 10)
  return changed(config, changes)
