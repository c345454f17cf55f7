"""A tiny model and tiny corpora for tests of the loop, not of learning."""

import csv

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from affect_jax import tasks

EXPRESSIONS = ('neutral', 'happiness', 'anger')


class Heads(nn.Module):
  """One dense layer per task."""

  units: tuple

  @nn.compact
  def __call__(self, x):
    return {name: nn.Dense(k, name=name)(x) for name, k in self.units}


class Model(nn.Module):
  """Convolution, BatchNorm, mean, heads: compiles in a second."""

  units: tuple
  axis_name: str | None = None
  norm: bool = True
  dropout: float = 0.0

  @nn.compact
  def __call__(self, inputs, *, train):
    x = nn.Conv(6, (3, 3), use_bias=not self.norm, name='conv')(inputs['image'])
    if self.norm:
      x = nn.BatchNorm(not train, axis_name=self.axis_name, name='bn')(x)
    x = nn.relu(x).mean((1, 2))
    x = nn.Dropout(self.dropout)(x, deterministic=not train)
    return Heads(self.units, name='heads')(x)


def all_tasks():
  return [
    tasks.get_task('expression', outputs=EXPRESSIONS),
    tasks.get_task('action_units', outputs=('AU1', 'AU12')),
    tasks.get_task('valence_arousal', loss='ccc_mse'),
  ]


def model(task_list, **options):
  units = tuple((t.name, t.num_units) for t in task_list)
  return Model(units, **options)


def batch(size, seed=0, pixels=6):
  """Random labels, a third of them missing, with garbage nowhere."""
  r = np.random.default_rng(seed)
  expression = np.eye(3, dtype=np.float32)[r.integers(0, 3, size)]
  keep = lambda *shape: (r.random(shape) < 0.67).astype(np.float32)
  return {
    'inputs': {'image': r.random((size, pixels, pixels, 3), np.float32)},
    'labels': {
      'expression': expression,
      'action_units': r.integers(0, 2, (size, 2)).astype(np.float32),
      'valence_arousal': r.uniform(-1, 1, (size, 2)).astype(np.float32),
    },
    'weights': {
      'expression': keep(size),
      'action_units': keep(size, 2),
      'valence_arousal': keep(size, 2),
    },
  }


def state(model, tx, data, with_ema=False, balancing=None):
  """A fresh state; `balancing` is a multitask.Method."""
  from affect_jax.training import task_gradients
  from affect_jax.training import train_state

  def init_balancing(params):
    if balancing is None:
      return ()
    return balancing.init(len(model.units), task_gradients.shared(params))

  create = lambda rng: train_state.create(
    model,
    tx,
    data['inputs'],
    rng,
    with_ema=with_ema,
    init_balancing=init_balancing,
  )
  return jax.tree.map(jnp.copy, create(jax.random.key(0)))


def write_faces_csv(folder, counts=(24, 12, 12), pixels=32, seed=0):
  """faces.csv with random pictures; a third of the cells is empty."""
  r = np.random.default_rng(seed)
  folder.mkdir(parents=True, exist_ok=True)
  path = folder / 'faces.csv'
  with open(path, 'w', newline='') as file:
    rows = csv.writer(file)
    rows.writerow(
      ['image', 'split', 'expression', 'valence', 'arousal', 'AU1', 'AU12']
    )
    for split, count in zip(('train', 'val', 'test'), counts, strict=True):
      for i in range(count):
        image = r.integers(0, 256, (pixels, pixels, 3), np.uint8)
        name = f'{split}{i}.png'
        Image.fromarray(image).save(folder / name)
        cells = [
          EXPRESSIONS[i % 3],
          *(f'{x:.3f}' for x in r.uniform(-1, 1, 2)),
          *(i // 2 % 2, i % 2),
        ]
        # The first label stays, so that no row is without any.
        shown = [
          c if k == i % 5 or r.random() < 0.67 else ''
          for k, c in enumerate(cells)
        ]
        rows.writerow([name, split, *shown])
  return path
