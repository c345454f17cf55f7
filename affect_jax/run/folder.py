"""The files of a run's folder, each written whole or not at all."""

from collections.abc import Iterable
import json
import math
import os
import pathlib
from typing import Any, TYPE_CHECKING

from absl import logging

from affect_jax import by_name
from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.models import json_file

if TYPE_CHECKING:
  import ml_collections

# Why a run ended before its last step, see `early_stop`.
STOPPED = 'stopped.json'
# Settings that change what is shown, or where prepared data lie (which are
# compared themselves, see `same_data`), and nothing that is learned.
MAY_DIFFER = (
  *('log_gradients', 'progress_secs', 'seeds_together'),
  'data.data_dir',
)


def write_json(path: str, value: Any) -> None:
  """Writes JSON whole or not at all. NaN becomes null."""
  text = json.dumps(plain(value), indent=2, allow_nan=False)
  whole_file.write_text(path, text + '\n')


def read_json(path: str) -> Any:
  """Reads a JSON object; None where there is no such file.

  Raises:
    UserError: It is damaged; the message names the file.
  """
  if not os.path.exists(path):
    return None
  return json_file.read(pathlib.Path(path))


def require(workdir: str) -> None:
  """Raises UserError, naming runs nearby, if `workdir` holds no run."""
  if os.path.exists(os.path.join(workdir, 'config.json')):
    return
  parent, name = os.path.split(os.path.abspath(workdir))
  others = pathlib.Path(parent)
  runs = [p.parent.name for p in others.glob('*/config.json')]
  raise UserError(
    f'There is no run in {workdir}{by_name.nearest(name, runs)}: it has no '
    f'config.json. Runs in {parent}: {", ".join(sorted(runs)) or "none"}.'
  )


def claim(
  workdir: str,
  config: 'ml_collections.ConfigDict',
  base: 'ml_collections.ConfigDict | None' = None,
) -> None:
  """Claims the folder for a config: writes config.json, or compares with it.

  Process 0 does it, for all processes of a run. The config of a run that has
  no checkpoint yet (its data had an error, say) is replaced. Settings of
  MAY_DIFFER may differ.

  Args:
    workdir: The folder.
    config: The run's config.
    base: Values of settings that only one of the two configs has, as when the
      run is older than the setting. '' for those that it lacks.

  Raises:
    UserError: The folder holds a run of another config, or processes have
      different configs (the message names every difference), or a process does
      not see the folder.
  """
  # Late: what only reads a folder needs no JAX.
  import jax

  from affect_jax.training import processes

  processes.check_same('config', _flat(plain(config.to_dict())))
  processes.from_first('claim', lambda: _claim(workdir, config, base))
  path = os.path.join(workdir, 'config.json')
  if not os.path.exists(path):
    raise UserError(
      f'Process {jax.process_index()} does not see {path}, which process 0 '
      'wrote: --workdir must be on a disk that all processes share.'
    )


def _claim(
  workdir: str,
  config: 'ml_collections.ConfigDict',
  base: 'ml_collections.ConfigDict | None',
) -> None:
  os.makedirs(workdir, exist_ok=True)
  path = os.path.join(workdir, 'config.json')
  new, old = plain(config.to_dict()), read_json(path)
  if old is None or not is_started(workdir):
    write_json(path, new)
    return
  # A dict of options that is empty has no settings yet; it may have some later.
  before, now, default = (
    {k: v for k, v in _flat(x).items() if v != {}}
    for x in (old, new, plain(base.to_dict()) if base else {})
  )
  differences = [
    f'  config.{key}: {before.get(key, "absent")!r} there, '
    f'{now.get(key, "absent")!r} now'
    for key in sorted(before.keys() | now.keys())
    if key not in MAY_DIFFER
    and before.get(key, default.get(key, ''))
    != now.get(key, default.get(key, ''))
  ]
  if differences:
    raise UserError(
      f'{path} belongs to another config; give another --workdir, or remove '
      'the folder.\n' + '\n'.join(differences)
    )


def is_started(workdir: str) -> bool:
  """Returns True if the folder holds a checkpoint or results of a run.

  Also if it holds runs of seeds or points of a sweep, of which one is started.
  """
  # Old results must not pass for those of a new config.
  has_results = os.path.exists(os.path.join(workdir, 'results.json'))
  folder = pathlib.Path(workdir)
  within = [*folder.glob('seed_*'), *folder.glob('point_*')]
  return (
    has_results
    or bool(saved_steps(workdir))
    or any(is_started(str(run)) for run in within)
  )


def of_seed(workdir: str, seed: int) -> str:
  """Returns the folder of a seed's run, if `workdir` has one for each seed.

  Otherwise it returns `workdir`.
  """
  folder = os.path.join(workdir, f'seed_{seed}')
  return folder if os.path.isdir(folder) else workdir


def is_finished(workdir: str, num_train_steps: int) -> bool:
  """Returns True if the run has results, and any checkpoints reach the end.

  Results alone are not enough: older runs also wrote them before the end.
  """
  steps = saved_steps(workdir)
  return os.path.exists(os.path.join(workdir, 'results.json')) and (
    not steps or steps[-1] >= last_step(workdir, num_train_steps)
  )


def last_step(workdir: str, num_train_steps: int) -> int:
  """Returns the step of the run's end, which may have come early."""
  stop = stopped(workdir)
  return stop['step'] if stop else num_train_steps


def stopped(workdir: str) -> dict[str, Any] | None:
  """Returns {'step', 'best_step', 'why'} if the run ended early, else None."""
  stop = read_json(os.path.join(workdir, STOPPED))
  # It is of another run if the latest checkpoint is of another step.
  if not stop or saved_steps(workdir)[-1:] not in ([], [stop['step']]):
    return None
  return stop


def saved_steps(workdir: str) -> list[int]:
  """Returns the steps of a run's checkpoints, ascending."""
  folder = pathlib.Path(workdir, 'checkpoints')
  if not folder.is_dir():
    return []
  return sorted(int(e.name) for e in folder.iterdir() if e.name.isdigit())


def truncate_jsonl(path: str, step: int) -> None:
  """Drops lines later than `step` from a metrics.jsonl, before a resume.

  Damaged lines are dropped, too, which the log says.
  """
  if not os.path.exists(path):
    return
  with open(path, encoding='utf-8', errors='replace') as file:
    lines = [x for x in file if x.endswith('\n')]
  kept, damaged = [], 0
  for line in lines:
    try:
      if json.loads(line)['step'] <= step:
        kept.append(line)
    except (KeyError, TypeError, ValueError):
      damaged += 1
  if damaged:
    logging.warning('%s: %d damaged lines are dropped.', path, damaged)
  whole_file.write_text(path, ''.join(kept))


def append_jsonl(path: str, step: int, values: dict[str, float]) -> None:
  """Adds one line {'step': step, name: value, ...}."""
  with open(path, 'a', encoding='utf-8') as file:
    file.write(json.dumps({'step': step, **plain(values)}) + '\n')


def commits(workdirs: Iterable[str]) -> list[str]:
  """Returns the commits that finished runs were trained at.

  '-dirty' is added if tracked files differed. A summary may be of a later one.
  """
  names = set()
  for workdir in workdirs:
    if not os.path.exists(os.path.join(workdir, 'results.json')):
      continue
    for start in read_starts(workdir):
      if start.get('commit'):
        dirty = '-dirty' if start.get('dirty') else ''
        names.add(start['commit'] + dirty)
  return sorted(names)


def read_starts(workdir: str) -> list[dict[str, Any]]:
  """Returns the entries of environment.json, one for each start, in order.

  Older runs kept the last start only, not in a list.
  """
  content = read_json(os.path.join(workdir, 'environment.json')) or {}
  if not content:
    return []
  return content.get('starts', [content])


def add_start(workdir: str, step: int, environment: dict[str, Any]) -> None:
  """Adds to environment.json a start that continued from `step`."""
  starts = [*read_starts(workdir), {'step': step, **environment}]
  path = os.path.join(workdir, 'environment.json')
  write_json(path, {'starts': starts})


def plain(value: Any) -> Any:
  """Returns tuples as lists, numpy scalars as numbers, NaN and inf as None."""
  if isinstance(value, dict):
    return {str(k): plain(v) for k, v in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(v) for v in value]
  if hasattr(value, 'item'):
    value = value.item()
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def _flat(value: Any, prefix: str = '') -> dict[str, Any]:
  if not isinstance(value, dict) or not value:
    return {prefix: value}
  flat = {}
  for key, item in value.items():
    flat |= _flat(item, f'{prefix}.{key}' if prefix else key)
  return flat
