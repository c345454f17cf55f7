"""Finds exact and near duplicates without comparing all pairs.

The docstring of the package defines them.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import itertools
import time

from absl import logging
import numpy as np

from affect_jax.errors import UserError

# Fewer miss small faces that were resized. More pairs are no flood: the
# correlation tells faces apart.
NEAR_DISTANCE = 6
MAX_DISTANCE = 8
CORRELATION = 0.98
# How many neighbours in a bucket a picture is compared with: videos and
# pictures of one scene fill buckets that have too many pairs.
BUCKET = 512
MAX_LISTED = 100_000
SECONDS = 5.0  # Before progress is logged.
_CHUNK = 16_384


@dataclasses.dataclass(frozen=True)
class Exact:
  """Pictures grouped by equal pixels; G groups, S splits.

  Attributes:
    group: int64 [N], group of each picture; -1: not examined.
    counts: int64 [G, S], pictures of each group in each split.
    member: int64 [G, S], the first such picture; -1: none.
  """

  group: np.ndarray
  counts: np.ndarray
  member: np.ndarray

  def also_in(self, split: int, other: int) -> int:
    """Counts a split's pictures that are also in `other`; repeats if equal."""
    if split == other:
      return int(np.maximum(self.counts[:, split] - 1, 0).sum())
    return int(self.counts[self.counts[:, other] > 0, split].sum())

  def also_before(self, split: int) -> int:
    """Counts pictures of a split that are also in any split before it."""
    before = (self.counts[:, :split] > 0).any(1)
    return int(self.counts[before, split].sum())

  def pairs(self) -> np.ndarray:
    """Pairs the first picture of each group with its duplicates: int64 [P, 2].

    Pairs are in the order of pictures, so the first picture is one of the first
    split.
    """
    rows = np.flatnonzero(self.group >= 0)
    rows = rows[np.argsort(self.group[rows], kind='stable')]
    starts = np.diff(self.group[rows], prepend=-1) != 0
    heads = rows[starts][np.cumsum(starts) - 1]
    return np.stack([heads, rows], 1)[~starts]


@dataclasses.dataclass(frozen=True)
class Near:
  """Near duplicates of G different pictures; S splits.

  Attributes:
    seen: bool [G, S], whether it has a near duplicate in the split.
    pairs: int64 [P, 2] pictures, pairs across splits first; at most MAX_LISTED
      of either kind.
    distance: int [P], bits of the dHash that differ.
    correlation: float [P].
    cut: Pictures that were not compared with all of their candidates.
  """

  seen: np.ndarray
  pairs: np.ndarray
  distance: np.ndarray
  correlation: np.ndarray
  cut: int


def exact(
  digests: np.ndarray, split: np.ndarray, num_splits: int, valid: np.ndarray
) -> Exact:
  """Groups the valid pictures, bool [N], by their digests, uint64 [N, 2]."""
  rows = np.flatnonzero(valid)
  order = rows[np.lexsort((rows, digests[rows, 1], digests[rows, 0]))]
  changed = np.any(digests[order[1:]] != digests[order[:-1]], axis=1)
  number = np.concatenate([np.zeros(min(1, len(order)), int), changed.cumsum()])
  group = np.full(len(digests), -1, np.int64)
  group[order] = number
  size = int(number[-1]) + 1 if len(order) else 0
  counts = np.zeros((size, num_splits), np.int64)
  np.add.at(counts, (group[rows], split[rows]), 1)
  member = np.full((size, num_splits), -1, np.int64)
  # Assigned backwards, so that the first one stays.
  member[group[rows[::-1]], split[rows[::-1]]] = rows[::-1]
  return Exact(group, counts, member)


def masks(distance: int) -> list[np.uint64]:
  """Makes masks: hashes at most `distance` apart are equal in at least one.

  64 bits are cut into distance + 2 bands. `distance` differing bits leave at
  least two bands unchanged; two bands together are selective enough for
  millions of hashes.
  """
  if not 0 <= distance <= MAX_DISTANCE:
    raise UserError(
      f'near_distance is {distance}; it must be from 0 to {MAX_DISTANCE}.'
    )
  edges = [round(i * 64 / (distance + 2)) for i in range(distance + 3)]
  bands = [((1 << (b - a)) - 1) << a for a, b in itertools.pairwise(edges)]
  return [np.uint64(a | b) for a, b in itertools.combinations(bands, 2)]


def candidates(
  hashes: np.ndarray,
  mask: np.uint64,
  distance: int,
  bucket: int,
  cut: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
  """Yields (i, j): pairs at most `distance` bits apart, and equal in `mask`.

  Hashes that are equal in the mask form a bucket, in order; each is compared
  with the `bucket` hashes after it.

  Args:
    hashes: uint64 [M].
    mask: One of `masks`.
    distance: From 0 to MAX_DISTANCE.
    bucket: See above; pairs may be lost in larger buckets.
    cut: bool [M], set to True where pairs may be lost.
  """
  keys = hashes & mask
  order = np.lexsort((hashes, keys))
  keys, ordered = keys[order], hashes[order]
  start = np.flatnonzero(keys[1:] == keys[:-1])
  for offset in range(1, bucket + 1):
    apart = np.bitwise_count(ordered[start] ^ ordered[start + offset])
    close = start[apart <= distance]
    if len(close):
      yield order[close], order[close + offset]
    start = start[start + offset + 1 < len(keys)]
    start = start[keys[start] == keys[start + offset + 1]]
    if not len(start):
      break
  cut[order[start]] = True


def correlations(
  thumbs: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
  """Correlates thumbs[i] and thumbs[j], float32 [P]; 0 for constant ones."""
  result = np.zeros(len(i), np.float32)
  for at in range(0, len(i), _CHUNK):
    a, b = (
      _standardised(thumbs[k[at : at + _CHUNK]].reshape(-1, thumbs[0].size))
      for k in (i, j)
    )
    result[at : at + _CHUNK] = np.einsum('ij,ij->i', a, b)
  return result


def _standardised(values: np.ndarray) -> np.ndarray:
  values = values.astype(np.float32)
  values -= values.mean(1, keepdims=True)
  length = np.linalg.norm(values, axis=1, keepdims=True)
  return values / np.maximum(length, 1e-6)


def near(
  hashes: np.ndarray,
  thumbs: np.ndarray,
  member: np.ndarray,
  *,
  distance: int = NEAR_DISTANCE,
  bucket: int = BUCKET,
) -> Near:
  """Finds near duplicates among different pictures.

  Args:
    hashes: uint64 [N], dHashes of all pictures.
    thumbs: uint8 [N, 16, 16], their thumbs.
    member: int64 [G, S], `Exact.member` of the groups to examine.
    distance: Bits of the dHash that may differ.
    bucket: See `candidates`.
  """
  in_split = member >= 0
  groups, splits = member.shape
  # One picture for each group, that of its first split.
  leader = (
    member[np.arange(groups), in_split.argmax(1)] if groups else member[:, 0]
  )
  leader_hashes = hashes[leader]
  seen = np.zeros((groups, splits), bool)
  cut = np.zeros(groups, bool)
  across = _Pairs()
  within = _Pairs()
  rounds = masks(distance)
  begun = shown = time.monotonic()
  for number, mask in enumerate(rounds, 1):
    for i, j in candidates(leader_hashes, mask, distance, bucket, cut):
      crossing = (in_split[i] | in_split[j]).sum(1) > 1
      # Only pairs that would tell something new are compared.
      new = ((in_split[j] & ~seen[i]) | (in_split[i] & ~seen[j])).any(1)
      new |= np.where(crossing, not across.full, not within.full)
      i, j, crossing = i[new], j[new], crossing[new]
      alike: np.ndarray = correlations(thumbs, leader[i], leader[j])
      sure = alike >= CORRELATION
      i, j, crossing, alike = (x[sure] for x in (i, j, crossing, alike))
      for s in range(splits):
        seen[i[in_split[j, s]], s] = True
        seen[j[in_split[i, s]], s] = True
      bits = np.bitwise_count(leader_hashes[i] ^ leader_hashes[j])
      across.add(*(x[crossing] for x in (i, j, bits, alike)))
      within.add(*(x[~crossing] for x in (i, j, bits, alike)))
    passed = time.monotonic() - begun
    if begun + passed - shown > SECONDS and number < len(rounds):
      shown = begun + passed
      logging.info(
        'comparing pictures: round %d of %d, %.0f s left',
        number,
        len(rounds),
        passed * (len(rounds) / number - 1),
      )
  rows = np.concatenate([across.rows(), within.rows()])
  i, j = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
  return Near(
    seen,
    np.stack(_across(member, leader, i, j), 1),
    rows[:, 2].astype(int),
    rows[:, 3],
    int(cut.sum()),
  )


def _across(
  member: np.ndarray, leader: np.ndarray, i: np.ndarray, j: np.ndarray
) -> Sequence[np.ndarray]:
  """Picks pictures of two groups, from different splits if possible."""
  a, b = leader[i], leader[j]
  home = (member[i] >= 0).argmax(1)
  others = member[j].copy()
  others[np.arange(len(j)), home] = -1
  elsewhere = others.max(1, initial=-1)
  b = np.where(elsewhere >= 0, elsewhere, b)
  # Or only the first group has a picture elsewhere.
  home = (member[j] >= 0).argmax(1)
  others = member[i].copy()
  others[np.arange(len(i)), home] = -1
  other = others.max(1, initial=-1)
  a = np.where((elsewhere < 0) & (other >= 0), other, a)
  return np.minimum(a, b), np.maximum(a, b)


class _Pairs:
  """Collects different pairs, about the first MAX_LISTED of them."""

  def __init__(self):
    self._rows = np.zeros((0, 4))
    self._pending: list[np.ndarray] = []

  @property
  def full(self) -> bool:
    return len(self._rows) >= MAX_LISTED

  def add(self, i, j, bits, alike) -> None:
    if self.full or not len(i):
      return
    low, high = np.minimum(i, j), np.maximum(i, j)
    self._pending.append(np.stack([low, high, bits, alike], 1).astype(float))
    if sum(map(len, self._pending)) > MAX_LISTED:
      self._settle()

  def rows(self) -> np.ndarray:
    self._settle()
    return self._rows

  def _settle(self) -> None:
    rows = np.concatenate([self._rows, *self._pending])
    _, first = np.unique(rows[:, :2], axis=0, return_index=True)
    self._rows, self._pending = rows[first][:MAX_LISTED], []
