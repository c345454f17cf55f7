"""trained_on.npz: which samples a run learned from, and with gold of what.

So a run never labels what it has seen. Samples are known by a hash of 64 bits:
two of a million samples are confused in 1 of 30 million runs.
"""

from collections.abc import Iterable, Mapping, Sequence
import hashlib
import os
from typing import Any

import numpy as np

from affect_jax import whole_file
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import numpy_file
from affect_jax.data import sample_ids
from affect_jax.data import streams

FILE = 'trained_on.npz'
# {task: sorted hashes uint64 of the samples with gold of it}.
TrainedOn = Mapping[str, np.ndarray]


def collect(
  corpora: Sequence[streams.Corpus], tasks: Sequence[Any]
) -> dict[str, np.ndarray]:
  """Reads ids and weights of the training splits; see `TrainedOn`."""
  names = [t.name for t in tasks]
  found: dict[str, list[np.ndarray]] = {name: [] for name in names}
  for corpus in corpora:
    if 'train' not in corpus.splits:
      continue
    split = corpus.splits['train']
    for ids, gold in sample_ids.ids_and_gold(
      corpus.builder, split, names, corpus.gold_share
    ):
      hashes = hashes_of(corpus.builder, ids)
      for task, has in gold.items():
        found[task].append(hashes[has])
  empty = np.zeros(0, np.uint64)
  return {k: np.unique(np.concatenate([empty, *v])) for k, v in found.items()}


def hashes_of(builder: Any, ids: Iterable[str]) -> np.ndarray:
  """Returns hashes uint64 [N] of samples.

  A sample is known by the class of its corpus and its id. Generated corpora of
  another seed have other samples by the same ids.
  """
  seed = records.metadata(builder)['sources'].get('seed', '')
  prefix = hashlib.blake2b(f'{builder.name}/{seed}/'.encode(), digest_size=8)
  found = []
  for x in ids:
    digest = prefix.copy()
    digest.update(x.encode())
    found.append(digest.digest())
  return np.frombuffer(b''.join(found), np.uint64)


def ensure(
  workdir: str,
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  *,
  anew: bool = False,
) -> None:
  """Writes trained_on.npz, whole or not at all, unless the run has it.

  Args:
    workdir: Folder of the run.
    corpora: Those that the run learns from, unchanged since it began.
    tasks: Its tasks.
    anew: The run begins now: what an attempt before it left is replaced.
  """
  path = os.path.join(workdir, FILE)
  if anew or not os.path.exists(path):
    with whole_file.writing(path) as partial:
      found = collect(corpora, tasks)
      np.savez_compressed(partial, allow_pickle=False, **found)


def read(workdir: str) -> TrainedOn | None:
  """Reads trained_on.npz; None for runs that are older than it."""
  path = os.path.join(workdir, FILE)
  if not os.path.exists(path):
    return None
  return numpy_file.read_archive(path)


def contains(
  trained_on: TrainedOn, task: str, hashes: np.ndarray
) -> np.ndarray:
  """Returns bool [N]: whether a run saw gold of the task for these samples."""
  seen = trained_on.get(task)
  if seen is None or not len(seen):
    return np.zeros(len(hashes), bool)
  places = np.minimum(np.searchsorted(seen, hashes), len(seen) - 1)
  return seen[places] == hashes
