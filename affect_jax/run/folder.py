"""The files of a run's folder, each written whole or not at all."""

from collections.abc import Iterable
import json
import math
import os
import pathlib
from typing import Any

import jax
import ml_collections

from affect_jax import by_name
from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.training import processes


def write_json(path: str, value: Any) -> None:
  """Writes JSON whole or not at all. NaN becomes null."""
  text = json.dumps(_plain(value), indent=2, allow_nan=False)
  whole_file.write_text(path, text + '\n')


def read_json(path: str) -> Any:
  """Reads JSON; None where there is no such file."""
  if not os.path.exists(path):
    return None
  with open(path, encoding='utf-8') as file:
    return json.load(file)


def require(workdir: str) -> None:
  """Raises UserError, with the nearest folder, where no run is."""
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
  config: ml_collections.ConfigDict,
  base: ml_collections.ConfigDict | None = None,
) -> None:
  """Makes the folder this config's own: writes config.json, or compares it.

  Process 0 does it, for all processes of a run. A config that came to no
  checkpoint (its data had an error, say) may be corrected: it is replaced.

  Args:
    workdir: The folder.
    config: Of the run.
    base: What a setting is that one of the two does not have: a run that was
      there before the setting was. '' by default.

  Raises:
    ValueError: The folder holds a run of another config, or another process
      has another one: names every difference. Or a process does not see it.
  """
  processes.check_same('config', _flat(_plain(config.to_dict())))
  processes.from_first('claim', lambda: _claim(workdir, config, base))
  path = os.path.join(workdir, 'config.json')
  if not os.path.exists(path):
    raise UserError(
      f'Process {jax.process_index()} does not see {path}, which process 0 '
      'wrote: --workdir must be on a disk that all processes share.'
    )


def _claim(
  workdir: str,
  config: ml_collections.ConfigDict,
  base: ml_collections.ConfigDict | None,
) -> None:
  os.makedirs(workdir, exist_ok=True)
  path = os.path.join(workdir, 'config.json')
  new, old = _plain(config.to_dict()), read_json(path)
  if old is None or not is_started(workdir):
    write_json(path, new)
    return
  # An empty dict of options has no settings, and gets some later.
  a, b, c = (
    {k: v for k, v in _flat(x).items() if v != {}}
    for x in (old, new, _plain(base.to_dict()) if base else {})
  )
  differences = [
    f'  config.{key}: {a.get(key, "absent")!r} there, '
    f'{b.get(key, "absent")!r} now'
    for key in sorted(a.keys() | b.keys())
    if a.get(key, c.get(key, '')) != b.get(key, c.get(key, ''))
  ]
  if differences:
    raise UserError(
      f'{path} belongs to another config; give another --workdir, or remove '
      'the folder.\n' + '\n'.join(differences)
    )


def is_started(workdir: str) -> bool:
  """True where the folder holds a checkpoint or results of a run."""
  # Results count too: they would be taken for those of a new config.
  has_results = os.path.exists(os.path.join(workdir, 'results.json'))
  return has_results or bool(saved_steps(workdir))


def is_finished(workdir: str, num_train_steps: int) -> bool:
  """True where the run has its results and came to its last step.

  Results alone are not enough: once, an evaluation on the way left some.
  """
  steps = saved_steps(workdir)
  return os.path.exists(os.path.join(workdir, 'results.json')) and (
    not steps or steps[-1] >= num_train_steps
  )


def saved_steps(workdir: str) -> list[int]:
  """Steps of the checkpoints of a run, ascending."""
  folder = pathlib.Path(workdir, 'checkpoints')
  if not folder.is_dir():
    return []
  return sorted(int(e.name) for e in folder.iterdir() if e.name.isdigit())


def truncate_jsonl(path: str, step: int) -> None:
  """Drops lines of a metrics.jsonl later than `step`, before a resume."""
  if not os.path.exists(path):
    return
  with open(path, encoding='utf-8') as file:
    lines = [x for x in file if x.endswith('\n')]
  kept = [x for x in lines if json.loads(x)['step'] <= step]
  whole_file.write_text(path, ''.join(kept))


def append_jsonl(path: str, step: int, values: dict[str, float]) -> None:
  """Adds one line {'step': step, name: value, ...}."""
  with open(path, 'a', encoding='utf-8') as file:
    file.write(json.dumps({'step': step, **_plain(values)}) + '\n')


def commits(workdirs: Iterable[str]) -> list[str]:
  """Commits that finished runs came from, which a summary may be later than.

  '-dirty' is added where tracked files differed.
  """
  found = set()
  for workdir in workdirs:
    if not os.path.exists(os.path.join(workdir, 'results.json')):
      continue
    for start in read_starts(workdir):
      if start.get('commit'):
        dirty = '-dirty' if start.get('dirty') else ''
        found.add(start['commit'] + dirty)
  return sorted(found)


def read_starts(workdir: str) -> list[dict[str, Any]]:
  """What environment.json says of each start of a run, the first one first.

  Runs of before kept the last one only, by itself.
  """
  content = read_json(os.path.join(workdir, 'environment.json')) or {}
  if not content:
    return []
  return content.get('starts', [content])


def add_start(workdir: str, step: int, environment: dict[str, Any]) -> None:
  """Adds to environment.json a start that went on from `step`."""
  starts = [*read_starts(workdir), {'step': step, **environment}]
  path = os.path.join(workdir, 'environment.json')
  write_json(path, {'starts': starts})


def _plain(value: Any) -> Any:
  """Tuples as lists, numpy scalars as numbers, NaN as None."""
  if isinstance(value, dict):
    return {str(k): _plain(v) for k, v in value.items()}
  if isinstance(value, (list, tuple)):
    return [_plain(v) for v in value]
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
