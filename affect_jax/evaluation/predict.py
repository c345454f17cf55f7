"""Predictions of a whole split, gathered: nothing is averaged over batches.

22 outputs of a million frames are 88 MB.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flax import linen as nn
import jax
from jax.experimental import multihost_utils
import numpy as np

from affect_jax.augmentation import augment
from affect_jax.data import batch as batch_lib
from affect_jax.evaluation import views as views_lib
from affect_jax.training import parallel as parallel_lib


def make_predict(
  model: nn.Module,
  tasks: Sequence[Any],
  parallel: parallel_lib.Parallel,
  *,
  views: str = 'whole',
  crop_size: int = 0,
) -> Callable[[Any, Any], Any]:
  """Compiles (variables, batch) -> the batch with 'predictions', everywhere.

  Args:
    model: The model, built for jit (no axis_name).
    tasks: Its tasks.
    parallel: Where to run.
    views: Of `views.VIEWS`: whose predictions are averaged.
    crop_size: Of the views that are windows.
  """

  def predict(variables, inputs, mirrored=False):
    outputs = model.apply(variables, inputs, train=False)
    values = {t.name: t.predict(outputs[t.name]) for t in tasks}
    if mirrored:
      values = {
        t.name: values[t.name][..., augment.mirror(t.outputs)] for t in tasks
      }
    return values

  def step(variables, batch):
    inputs = batch['inputs']
    if views == 'whole':
      predictions = predict(variables, inputs)
    else:
      pictures = views_lib.VIEWS[views](inputs['image'], crop_size)
      each = [
        predict(variables, {**inputs, 'image': view}, mirrored)
        for view, mirrored in pictures
      ]
      predictions = jax.tree.map(lambda *x: sum(x) / len(x), *each)
    kept = {k: batch[k] for k in ('labels', 'weights')}
    return {'predictions': predictions, **kept}

  # Replicated: every process gets all rows.
  return jax.jit(step, out_shardings=parallel.replicated)


def predict_split(
  predict: Callable,
  variables: Any,
  batches: Iterable[batch_lib.Batch],
  parallel: parallel_lib.Parallel,
) -> dict[str, Any]:
  """Runs over a split; returns its rows without the padding.

  Returns:
    A frame in several windows is one row, with the mean of its predictions.
    {'id': [N] str, 'predictions' | 'labels' | 'weights': {task: [N, ...]}}.
  """
  parts = []

  def put(batch):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    return batch['id'], parallel.put_global(arrays)

  for ids, batch in parallel_lib.prefetch(batches, put):
    rows = jax.device_get(predict(variables, batch))
    if ids.ndim == 2:  # Frames of windows are rows.
      rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows)
    parts.append({'id': _all_ids(ids.ravel()), **rows})
  rows = jax.tree.map(lambda *x: np.concatenate(x), *parts)
  real = rows['id'] != ''
  rows = _once(jax.tree.map(lambda x: x[real], rows))
  for task, values in rows['predictions'].items():
    if not np.all(np.isfinite(values)):
      sample = rows['id'][~np.isfinite(values).all(-1)][0]
      raise FloatingPointError(
        f'The prediction of {task} for {sample} is not finite: training '
        'diverged. A lower config.learning_rate or config.clip_norm may help.'
      )
  return rows


def _once(rows: dict[str, Any]) -> dict[str, Any]:
  """Averages the predictions of samples that are there more than once.

  They are frames that lie in several windows; they keep their first place.
  """
  _, first, inverse = np.unique(
    rows['id'].astype(str), return_index=True, return_inverse=True
  )
  if len(first) == len(inverse):
    return rows
  order = np.argsort(first)
  counts = np.bincount(inverse)

  def mean(x):
    total = np.zeros((len(first), *x.shape[1:]), np.float64)
    np.add.at(total, inverse, x)
    return (total.T / counts).T.astype(x.dtype)[order]

  kept = jax.tree.map(lambda x: x[first[order]], rows)
  return {**kept, 'predictions': jax.tree.map(mean, rows['predictions'])}


def _all_ids(ids: np.ndarray) -> np.ndarray:
  ids = np.array([x.decode() for x in ids], object)
  if jax.process_count() == 1:
    return ids
  width = 256  # Collectives want numbers of one size.
  raw = np.zeros((len(ids), width), np.uint8)
  for i, x in enumerate(ids):
    data = x.encode()[:width]
    raw[i, : len(data)] = np.frombuffer(data, np.uint8)
  raw = multihost_utils.process_allgather(raw, tiled=True)
  return np.array([bytes(x).rstrip(b'\0').decode() for x in raw], object)
