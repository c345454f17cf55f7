"""The search for duplicates finds what comparing all finds."""

import itertools

import numpy as np
import pytest

from affect_jax.doctor import duplicates


@pytest.mark.parametrize('distance', [0, 1, 3, 5])
def test_near_search_finds_what_comparing_all_finds(distance):
  r = np.random.default_rng(distance)
  base = r.integers(0, 2**63, 300, np.uint64)
  flips = np.zeros(300, np.uint64)
  for k in range(6):
    bits = np.uint64(1) << r.integers(0, 64, 300, np.uint64)
    # Row i differs in about i % 7 bits.
    flips ^= np.where(np.arange(300) % 7 > k, bits, np.uint64(0))
  hashes = np.concatenate([base, base ^ flips])
  expected = {
    (i, j)
    for i, j in itertools.combinations(range(len(hashes)), 2)
    if int(hashes[i] ^ hashes[j]).bit_count() <= distance
  }
  cut = np.zeros(len(hashes), bool)
  found = set()
  for mask in duplicates.masks(distance):
    for i, j in duplicates.candidates(hashes, mask, distance, 128, cut):
      found |= {
        (min(p), max(p)) for p in zip(i.tolist(), j.tolist(), strict=True)
      }
  assert expected
  assert found == expected
  assert not cut.any()


def test_a_bucket_that_explodes_is_cut_and_says_so():
  hashes = np.full(5000, 77, np.uint64)
  cut = np.zeros(5000, bool)
  (mask,) = duplicates.masks(0)
  count = sum(
    len(i) for i, _ in duplicates.candidates(hashes, mask, 0, 10, cut)
  )
  # 10 pairs each, but for the last ten; not 12.5 million.
  assert count == 10 * 5000 - 55
  assert cut.sum() == 5000 - 11


def test_exact_groups_count_as_a_dictionary_does():
  r = np.random.default_rng(0)
  digests = r.integers(0, 4, (200, 2)).astype(np.uint64)
  split = np.sort(r.integers(0, 3, 200)).astype(np.int8)
  valid = r.random(200) < 0.9
  groups = duplicates.exact(digests, split, 3, valid)
  where = {}
  for i in np.flatnonzero(valid):
    where.setdefault(tuple(digests[i]), []).append(int(split[i]))
  for a, b in itertools.product(range(3), repeat=2):
    if a == b:
      expected = sum(max(s.count(a) - 1, 0) for s in where.values())
    else:
      expected = sum(s.count(a) for s in where.values() if b in s)
    assert groups.also_in(a, b) == expected
  assert groups.also_before(2) == sum(
    s.count(2) for s in where.values() if {0, 1} & set(s)
  )
  assert len(groups.pairs()) == valid.sum() - len(where)
