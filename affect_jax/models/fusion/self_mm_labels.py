"""Labels of each modality on its own, made from those of all: Self-MM's.

Nobody annotated how positive the voice alone is. But where a sample's feature
lies, between the mean of the positive samples and that of the negative ones,
is known for each modality and for their fusion, and how the two differ moves
the label. Yu et al., 2021 (see `self_mm`); the formulas are those of the
authors' code (thuiar/Self-MM @1786283, the same in thuiar/MMSA @a94e65d):
its distances are neither squared nor scaled by the width.

What is known of the N samples of training is a bank:

  {'features': {name: f32 [N, D]}, 'labels': {name: f32 [N]},
   'known': {name: f32 [N]}, 'batches': f32 []}

for each modality and for 'fusion', whose labels are the annotated ones.
'known' is 1 where a sample was seen, else 0; 'batches' counts updates. They
are floats because averages of a model's state (EMA) want floats.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Bank = dict[str, Any]

FUSION = 'fusion'
# As in the authors' code, in both of its quotients.
EPSILON = 1e-8


def empty(size: int, widths: Mapping[str, int]) -> Bank:
  """A bank that knows nothing yet.

  Args:
    size: Samples of training.
    widths: {name: width of its features}, 'fusion' among them.
  """
  each = lambda *shape: jnp.zeros(shape, jnp.float32)
  return {
    'features': {name: each(size, width) for name, width in widths.items()},
    'labels': {name: each(size) for name in widths},
    'known': {name: each(size) for name in widths},
    'batches': each(),
  }


def epoch(bank: Bank, batch_size: int) -> jax.Array:
  """1 until as many samples were drawn as there are, then 2, ...: int32 []."""
  size = len(bank['labels'][FUSION])
  return 1 + bank['batches'].astype(jnp.int32) * batch_size // size


def look_up(
  bank: Bank, name: str, rows: jax.Array, targets: jax.Array
) -> jax.Array:
  """Labels [B] as they are now; those not known yet are the targets.

  Args:
    bank: See above.
    name: A modality, or 'fusion'.
    rows: int32 [B], places of the samples; what a negative one gets means
      nothing.
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
  """Mean of tanh(|label - target|) |prediction - label|; 0 if none counts.

  Args:
    predictions, labels, targets: f32 [B]; labels and targets are constants.
    counts: bool [B], rows of which the mean is taken.
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
  """The bank after a batch.

  From the second epoch on labels of the modalities move, by the centres as
  they were before this batch. They stay while there are no positive or no
  negative samples of the modality or of the fusion, where the authors' code
  gets NaN. Then the features of the batch are put down.

  Args:
    bank: See above.
    rows: int32 [B], places of the samples; negative ones have no label, and
      nothing of them is kept. Of a place that is there more than once, the
      first counts.
    targets: f32 [B] annotated labels, finite.
    features: {name: f32 [B, D]} of all modalities and of 'fusion'.
    seen: {modality: bool [B]}; of one that a sample lacks nothing is kept.
    limit: Labels end at -limit and limit.
  """
  n = epoch(bank, len(rows)).astype(jnp.float32)
  size = len(bank['labels'][FUSION])
  near, two = {}, {}
  for name, x in features.items():
    positive, negative, two[name] = centres(
      *(bank[kind][name] for kind in ('features', 'labels', 'known'))
    )
    near[name] = closeness(x, positive, negative)
  new: Bank = {k: {} for k in ('features', 'labels', 'known')}
  for name, x in features.items():
    labels = targets
    if name != FUSION:
      labels = look_up(bank, name, rows, targets)
      other = generated(targets, near[name], near[FUSION], limit)
      moves = two[name] & two[FUSION] & (n > 1) & jnp.isfinite(other)
      mean = (n - 1) / (n + 1) * labels + 2 / (n + 1) * other
      labels = jnp.where(moves, mean, labels)
    kept = first(rows)
    if name != FUSION:
      kept &= seen[name]
    # A place that there is not: what goes there is dropped.
    place = jnp.where(kept, rows, size)
    for kind, values in (
      ('features', x.astype(jnp.float32)),
      ('labels', labels),
      ('known', jnp.ones_like(targets)),
    ):
      new[kind][name] = bank[kind][name].at[place].set(values, mode='drop')
  return new | {'batches': bank['batches'] + 1}


def first(rows: jax.Array) -> jax.Array:
  """True where a place that is not negative is there for the first time.

  Writing one place twice would leave open which of the two stays.
  """
  same = rows[:, np.newaxis] == rows[np.newaxis]
  return (rows >= 0) & ~jnp.tril(same, -1).any(-1)


def centres(
  features: jax.Array, labels: jax.Array, known: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Mean features of what is positive and of what is negative.

  Args:
    features: f32 [N, D].
    labels: f32 [N]; those that are 0 are on neither side.
    known: f32 [N], 1 or 0; what is not known counts nowhere.

  Returns:
    Positive [D] and negative [D], 0 where there are none, and whether there
    are some of both, bool [].
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
  """(distance to negative - that to positive) / (that to positive): [B].

  Args:
    features: [B, D].
    positive, negative: Centres [D].

  Returns:
    At least -1; large at the positive centre.
  """
  to_positive, to_negative = (
    jnp.linalg.norm(features - centre[np.newaxis], axis=-1)
    for centre in (positive, negative)
  )
  return (to_negative - to_positive) / (to_positive + EPSILON)


def generated(
  targets: jax.Array, own: jax.Array, fused: jax.Array, limit: float
) -> jax.Array:
  """Labels of a modality: the mean of the target times a ratio and plus a gap.

  Args:
    targets: [B].
    own: Closeness [B] of the modality's features.
    fused: Closeness [B] of the fusion's.
    limit: Labels end at -limit and limit.

  Returns:
    [B]; NaN where the ratio is not a number.
  """
  ratio = own / (fused + EPSILON)
  labels = (ratio * targets + (targets + own - fused)) / 2
  return jnp.clip(labels, -limit, limit)
