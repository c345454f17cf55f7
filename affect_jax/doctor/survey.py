"""Reads all samples of a run once, and keeps a few numbers of each."""

from collections.abc import Mapping, Sequence
from concurrent import futures
import dataclasses
import hashlib
import time
from typing import Any

from absl import logging
import numpy as np

from affect_jax.doctor import label_checks
from affect_jax.doctor import parts as parts_lib
from affect_jax.doctor import pictures
from affect_jax.doctor import utterances
from affect_jax.errors import UserError
from affect_jax.training import cores
from affect_jax.training import status_line

MAX_PROBLEMS = 20
# How many samples of a part keep the means of their features, 1000 x 1000 x 2
# numbers or 8 MB, say; of more than MAX_VALUES features fewer do.
MAX_VIEWS = 1000
MAX_VALUES = 8_000_000
SECONDS = 5.0  # Between lines of progress.


@dataclasses.dataclass(frozen=True)
class Survey:
  """All samples, in order of parts; N samples, K outputs.

  Attributes:
    splits: Names of the splits, in order.
    parts: Where the samples come from.
    things: What the samples are: 'pictures' or 'utterances'.
    columns: (task, output) of each column of `labels`.
    part: int16 [N], index in `parts`.
    split: int8 [N], index in `splits`.
    names: UTF-8 of all ids, concatenated.
    ends: int64 [N], where each id ends in `names`.
    same_as: int64 [N], the first row with this sample (corpus and id).
    subject: int32 [N], index in `subjects`; -1: unknown.
    subjects: Names of subjects, with the corpus if there are several.
    dialogue: int32 [N], index in `dialogues`; -1: none, as for pictures.
    dialogues: Names of dialogues, like those of subjects.
    labels: float16 [N, K], NaN where not annotated.
    looks: Arrays [N, ...] from `pictures.stack` or `utterances.stack`.
    extents: For each part {modality: `utterances.Extent`}; empty for pictures.
    views: For each part {modality: (rows, f32 [n, 2, D])}, the features of its
      first samples as `utterances.views` has them; empty for pictures.
    problems: Up to MAX_PROBLEMS descriptions of impossible labels.
    bad_labels: Number of samples with impossible labels.
  """

  splits: tuple[str, ...]
  parts: Sequence[parts_lib.Part]
  things: str
  columns: Sequence[tuple[str, str]]
  part: np.ndarray
  split: np.ndarray
  names: bytes
  ends: np.ndarray
  same_as: np.ndarray
  subject: np.ndarray
  subjects: Sequence[str]
  dialogue: np.ndarray
  dialogues: Sequence[str]
  labels: np.ndarray
  looks: Mapping[str, np.ndarray]
  extents: Sequence[Mapping[str, utterances.Extent]]
  views: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]]
  problems: Sequence[str]
  bad_labels: int

  def id(self, row: int) -> str:
    """Returns the id of a sample, with its corpus if there are several."""
    start = self.ends[row - 1] if row else 0
    name = self.names[start : self.ends[row]].decode()
    several = len({p.corpus for p in self.parts}) > 1
    return f'{self.parts[self.part[row]].corpus}:{name}' if several else name

  @property
  def first(self) -> np.ndarray:
    """bool [N], False if the same sample came before."""
    return self.same_as == np.arange(len(self.same_as))

  def where(self, row: int) -> str:
    """Name of the split of a sample."""
    return self.splits[self.split[row]]

  def column(self, task: str) -> np.ndarray:
    """int [k], columns of a task in `labels`."""
    return np.flatnonzero([t == task for t, _ in self.columns])


def read(parts: Sequence[parts_lib.Part]) -> Survey:
  """Reads all parts; logs its progress and the remaining time.

  Raises:
    UserError: a part is damaged, or some parts hold pictures and some
      utterances.
  """
  things = _things(parts)
  splits = tuple(dict.fromkeys(p.split for p in parts))
  columns = list(
    dict.fromkeys(
      (t, n) for p in parts for t, ns in p.outputs.items() for n in ns
    )
  )
  arrays: dict[str, list[np.ndarray]] = {}
  names, lengths = bytearray(), []
  subjects: dict[tuple[str, bytes], int] = {}
  dialogues: dict[tuple[str, bytes], int] = {}
  extents: list[dict[str, utterances.Extent]] = [{} for _ in parts]
  views = [_Views(p.dims) for p in parts]
  problems: list[str] = []
  bad_labels, done = 0, 0
  progress = _Progress(sum(p.size for p in parts), things)
  with futures.ThreadPoolExecutor(cores.usable()) as pool:
    for number, part in enumerate(parts):
      split = splits.index(part.split)
      for chunk in part.stream():
        n = len(chunk['id'])
        labels, bad = label_checks.read(
          chunk, part.split, part.outputs, columns
        )
        bad_labels += len(bad)
        problems += bad[: MAX_PROBLEMS - len(problems)]
        for name in chunk['id']:
          names += name
          lengths.append(len(name))
        if part.dims:
          rows = list(utterances.rows(chunk, part.dims))
          views[number].add(rows, done)
          looks = list(pool.map(utterances.look, rows))
          utterances.widen(extents[number], looks)
          columns_of_chunk = utterances.stack(looks)
        else:
          columns_of_chunk = pictures.stack(
            pool.map(pictures.look, chunk['image'])
          )
        nowhere = np.full(n, b'', object)
        for key, known in (('subject', subjects), ('dialogue', dialogues)):
          columns_of_chunk[key] = _numbers(
            known, part.corpus, chunk.get(key, nowhere)
          )
        columns_of_chunk['labels'] = labels
        columns_of_chunk['part'] = np.full(n, number, np.int16)
        columns_of_chunk['split'] = np.full(n, split, np.int8)
        columns_of_chunk['key'] = np.array(
          [_key(part.corpus, name) for name in chunk['id']], np.uint64
        )
        for key, x in columns_of_chunk.items():
          arrays.setdefault(key, []).append(x)
        done += n
        progress.show(done, part.split)
  # One by one, freeing the pieces of each, so that memory stays flat.
  joined = {key: np.concatenate(arrays.pop(key)) for key in list(arrays)}
  several = len({p.corpus for p in parts}) > 1
  _, first, inverse = np.unique(
    joined.pop('key'), return_index=True, return_inverse=True
  )
  fields = ('part', 'split', 'subject', 'dialogue', 'labels')
  return Survey(
    splits=splits,
    parts=parts,
    things=things,
    columns=columns,
    names=bytes(names),
    ends=np.cumsum(lengths, dtype=np.int64),
    same_as=first[inverse],
    subjects=_names(subjects, several),
    dialogues=_names(dialogues, several),
    extents=extents,
    views=[v.joined() for v in views],
    problems=problems,
    bad_labels=bad_labels,
    **{k: joined.pop(k) for k in fields},
    looks=joined,
  )


class _Views:
  """Keeps the features of the first samples of a part."""

  def __init__(self, dims: Mapping[str, int]):
    self._dims = dims
    self._left = min(MAX_VIEWS, MAX_VALUES // max(1, 2 * sum(dims.values())))
    self._taken: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}

  def add(self, rows: Sequence[Mapping[str, Any]], start: int) -> None:
    rows = rows[: self._left]
    self._left -= len(rows)
    for name, (at, x) in utterances.views(rows, self._dims).items():
      self._taken.setdefault(name, []).append((at + start, x))

  def joined(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
      name: (
        np.concatenate([at for at, _ in taken]),
        np.concatenate([x for _, x in taken]),
      )
      for name, taken in self._taken.items()
    }


def _things(parts: Sequence[parts_lib.Part]) -> str:
  with_steps = {p.corpus: bool(p.dims) for p in parts}
  if len(set(with_steps.values())) > 1:
    raise UserError(
      'A run learns from pictures or from utterances, not from both: '
      f'utterances are in {[c for c, s in with_steps.items() if s]}, pictures '
      f'in {[c for c, s in with_steps.items() if not s]}.'
    )
  return 'utterances' if any(with_steps.values()) else 'pictures'


def _numbers(
  known: dict[tuple[str, bytes], int], corpus: str, names: Sequence[bytes]
) -> np.ndarray:
  """Returns a number for each name of a corpus, int32 [n]; -1 for b''."""
  return np.array(
    [
      known.setdefault((corpus, name), len(known)) if name else -1
      for name in names
    ],
    np.int32,
  )


def _names(known: Mapping[tuple[str, bytes], int], several: bool) -> list[str]:
  return [
    f'{corpus}:{name.decode()}' if several else name.decode()
    for corpus, name in known
  ]


def _key(corpus: str, name: bytes) -> int:
  """Hashes a sample's name to 64 bits: a million collide with odds of 3e-8."""
  data = corpus.encode() + b'\0' + name
  return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), 'big')


class _Progress:
  """Logs rate and remaining time every few seconds."""

  def __init__(self, total: int, things: str):
    self._total, self._things = total, things
    self._start = self._shown = time.monotonic()

  def show(self, done: int, split: str) -> None:
    now = time.monotonic()
    if not done or now == self._start:
      return
    rate = done / (now - self._start)
    text = (
      f'reading {split}: {done} of {self._total} {self._things}, {rate:.0f} '
      f'per second, {(self._total - done) / rate:.0f} s left'
    )
    if not status_line.draw(text) and now - self._shown >= SECONDS:
      self._shown = now
      logging.info('%s', text)
