"""Unimodal labels of Self-MM, generated from the multimodal annotation.

Nobody annotated how positive the voice alone is. But the position of a
sample's features, between the mean of the positive samples and the mean of the
negative ones, is known for each modality and for their fusion; the difference
of the two moves the label. Yu et al., 2021 (see `self_mm`); the formulas are
those of the authors' code (thuiar/Self-MM @1786283, the same in thuiar/MMSA
@a94e65d): its distances are neither squared nor scaled by the width.

A bank holds what is known of the N training samples:

  {'features': {name: f32 [N, D]}, 'labels': {name: f32 [N]},
   'known': {name: f32 [N]}, 'batches': f32 []}

for each modality and for 'fusion', whose labels are the annotated ones.
'known' is 1 where a sample was seen, else 0; 'batches' counts updates. They
are floats because the moving average of the model's state (EMA) needs floats.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Bank = dict[str, Any]

FUSION = 'fusion'
# As in both quotients of the authors' code.
EPSILON = 1e-8


def empty(size: int, widths: Mapping[str, int]) -> Bank:
  """Returns a bank that knows no sample yet.

  Args:
    size: Number of training samples.
    widths: {name: width of its features} for each modality and 'fusion'.
  """
  zeros = lambda *shape: jnp.zeros(shape, jnp.float32)
  return {
    'features': {name: zeros(size, width) for name, width in widths.items()},
    'labels': {name: zeros(size) for name in widths},
    'known': {name: zeros(size) for name in widths},
    'batches': zeros(),
  }


def epoch(bank: Bank, batch_size: int) -> jax.Array:
  """Returns 1 + the number of complete passes over the samples, int32 []."""
  size = len(bank['labels'][FUSION])
  return 1 + bank['batches'].astype(jnp.int32) * batch_size // size


def look_up(
  bank: Bank, name: str, rows: jax.Array, targets: jax.Array
) -> jax.Array:
  """Returns the current labels [B]; the target where none is known yet.

  Args:
    bank: See above.
    name: A modality, or 'fusion'.
    rows: int32 [B], indices of the samples; the label of a negative index has
      no meaning.
    targets: f32 [B], their annotated labels.
  """
  known, labels = bank['known'][name][rows], bank['labels'][name][rows]
  return jnp.where(known > 0, labels, targets)


def weighted_error(
  predictions: jax.Array,
  labels: jax.Array,
  targets: jax.Array,
  counts: jax.Array,
) -> jax.Array:
  """Returns the mean of tanh(|label - target|) |prediction - label|.

  Args:
    predictions, labels, targets: f32 [B]; labels and targets are constants.
    counts: bool [B], the rows to average over. If no row counts, the mean is 0.
  """
  weights = jnp.tanh(jnp.abs(labels - targets))
  errors = jnp.where(counts, weights * jnp.abs(predictions - labels), 0.0)
  return errors.sum() / jnp.maximum(counts.sum(), 1)


def updated(
  bank: Bank,
  rows: jax.Array,
  targets: jax.Array,
  features: Mapping[str, jax.Array],
  seen: Mapping[str, jax.Array],
  limit: float,
) -> Bank:
  """Returns the bank after a batch.

  From the second epoch on, the labels of the modalities move, by the centres
  from before this batch. They stay as long as the modality or the fusion has no
  positive or no negative samples, where the authors' code gets NaN. Then the
  features of the batch are stored.

  Args:
    bank: See above.
    rows: int32 [B], indices of the samples. A sample with a negative index has
      no label and is not stored. If an index appears more than once, its first
      row is stored.
    targets: f32 [B], annotated labels, finite.
    features: {name: f32 [B, D]} of all modalities and of 'fusion'.
    seen: {modality: bool [B]}; where it is False, nothing is stored.
    limit: Labels are clipped to [-limit, limit].
  """
  n = epoch(bank, len(rows)).astype(jnp.float32)
  size = len(bank['labels'][FUSION])
  near, has_both = {}, {}
  for name, x in features.items():
    positive, negative, has_both[name] = centres(
      *(bank[kind][name] for kind in ('features', 'labels', 'known'))
    )
    near[name] = closeness(x, positive, negative)
  new: Bank = {k: {} for k in ('features', 'labels', 'known')}
  for name, x in features.items():
    labels = targets
    if name != FUSION:
      labels = look_up(bank, name, rows, targets)
      new_labels = generated(targets, near[name], near[FUSION], limit)
      moves = has_both[name] & has_both[FUSION]
      moves = moves & (n > 1) & jnp.isfinite(new_labels)
      mean = (n - 1) / (n + 1) * labels + 2 / (n + 1) * new_labels
      labels = jnp.where(moves, mean, labels)
    stored = first(rows)
    if name != FUSION:
      stored &= seen[name]
    # `size` is out of bounds: what is set there is dropped.
    index = jnp.where(stored, rows, size)
    for kind, values in (
      ('features', x.astype(jnp.float32)),
      ('labels', labels),
      ('known', jnp.ones_like(targets)),
    ):
      new[kind][name] = bank[kind][name].at[index].set(values, mode='drop')
  return new | {'batches': bank['batches'] + 1}


def first(rows: jax.Array) -> jax.Array:
  """Returns True where a non-negative index appears for the first time.

  If one index were set twice, either value might be stored.
  """
  same = rows[:, np.newaxis] == rows[np.newaxis]
  return (rows >= 0) & ~jnp.tril(same, -1).any(-1)


def centres(
  features: jax.Array, labels: jax.Array, known: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Returns the mean features of positive and of negative samples.

  Args:
    features: f32 [N, D].
    labels: f32 [N]; samples with label 0 are on neither side.
    known: f32 [N], 1 or 0; samples with 0 are left out.

  Returns:
    Means [D] of the positive and of the negative samples, 0 if there are none,
    and bool [], whether there are samples of both.
  """

  def mean(members):
    total = jnp.where(members[:, np.newaxis], features, 0.0).sum(0)
    return total / jnp.maximum(members.sum(), 1)

  positive = (known > 0) & (labels > 0)
  negative = (known > 0) & (labels < 0)
  return mean(positive), mean(negative), positive.any() & negative.any()


def closeness(
  features: jax.Array, positive: jax.Array, negative: jax.Array
) -> jax.Array:
  """Returns (distance to negative - to positive) / (distance to positive).

  Args:
    features: [B, D].
    positive, negative: Centres [D].

  Returns:
    [B], at least -1; large near the positive centre.
  """
  to_positive, to_negative = (
    jnp.linalg.norm(features - centre[np.newaxis], axis=-1)
    for centre in (positive, negative)
  )
  return (to_negative - to_positive) / (to_positive + EPSILON)


def generated(
  targets: jax.Array, own: jax.Array, fused: jax.Array, limit: float
) -> jax.Array:
  """Generates labels of a modality from targets and closeness.

  A label is the mean of the target times the ratio of the two closenesses, and
  of the target plus their difference.

  Args:
    targets: [B].
    own: Closeness [B] of the modality's features.
    fused: Closeness [B] of the fusion's.
    limit: Labels are clipped to [-limit, limit].

  Returns:
    [B]; NaN where the ratio is NaN.
  """
  ratio = own / (fused + EPSILON)
  labels = (ratio * targets + (targets + own - fused)) / 2
  return jnp.clip(labels, -limit, limit)
