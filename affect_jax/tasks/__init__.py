"""Tasks by name: one file each.

To add a task, write a module with `build`, whose parameters are the task's
options in a config, and with `ANNOTATION`, which describes the labels; then
name the module in TASKS.
"""

import types
from typing import Any

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.tasks import action_units
from affect_jax.tasks import annotation
from affect_jax.tasks import base
from affect_jax.tasks import emotion
from affect_jax.tasks import expression
from affect_jax.tasks import sarcasm
from affect_jax.tasks import sentiment
from affect_jax.tasks import sentiment_class
from affect_jax.tasks import valence_arousal

TASKS: dict[str, types.ModuleType] = {
  # Labels of a face.
  'expression': expression,
  'valence_arousal': valence_arousal,
  'action_units': action_units,
  # Labels of an utterance.
  'emotion': emotion,
  'sentiment': sentiment,
  'sentiment_class': sentiment_class,
  'sarcasm': sarcasm,
}


def get_annotation(name: str) -> annotation.Annotation:
  """Returns a task's annotation; UserError if the task is unknown."""
  return _module(name).ANNOTATION


def get_task(name: str, **options: Any) -> base.Task:
  """Builds a task by name; `options` are those of its module's `build`.

  Raises:
    UserError: Unknown name, option or value; the message lists the known ones.
  """
  build = _module(name).build
  by_name.check_options(f'task {name!r}', options, build)
  try:
    return build(**options)
  except UserError as error:
    # Tasks share code, which does not know for which of them it runs.
    raise UserError(f'Task {name!r}: {error}') from error


def _module(name: str) -> types.ModuleType:
  return by_name.get('task', name, TASKS)
