"""trained_on.npz: which samples a run learned from, and with gold of what.

So a run never labels what it has seen, nor what the run has seen whose weights
it started from, even if it took those of the backbone alone. Samples are known
by a hash of 64 bits: two of a million samples are confused in 1 of 30 million
runs.
"""

from collections.abc import Iterable, Mapping, Sequence
import hashlib
import os
from typing import Any

from absl import logging
import numpy as np

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import numpy_file
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.run import folder as run_folder

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
  config: Any,
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  *,
  anew: bool = False,
) -> None:
  """Writes trained_on.npz, whole or not at all, unless the run has it.

  Args:
    workdir: Folder of the run.
    config: Its config; what the run of `init.checkpoint_workdir` learned from
      counts, too, task by task.
    corpora: Those that the run learns from, unchanged since it began.
    tasks: Its tasks.
    anew: The run begins now: what an attempt before it left is replaced.
  """
  path = os.path.join(workdir, FILE)
  if anew or not os.path.exists(path):
    found = collect(corpora, tasks)
    for task, hashes in _before(config).items():
      found[task] = np.union1d(found.get(task, hashes), hashes)
    with whole_file.writing(path) as partial:
      np.savez_compressed(partial, allow_pickle=False, **found)


def _before(config: Any) -> TrainedOn:
  """Returns what the weights that a run starts from have learned from."""
  other = config.init.checkpoint_workdir
  if not other:
    return {}
  folder = run_folder.of_seed(str(user_path.expand(other)), config.seed)
  found = read(folder)
  if found is None:
    logging.warning(
      '%s, from which this run starts, has no %s: as a teacher, this run may '
      'label samples that those weights have learned. If it is a run of your '
      'own, make the file before this one begins: where its corpora are, '
      'repeat its command, with --mode=evaluate added.',
      other,
      FILE,
    )
    return {}
  return found


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
