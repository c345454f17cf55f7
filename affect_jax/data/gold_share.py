"""Hides gold of training samples, to ask what a model learns from less of it.

{task: share} shows that share of the samples' gold; of a smaller share, a part
of what a larger one shows. Which samples are shown is a function of task and id
alone, the same in every run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from affect_jax import by_name
from affect_jax.errors import UserError

BUCKETS = 2**20


def shown(ids: Any, task: str, share: float) -> tf.Tensor:
  """Returns whether gold of a task is shown: bool like the ids."""
  keys = tf.strings.join([f'{task}/', ids])
  return tf.strings.to_hash_bucket_fast(keys, BUCKETS) < int(share * BUCKETS)


def hide(
  ids: Any, weights: Mapping[str, Any], shares: Mapping[str, float]
) -> dict[str, Any]:
  """Returns weights, 0 where gold is hidden.

  Args:
    ids: [...].
    weights: {task: [...] or [..., K]}.
    shares: {task: share}; gold of other tasks is all shown.
  """
  found = dict(weights)
  for task, share in shares.items():
    if task not in found or share >= 1:
      continue
    use: Any = shown(ids, task, share)
    weight = found[task]
    if len(weight.shape) > len(use.shape):
      use = use[..., tf.newaxis]
    found[task] = tf.where(use, weight, tf.zeros_like(weight))
  return found


def check(
  setting: Mapping[str, Any], tasks: Sequence[str], corpora: Sequence[str]
) -> None:
  """Raises UserError if config.data.gold_share names or sets what it cannot."""
  known = [*tasks, *(f'{c}/{t}' for c in corpora for t in tasks)]
  for key, share in setting.items():
    by_name.check('config.data.gold_share', key, known)
    if not 0 <= share <= 1:
      raise UserError(
        f'config.data.gold_share {key}={share} must be in [0, 1].'
      )


def of_corpus(setting: Mapping[str, float], corpus: str) -> dict[str, float]:
  """Returns {task: share} of a corpus; 'CORPUS/TASK' goes before 'TASK'."""
  found = {k: v for k, v in setting.items() if '/' not in k}
  prefix = f'{corpus}/'
  own = {k: v for k, v in setting.items() if k.startswith(prefix)}
  return found | {k.removeprefix(prefix): v for k, v in own.items()}
