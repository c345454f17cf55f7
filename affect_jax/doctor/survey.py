"""Reads all samples of a run once, and keeps little of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent import futures
import dataclasses
import hashlib
import os
import time
from typing import Any

from absl import logging
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax.corpora import records
from affect_jax.doctor import pictures

CHUNK = 512
RANGES = {
  'expression': (0.0, 1.0),
  'action_units': (0.0, 1.0),
  'valence_arousal': (-1.0, 1.0),
}
MAX_PROBLEMS = 20
SECONDS = 5.0  # Between lines of progress.


@dataclasses.dataclass(frozen=True)
class Part:
  """Samples of one split of a run that come from one corpus.

  Attributes:
    split: 'train', 'val' or 'test'.
    corpus: Its name.
    stored: Name or slice of the stored split, as 'train[:97%]'.
    size: Number of samples that are read.
    outputs: {task: names of its columns}.
    stream: Gives chunks {'id', 'subject', 'image', task, task + '_weights'}
      of records, as `corpora.records` describes them.
  """

  split: str
  corpus: str
  stored: str
  size: int
  outputs: Mapping[str, Sequence[str]]
  stream: Any


@dataclasses.dataclass(frozen=True)
class Survey:
  """All samples, in order of parts; N samples, K outputs.

  Attributes:
    splits: Names of the splits, in order.
    parts: Where the samples come from.
    columns: (task, output) of each column of `labels`.
    part: int16 [N], position in `parts`.
    split: int8 [N], position in `splits`.
    names: UTF-8 of all ids, one after the other.
    ends: int64 [N], where each id ends in `names`.
    same_as: int64 [N], the first row with this sample (corpus and id).
    subject: int32 [N], position in `subjects`; -1 where it is unknown.
    subjects: Their names, with the corpus if there are several.
    labels: float16 [N, K], NaN where not annotated.
    looks: Arrays [N, ...] of `pictures.stack`.
    problems: Up to MAX_PROBLEMS labels that cannot be.
    bad_labels: Number of samples with such labels.
  """

  splits: tuple[str, ...]
  parts: Sequence[Part]
  columns: Sequence[tuple[str, str]]
  part: np.ndarray
  split: np.ndarray
  names: bytes
  ends: np.ndarray
  same_as: np.ndarray
  subject: np.ndarray
  subjects: Sequence[str]
  labels: np.ndarray
  looks: Mapping[str, np.ndarray]
  problems: Sequence[str]
  bad_labels: int

  def id(self, row: int) -> str:
    """Id of a sample, with its corpus if there are several."""
    start = self.ends[row - 1] if row else 0
    name = self.names[start : self.ends[row]].decode()
    several = len({p.corpus for p in self.parts}) > 1
    return f'{self.parts[self.part[row]].corpus}:{name}' if several else name

  @property
  def first(self) -> np.ndarray:
    """bool [N], False where a sample came before."""
    return self.same_as == np.arange(len(self.same_as))

  def where(self, row: int) -> str:
    """Name of the split of a sample."""
    return self.splits[self.split[row]]

  def column(self, task: str) -> np.ndarray:
    """int [k], columns of a task in `labels`."""
    return np.flatnonzero([t == task for t, _ in self.columns])


def parts_of(corpora: Iterable[Any], limit: int = 0) -> list[Part]:
  """The parts of a run's corpora (`streams.Corpus`), by split.

  Args:
    corpora: Prepared corpora and their splits.
    limit: Read no more samples of each part than that; 0: all.
  """
  found = []
  for corpus in corpora:
    outputs = records.metadata(corpus.builder)['outputs']
    for split, stored in corpus.splits.items():
      size = corpus.builder.info.splits[stored].num_examples
      found.append(
        Part(
          split,
          corpus.name,
          stored,
          min(size, limit or size),
          outputs,
          lambda b=corpus.builder, s=stored, o=tuple(outputs): _stream(
            b, s, o, limit
          ),
        )
      )
  order = ('train', 'val', 'test')
  return sorted(found, key=lambda p: order.index(p.split))


def _stream(
  builder: Any, stored: str, tasks: Sequence[str], limit: int
) -> Iterator[dict[str, np.ndarray]]:
  keys = ['id', 'subject', 'image']
  keys += [t + end for t in tasks for end in ('', '_weights')]
  dataset = builder.as_dataset(
    split=stored,
    shuffle_files=False,
    decoders={'image': tfds.decode.SkipDecoding()},
    read_config=tfds.ReadConfig(try_autocache=False),
  )
  if limit:
    dataset = dataset.take(limit)
  dataset = dataset.map(lambda r: {k: r[k] for k in keys}).batch(CHUNK)
  try:
    yield from dataset.as_numpy_iterator()
  except tf.errors.DataLossError as error:
    raise ValueError(
      f'{builder.data_dir}: the stored split {stored} is damaged; delete this '
      f'folder, and it is prepared again. ({error.message.splitlines()[0]})'
    ) from error


def read(parts: Sequence[Part]) -> Survey:
  """Reads all parts; logs how far it is, and how long it will take."""
  splits = tuple(dict.fromkeys(p.split for p in parts))
  columns = list(
    dict.fromkeys(
      (t, n) for p in parts for t, ns in p.outputs.items() for n in ns
    )
  )
  arrays: dict[str, list[np.ndarray]] = {}
  names, lengths = bytearray(), []
  subjects: dict[tuple[str, bytes], int] = {}
  problems: list[str] = []
  bad_labels, done = 0, 0
  progress = _Progress(sum(p.size for p in parts))
  with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for number, part in enumerate(parts):
      split = splits.index(part.split)
      for chunk in part.stream():
        n = len(chunk['id'])
        found, bad = _labels(chunk, part, columns)
        bad_labels += len(bad)
        problems += bad[: MAX_PROBLEMS - len(problems)]
        for name in chunk['id']:
          names += name
          lengths.append(len(name))
        kept = pictures.stack(pool.map(pictures.look, chunk['image']))
        kept['subject'] = np.array(
          [
            subjects.setdefault((part.corpus, name), len(subjects))
            if name
            else -1
            for name in chunk['subject']
          ],
          np.int32,
        )
        kept['labels'] = found
        kept['part'] = np.full(n, number, np.int16)
        kept['split'] = np.full(n, split, np.int8)
        kept['key'] = np.array(
          [_key(part.corpus, name) for name in chunk['id']], np.uint64
        )
        for key, x in kept.items():
          arrays.setdefault(key, []).append(x)
        done += n
        progress.show(done, part.split)
  # One after the other, and the pieces of each are let go: memory stays flat.
  joined = {key: np.concatenate(arrays.pop(key)) for key in list(arrays)}
  several = len({p.corpus for p in parts}) > 1
  _, rows, inverse = np.unique(
    joined.pop('key'), return_index=True, return_inverse=True
  )
  return Survey(
    splits=splits,
    parts=parts,
    columns=columns,
    names=bytes(names),
    ends=np.cumsum(lengths, dtype=np.int64),
    same_as=rows[inverse],
    subjects=[
      f'{corpus}:{name.decode()}' if several else name.decode()
      for corpus, name in subjects
    ],
    problems=problems,
    bad_labels=bad_labels,
    **{k: joined.pop(k) for k in ('part', 'split', 'subject', 'labels')},
    looks=joined,
  )


def _key(corpus: str, name: bytes) -> int:
  """64 bits of a sample's name: a collision in a million has odds of 3e-8."""
  data = corpus.encode() + b'\0' + name
  return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), 'big')


def _labels(
  chunk: Mapping[str, np.ndarray],
  part: Part,
  columns: Sequence[tuple[str, str]],
) -> tuple[np.ndarray, list[str]]:
  """Labels [n, K], NaN where not annotated, and a problem per bad sample."""
  n = len(chunk['id'])
  found = np.full((n, len(columns)), np.nan, np.float16)
  problems: dict[int, str] = {}
  for task, outputs in part.outputs.items():
    values, weights = chunk[task], chunk[task + '_weights']
    if weights.ndim == 1:
      weights = np.repeat(weights[:, None], len(outputs), 1)
    # A label that is not annotated counts nowhere, but NaN would spread.
    known = ~(weights == 0)
    low, high = RANGES.get(task, (-np.inf, np.inf))
    with np.errstate(invalid='ignore', over='ignore'):
      wrong = ~np.isfinite(values) | (
        known & ~((values >= low) & (values <= high))
      )
      odd = ~((weights >= 0) & (weights <= 1))
      for i, k in np.argwhere(wrong | odd):
        what = 'weight' if odd[i, k] else 'label'
        value = weights[i, k] if odd[i, k] else values[i, k]
        a, b = (0, 1) if odd[i, k] else (low, high)
        problems.setdefault(
          int(i),
          f'{task} {outputs[k]}: {what} {value:g} is not in [{a:g}, {b:g}]',
        )
      if task in records.ONE_WEIGHT:
        sums = values.sum(1)
        for i in np.flatnonzero(known[:, 0] & ~(np.abs(sums - 1) < 0.01)):
          problems.setdefault(
            int(i), f'{task}: shares sum to {sums[i]:g}, not to 1'
          )
      usable = known & ~wrong & ~odd
      for k, name in enumerate(outputs):
        found[:, columns.index((task, name))] = np.where(
          usable[:, k], values[:, k], np.nan
        )
  return found, [
    f'{part.split} {chunk["id"][i].decode()}: {text}'
    for i, text in problems.items()
  ]


class _Progress:
  """Logs rate and remaining time every few seconds."""

  def __init__(self, total: int):
    self._total = total
    self._start = self._shown = time.monotonic()

  def show(self, done: int, split: str) -> None:
    now = time.monotonic()
    if now - self._shown < SECONDS:
      return
    self._shown = now
    rate = done / (now - self._start)
    logging.info(
      'reading %s: %d of %d pictures, %.0f per second, %.0f s left',
      split,
      done,
      self._total,
      rate,
      (self._total - done) / rate,
    )
