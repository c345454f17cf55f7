"""The native table of utterances: one row for each, always.

  input        name of the table, feature file or recording
  id           as the file has it; of a recording the segment's number, from 0
  start_s, end_s  seconds from where playing begins; empty if unknown
  text         what was said
  used         modalities that were read: text+audio
  success      1: predicted; 0: not
  reason       why not, or which part of it could not be read

and of the tasks that the run has learned

  sentiment    a value, on the run's scale: -3 to 3
  emotion, sentiment_class  the likeliest class
  p_emotion_CLASS, p_sentiment_class_CLASS  its probability
  sarcasm_p    probability
  sarcasm_c    1 if that is above the threshold, else 0
  emotion_NAME_p, emotion_NAME_c  likewise, of runs with several at once

Tasks of faces have the columns of `affect_jax.predict.columns`. What is unknown
is empty, never 0: NaN for whoever reads the table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from affect_jax import errors
from affect_jax.predict import columns as face_columns
from affect_jax.predict.spoken import segment
from affect_jax.run import signature as signature_lib
from affect_jax.weak import table

# Raise it where a column changes its meaning.
SCHEMA_VERSION = 1
OF_SEGMENTS: Mapping[str, Any] = {
  'input': pa.string(),
  'id': pa.string(),
  'start_s': pa.float64(),
  'end_s': pa.float64(),
  'text': pa.string(),
  'used': pa.string(),
  'success': pa.int32(),
  'reason': pa.string(),
}
_OF_FACES = ('expression', 'action_units', 'valence_arousal')


class Columns:
  """The columns of a run's table.

  Attributes:
    outputs: {task: names of its outputs}, in the run's order.
    thresholds: {task: {output: threshold in [0, 1]}} of what is there or not.
    types: {column: its type in parquet}, in order.
    of_predictions: Names of the columns of predictions.
  """

  def __init__(
    self, tasks: Sequence[Any], thresholds: Mapping[str, Mapping[str, float]]
  ):
    self._kinds = {task.name: table.kind_of(task) for task in tasks}
    self.outputs = {task.name: tuple(task.outputs) for task in tasks}
    self.thresholds = {task: dict(of) for task, of in thresholds.items()}
    nothing = {
      task: np.zeros(len(names), np.float32)
      for task, names in self.outputs.items()
    }
    types = {str: pa.string(), int: pa.int32(), np.float32: pa.float32()}
    of_predictions = {
      k: types[type(x)] for k, x in self.values(nothing).items()
    }
    self.of_predictions = tuple(of_predictions)
    self.types = {**OF_SEGMENTS, **of_predictions}

  @property
  def names(self) -> tuple[str, ...]:
    """Names of all columns, in order."""
    return tuple(self.types)

  def row(self, row: segment.Row) -> dict[str, Any]:
    """Returns {column: value} of a row; None where nothing is known.

    Raises:
      errors.Diverged: A prediction is not finite.
    """
    part = row.segment
    number = lambda x: None if np.isnan(x) else round(float(x), 6)
    found: dict[str, Any] = {
      'input': part.input,
      'id': part.id,
      'start_s': number(part.start),
      'end_s': number(part.end),
      'text': part.text or None,
      'used': '+'.join(row.used) or None,
      'success': int(row.predictions is not None),
      'reason': row.reason or None,
    }
    if row.predictions is None:
      return found | dict.fromkeys(self.of_predictions)
    return found | self.values(row.predictions)

  def values(self, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Returns {column: float32, int or str} of predictions {task: [K]}."""
    values: dict[str, Any] = {}
    for task, names in self.outputs.items():
      numbers = np.asarray(predictions[task], np.float32)
      if not np.all(np.isfinite(numbers)):
        raise errors.Diverged(
          f'A prediction of {task} is not finite: the run diverged in training.'
        )
      if task in _OF_FACES:
        of_task = face_columns.Columns(
          {task: names}, self.thresholds.get(task, {})
        )
        values |= of_task.values({task: numbers})
      elif self._kinds[task] == 'class':
        values[task] = names[int(np.argmax(numbers))]
        for name, number in zip(names, numbers, strict=True):
          values[f'p_{task}_{name}'] = number
      elif self._kinds[task] == 'value':
        values |= dict(zip(names, numbers, strict=True))
      else:
        for name, number in zip(names, numbers, strict=True):
          key = task if name == task else f'{task}_{name}'
          values[f'{key}_p'] = number
          values[f'{key}_c'] = int(number > self.thresholds[task][name])
    return values


def thresholds(
  trained: signature_lib.Trained, corpus: str, fixed: float | None = None
) -> dict[str, dict[str, float]]:
  """Returns {task: {output: threshold}} of outputs that are there or not.

  An output without a tuned threshold (validation had no positive of it, there
  was no validation, or the task tunes none) has .5.

  Args:
    trained: The run.
    corpus: Whose tuned thresholds; '': the mean over all that have one.
    fixed: In place of all tuned ones.
  """
  found = {}
  of_corpora = [
    of
    for name, of in trained.thresholds.items()
    if not corpus or name == corpus
  ]
  for task in trained.tasks:
    if table.kind_of(task) != 'presence':
      continue
    found[task.name] = {}
    for name in task.outputs:
      tuned = [of.get(task.name, {}).get(name) for of in of_corpora]
      tuned = [x for x in tuned if x is not None]
      number = float(np.mean(tuned)) if tuned else 0.5
      found[task.name][name] = number if fixed is None else fixed
  return found
