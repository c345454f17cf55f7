"""Where the configs of runs differ."""

from collections.abc import Mapping, Sequence
import json
from typing import Any

from affect_jax.report import contents
from affect_jax.report import runs as runs_lib

# What a run's seeds differ in anyway.
OF_SEEDS = ('seed', 'seeds', 'seeds_together')
ABSENT = '(no such setting)'


def section(runs: Sequence[runs_lib.Run]) -> contents.Section | None:
  """Lists settings with several values; None with one run, or no difference."""
  if len(runs) < 2:
    return None
  rows = differing([_values(run) for run in runs])
  if not rows:
    return None
  table = contents.Table(
    'settings',
    'Settings that differ',
    ['config.', *(run.name for run in runs)],
    [[name, *values] for name, values in rows.items()],
  )
  sentences = ['All other settings are equal.']
  if any(ABSENT in value for values in rows.values() for value in values):
    sentences.append('Settings that a run lacks are newer than the run.')
  return contents.Section(
    'settings', 'Differences of settings', sentences, [table]
  )


def differing(
  configs: Sequence[Mapping[str, str]],
) -> dict[str, list[str]]:
  """Returns {setting: its value in each config} where these are not equal."""
  names = sorted({name for config in configs for name in config})
  found = {name: [c.get(name, ABSENT) for c in configs] for name in names}
  return {name: x for name, x in found.items() if len(set(x)) > 1}


def flat(config: Any, prefix: str = '') -> dict[str, str]:
  """Returns {'a.b': value as JSON} of a config; seeds are left out."""
  if not isinstance(config, dict) or not config:
    return {prefix: json.dumps(config, ensure_ascii=False)}
  found = {}
  for key, value in config.items():
    name = f'{prefix}.{key}' if prefix else key
    if name not in OF_SEEDS:
      found |= flat(value, name)
  return found


def _values(run: runs_lib.Run) -> dict[str, str]:
  """Returns settings of a run; 'by seed' where its seeds differ."""
  configs = [flat(seed.config) for seed in run.seeds.values()]
  values = dict(configs[0])
  for name, several in differing(configs).items():
    values[name] = f'by seed: {"; ".join(dict.fromkeys(several))}'
  return values
