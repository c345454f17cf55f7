"""A trained run of faces that predicts pictures; needs no corpus."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import os
import pathlib
from typing import Any

import jax
import numpy as np
from PIL import Image
import tensorflow as tf

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora.files import pictures as picture_files
from affect_jax.data import face_batches
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import thresholds
from affect_jax.evaluation import views
from affect_jax.media import pictures
from affect_jax.predict import columns as columns_lib
from affect_jax.run import folder as run_folder
from affect_jax.run import hub
from affect_jax.run import picture_rules
from affect_jax.run import signature as signature_lib
from affect_jax.training import checkpoint
from affect_jax.training import parallel as parallel_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
  """What a run says of N pictures.

  Attributes:
    columns: Names and thresholds.
    arrays: {task: f32 [N, K]}: probabilities of expressions and of action
      units, values in [-1, 1] of valence and arousal.
  """

  columns: columns_lib.Columns
  arrays: Mapping[str, np.ndarray]

  def __len__(self) -> int:
    return len(next(iter(self.arrays.values())))

  def __getitem__(self, column: str) -> np.ndarray:
    """Returns a column [N] by its name: 'valence', 'expr', 'AU12_c', ..."""
    if column not in self.columns.of_predictions:
      raise KeyError(
        f'{column!r}; known: {", ".join(self.columns.of_predictions)}'
      )
    return np.array([row[column] for row in self._rows()])

  def to_pandas(self) -> Any:
    """Returns a pandas frame with a row for each picture."""
    try:
      import pandas as pd
    except ImportError as error:
      raise MissingExtra('A frame needs pandas: pip install pandas.') from error
    names = list(self.columns.of_predictions)
    return pd.DataFrame(self._rows(), columns=pd.Index(names))

  def _rows(self) -> list[dict[str, Any]]:
    return [
      self.columns.values({t: x[i] for t, x in self.arrays.items()})
      for i in range(len(self))
    ]


class Predictor:
  """Predicts pictures as the run's own evaluation does.

  Attributes:
    columns: Of the run's predictions, with thresholds.
    rules: How pictures that are crops are brought into shape.
    window: Frames that a model over time reads at once; 0: it reads pictures.
    read: (path, rules) -> a frame, decoded as in training.
  """

  read = staticmethod(pictures.read)

  def __init__(
    self,
    workdir: str | os.PathLike[str],
    step: int | None = None,
    *,
    threshold: float | str = thresholds.TUNED,
    corpus: str = '',
  ):
    """Reads a run.

    Args:
      workdir: Its folder, or that of a published model, or its name on the
        Hub, see `hub.local`.
      step: Step of a checkpoint; None: the best one, or the latest if there
        was no validation.
      threshold: Of all action units, in [0, 1]; 'tuned': those that the run
        tuned on validation.
      corpus: Whose thresholds, and whose rules of pictures; '': the mean of
        thresholds, where a run has several corpora, and rules that all share.

    Raises:
      FileNotFoundError: There is no checkpoint.
      UserError: The folder holds no run, several runs, or one that does not
        read faces; or the corpus is unknown, or must be named.
    """
    self._workdir = user_path.expand(hub.local(os.fspath(workdir)))
    check_folder(self._workdir)
    self._trained = signature_lib.load(str(self._workdir), step)
    signature = self._trained.signature
    self.rules = picture_rules.read(self._workdir, corpus)
    self._parallel = parallel_lib.build()
    with signature_lib.damage_named(str(self._workdir)):
      self.window = int(signature.inputs['window'])
      self._size = int(signature.inputs['image_size'])
      by_name.check('views', signature.inputs['views'], views.VIEWS)
      self._apply = predict_lib.make_predict(
        self._trained.model,
        self._trained.tasks,
        self._parallel,
        views=signature.inputs['views'],
        crop_size=int(signature.inputs['crop_size']),
      )
    outputs = {task.name: task.outputs for task in self._trained.tasks}
    # A corpus without validation can be named for its rules, and tuned none.
    of_rules = picture_rules.of_corpora(self._workdir) if corpus else {}
    tuned = {name: {} for name in of_rules if name} | dict(
      self._trained.thresholds
    )
    self.columns = columns_lib.Columns(
      outputs, thresholds.of_units(outputs, tuned, threshold, corpus)
    )
    self._compiled: set[int] = set()

  def describe(self) -> dict[str, Any]:
    """Returns what tells this model and its pictures from others, as JSON."""
    signature = self._trained.signature
    return {
      'run': str(self._workdir),
      'checkpoint_step': self._trained.step,
      'weights_sha256': checkpoint.digest(self._trained.variables),
      'tasks': self.columns.outputs,
      'preprocessing': {**signature.inputs, **dataclasses.asdict(self.rules)},
      'model': signature.model,
      'packages': signature.packages,
    }

  def predict(
    self, images: Sequence[Any] | np.ndarray, batch_size: int = 64
  ) -> Predictions:
    """Predicts crops of faces.

    Args:
      images: Paths of pictures, or pictures as Pillow or arrays hold them: RGB
        or grey, uint8 [H, W, 3] or [H, W]. A run that learned from windows
        takes them as consecutive frames of one face.
      batch_size: Pictures at a time.

    Raises:
      UserError: A picture cannot be read, or is no uint8; the message says
        which.
    """
    if isinstance(images, (str, os.PathLike)):
      raise UserError('Give a list of pictures, not a single one.')
    images = list(images)
    window = max(1, self.window)
    step = max(1, batch_size // window) * window
    parts = []
    for first in range(0, len(images), step):
      crops = [
        self.resized(self._pixels(image, first + i))
        for i, image in enumerate(images[first : first + step])
      ]
      places = [divmod(i, window) for i in range(len(crops))]
      parts.append(self.start(crops, places)())
    arrays = {
      task: np.concatenate(
        [np.zeros((0, len(names)), np.float32), *(p[task] for p in parts)]
      )
      for task, names in self.columns.outputs.items()
    }
    return Predictions(self.columns, arrays)

  def resized(self, picture: np.ndarray) -> np.ndarray:
    """Makes uint8 [H, W, 3] f32 [S, S, 3] in [0, 1], as evaluation does."""
    size = self._size
    image: Any = face_batches.to_size(tf.constant(picture), size)
    return image.numpy()

  def start(
    self,
    crops: Sequence[np.ndarray],
    places: Sequence[tuple[int, int]],
  ) -> Callable[[], dict[str, np.ndarray]]:
    """Starts to predict, and returns a function that waits for the result.

    Args:
      crops: N pictures f32 [S, S, 3], see `resized`.
      places: For each its row in the batch, and its place in the window of
        that row, which is 0 where the model reads pictures.

    Returns:
      () -> {task: f32 [N, K]}.
    """
    row, time = np.array(places, int).reshape(-1, 2).T
    rows = self._rows(int(row.max()) + 1)
    shape = (self._size, self._size, 3)
    if self.window:
      image = np.zeros((rows, self.window, *shape), np.float32)
      mask = np.zeros((rows, self.window), bool)
      image[row, time], mask[row, time] = np.array(crops), True
      inputs = {'image': image, 'image_mask': mask}
      at: Any = (row, time)
    else:
      image = np.zeros((rows, *shape), np.float32)
      image[row] = np.array(crops)
      inputs, at = {'image': image}, row
    batch = self._parallel.put_global({'inputs': inputs})
    outputs = self._apply(self._trained.variables, batch)['predictions']
    return lambda: {k: np.asarray(x)[at] for k, x in outputs.items()}

  def _rows(self, needed: int) -> int:
    """Returns how many rows a batch gets, filled up with zeros.

    Every number of rows is a program of its own, which takes seconds to
    compile: one that exists is used if it is large enough, else one of the next
    power of 2 is made. Devices share the rows evenly.
    """
    fits = [rows for rows in self._compiled if rows >= needed]
    if fits:
      return min(fits)
    rows = 1 << (needed - 1).bit_length()
    rows += -rows % self._parallel.num_devices
    self._compiled.add(rows)
    return rows

  def _pixels(self, image: Any, index: int) -> np.ndarray:
    """Returns a crop as uint8 [H, W, 3]."""
    if isinstance(image, (str, os.PathLike)):
      frame = pictures.read(user_path.expand(image), self.rules)
      if frame.image is None:
        raise UserError(f'{image} {frame.reason}.')
      return frame.image
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.shape[2:] not in ((), (3,), (4,)):
      raise UserError(
        f'Picture {index} is {array.dtype} {list(array.shape)}; RGB or grey '
        'of uint8 is needed, from 0 to 255.'
      )
    picture = Image.fromarray(array).convert('RGB')
    return np.asarray(picture_files.squared(picture, self.rules))


def check_folder(workdir: pathlib.Path) -> None:
  """Raises UserError if a folder is not that of one run of faces.

  A run from before there were signatures passes: `signature.load` says how to
  make one.
  """
  signature = signature_lib.read(str(workdir))
  if signature is None:
    runs = sorted(p.parent for p in workdir.glob(f'*/{signature_lib.FILE}'))
    if runs:
      raise UserError(f'{workdir} holds several runs: give one, as {runs[0]}.')
    run_folder.require(str(workdir))
  elif signature.kind != 'faces':
    raise UserError(
      f'{workdir} learned from {signature.kind}: pictures and videos need a '
      'run that learned from faces, such as that of configs/faces_csv.py.'
    )


def device() -> str:
  """Returns what the model runs on, in words."""
  devices = jax.devices()
  return f'{len(devices)} × {devices[0].device_kind}'
