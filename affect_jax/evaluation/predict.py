"""Gathers the predictions of a whole split: metrics are no means of batches.

22 outputs of a million frames take 88 MB.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flax import linen as nn
import jax
import numpy as np

from affect_jax import errors
from affect_jax.augmentation import augment
from affect_jax.data import batch as batch_lib
from affect_jax.evaluation import views as views_lib
from affect_jax.training import ahead
from affect_jax.training import parallel as parallel_lib
from affect_jax.training import processes


def make_predict(
  model: nn.Module,
  tasks: Sequence[Any],
  parallel: parallel_lib.Parallel,
  *,
  views: str = 'whole',
  crop_size: int = 0,
) -> Callable[[Any, Any], Any]:
  """Compiles (variables, batch) -> the batch with 'predictions'.

  Every process gets the rows of all processes.

  Args:
    model: The model, built for jit (no axis_name).
    tasks: Its tasks.
    parallel: The devices to run on.
    views: A key of `views.VIEWS`, whose predictions are averaged.
    crop_size: Pixels of views that are windows.
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
    kept = {k: batch[k] for k in ('labels', 'weights', 'row') if k in batch}
    return {'predictions': predictions, **kept}

  # Replicated: every process gets all rows.
  return jax.jit(step, out_shardings=parallel.replicated)


def predict_split(
  predict: Callable,
  variables: Any,
  batches: Iterable[batch_lib.Batch],
  parallel: parallel_lib.Parallel,
) -> dict[str, Any]:
  """Predicts a split; returns its rows without padding.

  Returns:
    {'id': [N] str, 'predictions' | 'labels' | 'weights': {task: [N, ...]}}.
    A frame in several windows is one row, with the mean of its predictions.

  Raises:
    errors.Diverged: A prediction is not finite.
  """
  own_ids, parts = [], []

  def put(numbered):
    number, batch = numbered
    size = len(batch['id'])
    # Number the rows by their order in the split: devices may be ordered unlike
    # processes, and ids do not go through devices with the predictions.
    first = (number * jax.process_count() + jax.process_index()) * size
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    arrays['row'] = np.arange(first, first + size, dtype=np.int32)
    return batch['id'], parallel.put_global(arrays)

  for ids, batch in ahead.prefetch(enumerate(batches), put):
    own_ids.append(ids)
    parts.append(jax.device_get(predict(variables, batch)))
  rows = jax.tree.map(lambda *x: np.concatenate(x), *parts)
  order = np.argsort(rows.pop('row'))
  rows = jax.tree.map(lambda x: x[order], rows)
  if own_ids[0].ndim == 2:  # Make frames of windows rows.
    rows = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), rows)
  rows['id'] = _all_ids(own_ids)
  real = rows['id'] != ''
  rows = _merge_repeated(jax.tree.map(lambda x: x[real], rows))
  for task, values in rows['predictions'].items():
    if not np.all(np.isfinite(values)):
      sample = rows['id'][~np.isfinite(values).all(-1)][0]
      raise errors.Diverged(
        f'The prediction of {task} for {sample} is not finite: training '
        'diverged. A lower config.learning_rate or config.clip_norm may help.'
      )
  return rows


def _merge_repeated(rows: dict[str, Any]) -> dict[str, Any]:
  """Averages the predictions of samples that occur more than once.

  These are frames in several windows; each stays where it occurs first.
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


def _all_ids(batches: Sequence[np.ndarray]) -> np.ndarray:
  """Returns the ids of all processes' rows, in the order of the split.

  Args:
    batches: For each batch the ids of this process' rows, [rows] or [rows, T].
  """
  by_process = processes.gather([x for ids in batches for x in ids.ravel()])
  # Process 0 has the first rows of each batch.
  each = [np.array(ids, object) for ids in by_process]
  each = np.stack([ids.reshape(len(batches), -1) for ids in each], 1)
  return np.array([x.decode() for x in each.ravel()], object)
