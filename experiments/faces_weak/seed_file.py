"""What a seed's runs read on test, in a file that goes with the results.

A seed's students learn from teachers of the same seed, so seeds can be trained
on several machines: the summary reads these files, copied into one workdir.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

import arms as arms_lib
import numpy as np
import prototypes

from affect_jax.comparison import paired_seeds
from affect_jax.errors import UserError
from affect_jax.run import environment
from affect_jax.run import folder as run_folder


def path(root: pathlib.Path, seed: int) -> pathlib.Path:
  """Returns ROOT/seeds/seed_N.json."""
  return root / 'seeds' / f'seed_{seed}.json'


def write(
  root: pathlib.Path, seed: int, steps: int, metrics: Sequence[str]
) -> None:
  """Writes the file of a seed, if a run of it is finished here.

  Arms of the file that are not here, but were trained elsewhere, stay in it.

  It holds {'seed', 'steps': of runs of one corpus, 'test': {arm: {metric:
  score}}, 'prototypes': {arm: see prototypes.agreement}, 'commits',
  'environment'}.
  """
  arms = {a.name: a.corpora[0] for a in arms_lib.arms(with_fer=True)}
  scores = paired_seeds.read(root, arms, [seed])
  if not scores:
    return
  path(root, seed).parent.mkdir(exist_ok=True)
  before = run_folder.read_json(str(path(root, seed))) or {}
  run = lambda arm: root / arm / f'seed_{seed}'
  test = {
    arm: {m: float(v[0]) for m, v in of_arm.items() if m in metrics}
    for arm, of_arm in scores.items()
  }
  fits = {
    arm: prototypes.agreement(run(arm), 'fer')
    for arm in ('fer_gold', 'fer_weak')
    if arm in scores
  }
  commits = run_folder.commits(str(run(arm)) for arm in scores)
  run_folder.write_json(
    str(path(root, seed)),
    {
      'seed': seed,
      'steps': steps,
      'test': before.get('test', {}) | test,
      'prototypes': before.get('prototypes', {}) | fits,
      'commits': sorted({*before.get('commits', []), *commits}),
      'environment': environment.describe({}),
    },
  )


def check(root: pathlib.Path, seeds: Sequence[int], steps: int) -> None:
  """Raises UserError if a seed's file is of runs of another length."""
  for file in read(root, seeds):
    if file['steps'] != steps:
      raise UserError(
        f'{path(root, file["seed"])} is of runs of {file["steps"]} steps, not '
        f'of {steps}: move it away.'
      )


def read(root: pathlib.Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
  """Returns the files of the seeds that have one."""
  found = [run_folder.read_json(str(path(root, s))) for s in seeds]
  return [x for x in found if x]


def scores(files: Sequence[Mapping[str, Any]]) -> paired_seeds.Scores:
  """Returns the scores of all arms, NaN where a seed lacks one."""
  arms = dict.fromkeys(arm for x in files for arm in x['test'])
  return {
    arm: {
      metric: np.array(
        [x['test'].get(arm, {}).get(metric) for x in files],
        float,  # None becomes NaN.
      )
      for metric in dict.fromkeys(
        m for x in files for m in x['test'].get(arm, {})
      )
    }
    for arm in arms
  }
