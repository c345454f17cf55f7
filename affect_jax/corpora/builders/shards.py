"""Writes millions of pictures to record files, in parallel and resumable.

  1. `plan` streams the samples of a split once into row files, one per shard.
     The hash of a sample's id decides its shard and its position there, so
     every shard is a random part of the split.
  2. `write` turns one row file into one shard, anywhere and at any time: in
     this process, in a pool, on a Beam cluster, before or after a kill.

A shard gets its name when it is finished, so one that exists is complete.
Memory holds the rows of one shard per process, about 1 MB.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import math
import multiprocessing
import time
from typing import Any

from absl import logging
from etils import epath
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import example_serializer

from affect_jax import whole_file
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import pictures
from affect_jax.corpora.files import sources
from affect_jax.training import status_line

# Pictures per shard, as long as this makes at most MAX_SHARDS shards: all row
# files are open at the same time, and systems allow 1024.
SHARD = 4096
MAX_SHARDS = 512
UNREADABLE = 'unreadable pictures'
REPORT_SECS = 10.0


@dataclasses.dataclass(frozen=True)
class Job:
  """All that is needed to write one shard, anywhere.

  Attributes:
    rows: Its row file.
    target: The shard to write; `target + '.json'` is its report.
    root: Folder of the pictures.
    outputs: {task: names}.
    skip_bad: Whether to count pictures that cannot be read instead of raising.
    windows: Whether rows are windows of frames.
    rules: How pictures are brought into shape; None: as they are.
  """

  rows: str
  target: str
  root: str
  outputs: Mapping[str, Sequence[str]]
  skip_bad: bool
  windows: bool = False
  rules: pictures.Rules | None = None

  @property
  def report(self) -> epath.Path:
    """The file with 'examples', 'bytes', 'skipped', 'noted' of the shard."""
    return epath.Path(self.target + '.json')

  @property
  def finished(self) -> bool:
    """Whether the shard and its report exist."""
    return self.report.exists() and epath.Path(self.target).exists()


def plan(
  samples: Iterable[
    face_listing.Sample | face_listing.Window | face_listing.LeftOut
  ],
  folder: epath.Path,
  shard_size: int = SHARD,
) -> dict[str, Any]:
  """Writes the row files of a split: `rows-00000`, ... in `folder`.

  Returns:
    {'shards': number of row files, 'samples': number of rows, 'left_out':
    [[group, reason, count], ...] in order of group and reason}. `folder` keeps
    it, too: a plan that is complete is not made again.
  """
  finished = folder / 'plan.json'
  if finished.exists():
    return json.loads(finished.read_text())
  folder.mkdir(parents=True, exist_ok=True)
  count, left_out = 0, {}
  everything = folder / 'all-rows'
  with everything.open('w') as file:
    for item in samples:
      if isinstance(item, face_listing.LeftOut):
        key = (item.group, item.reason)
        left_out[key] = left_out.get(key, 0) + item.count
        continue
      file.write(json.dumps(_row(item)) + '\n')
      count += 1
  shards = min(math.ceil(count / shard_size), MAX_SHARDS)
  with contextlib.ExitStack() as stack, everything.open() as file:
    parts = [
      stack.enter_context((folder / f'rows-{i:05d}').open('w'))
      for i in range(shards)
    ]
    for line in file:
      # The first 16 characters of a row are its hash, behind '["'.
      parts[int(line[2:18], 16) * shards >> 64].write(line)
  everything.unlink()
  result = {
    'shards': shards,
    'samples': count,
    'left_out': [[*key, n] for key, n in sorted(left_out.items())],
  }
  whole_file.write_text(finished, json.dumps(result))
  return result


def write(job: Job) -> None:
  """Writes one shard and its report, unless they exist.

  Raises:
    UserError: Pictures that cannot be read, or an id that appears twice;
      lists up to 20 of them.
  """
  if job.finished:
    return
  features = records.features(
    job.outputs, pictures.inputs(job.windows), windows=job.windows
  )
  layout: Any = features.get_serialized_info()
  serializer = example_serializer.ExampleSerializer(layout)
  problems = sources.Problems(job.root)
  result = {'examples': 0, 'bytes': 0, 'skipped': 0}
  noted: collections.Counter[str] = collections.Counter()
  with (
    whole_file.writing(job.target) as partial,
    tf.io.TFRecordWriter(str(partial)) as writer,
  ):
    for subject, frames in _rows(job, problems):
      read = []
      for name, picture, labels in frames:
        path = epath.Path(job.root) / picture
        try:
          image, notes = pictures.read(path, job.rules)
        except ValueError as error:
          if job.skip_bad:
            logging.warning('Left out: %s %s.', path, error)
            result['skipped'] += 1
          else:
            problems.add(f'{path} {error}.')
          continue
        try:
          record = face_listing.to_record(labels, job.outputs)
        except ValueError as error:
          problems.add(f'{path}: {error}.')
          continue
        noted.update(notes)
        read.append({'id': name, 'image': image, **record})
      if not read:
        continue
      example: dict[str, Any] = read[0]
      if job.windows:
        example = {k: [frame[k] for frame in read] for k in read[0]}
      example['subject'] = subject
      writer.write(
        serializer.serialize_example(features.encode_example(example))
      )
      result['examples'] += 1
    problems.check()
  result['bytes'] = epath.Path(job.target).stat().length
  whole_file.write_text(job.report, json.dumps({**result, 'noted': noted}))


def write_all(
  jobs: Sequence[Job],
  *,
  num_workers: int,
  beam: Callable[[], Any] | None = None,
) -> None:
  """Writes all shards that do not exist yet.

  Args:
    jobs: The shards.
    num_workers: Processes on this machine; 1: only this process.
    beam: Makes a Beam pipeline that is used instead; None: no Beam.
  """
  missing = [job for job in jobs if not job.finished]
  if missing and len(missing) < len(jobs):
    done = len(jobs) - len(missing)
    logging.info('%d of %d shards exist already.', done, len(jobs))
  if beam is not None:
    with beam() as pipeline:
      _beam_jobs(pipeline, missing)
    return
  num_workers = min(num_workers, len(missing))
  with contextlib.ExitStack() as stack:
    finished: Iterator[Any]
    if num_workers > 1:
      # Not forked: a child would lack TensorFlow's threads.
      pool = stack.enter_context(
        concurrent.futures.ProcessPoolExecutor(
          num_workers, multiprocessing.get_context('spawn')
        )
      )
      waiting = [pool.submit(write, job) for job in missing]
      stack.callback(lambda: [w.cancel() for w in waiting])
      finished = (w.result() for w in concurrent.futures.as_completed(waiting))
    else:
      finished = map(write, missing)
    _report_progress(finished, len(missing))


def _report_progress(finished: Iterator[Any], total: int) -> None:
  start = said = time.monotonic()
  for done, _ in enumerate(finished, 1):
    now = time.monotonic()
    left = math.ceil((now - start) / done * (total - done) / 60)
    text = f'Preparing: shard {done} of {total}, about {left} min left.'
    if done == total:
      status_line.clear()
    elif not status_line.draw(text) and now - said >= REPORT_SECS:
      said = now
      logging.info('%s', text)


def _beam_jobs(pipeline: Any, jobs: Sequence[Job]) -> None:
  beam = tfds.core.lazy_imports.apache_beam
  _ = (
    pipeline
    | beam.Create(jobs)
    # Without this, a runner may fuse all jobs into one worker.
    | beam.Reshuffle()
    | beam.Map(write)
  )


def _rows(
  job: Job, problems: sources.Problems
) -> Iterator[tuple[str, list[tuple[str, str, dict[str, Any]]]]]:
  """Yields (subject, frames (id, picture, labels)), in order of hashes."""
  lines = epath.Path(job.rows).read_text().splitlines()
  rows = sorted(
    (json.loads(line) for line in lines), key=lambda row: (row[0], row[1])
  )
  for previous, row in zip([None, *rows], rows, strict=False):
    if previous and previous[1] == row[1]:
      problems.add(f'{row[1]!r} appears twice.')
      continue
    _, _, subject, frames = row
    yield subject, frames


def _row(item: face_listing.Sample | face_listing.Window) -> list[Any]:
  """Makes [hash, id, subject, [[id, picture, labels] of each frame]]."""
  frames = item.frames if isinstance(item, face_listing.Window) else [item]
  first = frames[0]
  each = [[f.id, f.picture, f.labels] for f in frames]
  return [_hash(first.id), first.id, first.subject, each]


def _hash(name: str) -> str:
  """Hashes a name to 64 bits, as 16 hex digits."""
  return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
