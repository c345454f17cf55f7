"""Kinds of annotation by name: one file each, `def loss` inside.

To add one, write its module and add one line here.
"""

from collections.abc import Callable
import inspect
from typing import Any

from affect_jax.errors import UserError
from affect_jax.tasks import action_units
from affect_jax.tasks import base
from affect_jax.tasks import emotion
from affect_jax.tasks import expression
from affect_jax.tasks import sarcasm
from affect_jax.tasks import sentiment
from affect_jax.tasks import sentiment_class
from affect_jax.tasks import valence_arousal

TASKS: dict[str, Callable[..., base.Task]] = {
  # Of a face.
  'action_units': action_units.build,
  'expression': expression.build,
  'valence_arousal': valence_arousal.build,
  # Of an utterance.
  'emotion': emotion.build,
  'sarcasm': sarcasm.build,
  'sentiment': sentiment.build,
  'sentiment_class': sentiment_class.build,
}


def get_task(name: str, **options: Any) -> base.Task:
  """Builds a task by name; `options` are those of its module's `build`.

  Raises:
    ValueError: Unknown name, option or value; the message lists the known.
  """
  if name not in TASKS:
    raise UserError(f'Unknown task {name!r}; known: {sorted(TASKS)}.')
  known = list(inspect.signature(TASKS[name]).parameters)
  unknown = sorted(set(options) - set(known))
  if unknown:
    raise UserError(f'Unknown options {unknown} of {name}; known: {known}.')
  return TASKS[name](**options)
