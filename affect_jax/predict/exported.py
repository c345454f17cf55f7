"""A run that was exported to ONNX predicts pictures: no JAX, no TensorFlow."""

from collections.abc import Callable, Sequence
import functools
import hashlib
import os
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax import user_path
from affect_jax.corpora.files import decoding
from affect_jax.corpora.files import pictures as picture_files
from affect_jax.errors import UserError
from affect_jax.evaluation import thresholds
from affect_jax.media import pictures
from affect_jax.media import resize
from affect_jax.models import json_file
from affect_jax.models import onnx_file
from affect_jax.predict import columns as columns_lib

# What a file says of itself, besides what is read at once.
_ABOUT = ('step', 'input', 'tasks', 'thresholds', 'model', 'packages')


class Exported:
  """Does what a `predictor.Predictor` does for `table.predict`.

  Attributes:
    columns: Of the run's predictions, with thresholds.
    rules: How pictures that are crops are brought into shape.
    window: 0, as only models that read pictures are exported.
    read: (path, rules) -> a frame, decoded without TensorFlow.
  """

  window = 0
  read = staticmethod(
    functools.partial(pictures.read, decode=decoding.without_tensorflow)
  )

  def __init__(
    self,
    path: str | os.PathLike[str],
    *,
    threshold: float | str = thresholds.TUNED,
    corpus: str = '',
  ):
    """Reads model.onnx, as `affect_jax.export` writes it.

    Args:
      path: The file. What it does not say itself, model.json beside it says.
      threshold: See `thresholds.of_units`.
      corpus: See `thresholds.of_units`.

    Raises:
      MissingExtra: onnxruntime is not installed.
      UserError: The file is missing, cut, or of another program.
    """
    self._path = user_path.expand(path)
    self._run, said = onnx_file.load(self._path)
    self._about = said or _beside(self._path)
    try:
      self._understand(threshold, corpus)
    except UserError:
      raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
      raise UserError(
        f'What {self._path}, or model.json beside it, says of its pictures and '
        f'outputs is damaged ({error!r}): export or copy it again.'
      ) from error

  def _understand(self, threshold: float | str, corpus: str) -> None:
    """Reads what the file, or model.json, says."""
    if absent := [key for key in _ABOUT if key not in self._about]:
      raise KeyError(absent[0])
    of_input, tasks = self._about['input'], self._about['tasks']
    self._size = int(of_input['image_size'])
    self.rules = picture_files.Rules.among(of_input)
    outputs = {task: of['outputs'] for task, of in tasks.items()}
    self.columns = columns_lib.Columns(
      outputs,
      thresholds.of_units(
        outputs, self._about['thresholds'], threshold, corpus
      ),
    )
    self._views = of_input.get('views', 'whole')
    if self._views not in ('whole', 'flip'):
      logging.warning(
        'The run itself averages windows of each picture (%s); its file '
        'predicts the whole picture.',
        self._views,
      )

  def describe(self) -> dict[str, Any]:
    """Returns what tells this model and its pictures from others, as JSON."""
    with open(self._path, 'rb') as file:
      digest = hashlib.file_digest(file, 'sha256').hexdigest()
    return {
      'run': str(self._path),
      'checkpoint_step': self._about['step'],
      'weights_sha256': digest,
      'tasks': self.columns.outputs,
      'preprocessing': self._about['input'],
      'model': self._about['model'],
      'packages': self._about['packages'],
    }

  def resized(self, picture: np.ndarray) -> np.ndarray:
    """Makes uint8 [H, W, 3] f32 [S, S, 3] in [0, 1], as evaluation does."""
    return resize.to_square(picture, self._size)

  def start(
    self,
    crops: Sequence[np.ndarray],
    places: Sequence[tuple[int, int]],
  ) -> Callable[[], dict[str, np.ndarray]]:
    """Predicts N pictures f32 [S, S, 3]; see `predictor.Predictor.start`."""
    del places  # Each has a row of its own, in order.
    image = np.stack(crops)
    outputs = self._run(image)
    for task, names in self.columns.outputs.items():
      shape = np.shape(outputs.get(task))
      if shape != (len(image), len(names)):
        raise UserError(
          f'{self._path} gives {shape} for {task}, and should give '
          f'{(len(image), len(names))}: export or copy it again.'
        )
    if self._views == 'flip':
      mirrored = self._run(np.ascontiguousarray(image[:, :, ::-1]))
      tasks = self._about['tasks']
      outputs = {
        t: (x + mirrored[t][:, tasks[t]['mirror']]) / 2
        for t, x in outputs.items()
      }
    return lambda: outputs


def _beside(path: pathlib.Path) -> dict[str, Any]:
  """Returns the content of model.json beside a file.

  Raises:
    UserError: There is none.
  """
  beside = path.with_name('model.json')
  if not beside.is_file():
    raise UserError(
      f'{path} says nothing of its outputs, and there is no {beside.name} '
      'beside it: give a file that affect_jax.export wrote.'
    )
  return json_file.read(beside)
