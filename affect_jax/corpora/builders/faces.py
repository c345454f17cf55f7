"""Turns the listing of a picture corpus into a tfds builder of records."""

from collections.abc import Callable
import contextlib
import csv
import io
import json
import pathlib
from typing import Any, ClassVar

from absl import logging
from etils import epath
import tensorflow_datasets as tfds
from tensorflow_datasets.core import splits as splits_lib

from affect_jax import by_name
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import prepare
from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import shards
from affect_jax.corpora.files import pictures
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.training import cores

ON_BAD_IMAGE = ('error', 'skip')
LEFT_OUT = 'left_out.csv'


class FaceCorpus(tfds.core.ShardBasedBuilder, skip_registration=True):
  """A corpus of faces; a subclass only names its reader.

  Preparation streams, runs in parallel processes and continues after a kill
  where it stopped: see `shards`. What is left out is counted in the corpus'
  metadata, and by video or file in `left_out.csv` beside its records.
  """

  VERSION = tfds.core.Version('1.0.0')
  # Nothing is downloaded: tfds need not look for checksums.
  url_infos = None
  # The reader: (**options) -> face_listing.Listing.
  LISTING: ClassVar[Callable[..., face_listing.Listing]]

  def __init__(
    self,
    *,
    data_dir: str | pathlib.Path,
    on_bad_image: str = 'error',
    num_workers: int = 0,
    window: int = 0,
    eval_hop: int = 0,
    resize: str = 'stretch',
    max_side: int = 0,
    picture_bits: int = 0,
    **options: Any,
  ):
    """Reads the corpus' listing; finds the corpus in `data_dir` if prepared.

    Args:
      data_dir: Where prepared corpora live.
      on_bad_image: 'error', or 'skip': pictures that cannot be decoded are
        left out and counted.
      num_workers: Processes that prepare; 0: one per core.
      window: Number of consecutive frames of a video in a record, to train
        temporal models; 0: records are single pictures.
      eval_hop: Frames from window to window in val and test, where windows
        overlap and predictions are averaged; 0: half a window. In train
        windows do not overlap.
      resize: What becomes of pictures that are not square, see
        `pictures.Rules`.
      max_side: The most pixels of a side; larger pictures are scaled down.
      picture_bits: Bits of the values in pictures of more than 8 bits.
      **options: Options of the corpus' reader.

    Raises:
      ValueError, FileNotFoundError: from the reader.
      TypeError: the reader does not have one of the options.
    """
    by_name.check('on_bad_image', on_bad_image, ON_BAD_IMAGE)
    if window < 0 or not 0 <= eval_hop <= window:
      raise UserError(
        f'window is {window} and eval_hop {eval_hop}; they must be '
        '0 <= eval_hop <= window.'
      )
    self._skip = on_bad_image == 'skip'
    self._rules = pictures.Rules(resize, max_side, picture_bits)
    self._window, self._hop = window, eval_hop or max(1, window // 2)
    self._workers = num_workers or cores.usable()
    self._listing = type(self).LISTING(**options)
    self._sources = {
      **self._listing.sources,
      'on_bad_image': on_bad_image,
      **self._rules.sources(),
    }
    if window:
      self._sources['window'] = f'{window}, in evaluation every {self._hop}'
    name = sources.fingerprint(version=str(self.VERSION), sources=self._sources)
    super().__init__(
      data_dir=data_dir,
      config=tfds.core.BuilderConfig(name=name, version=self.VERSION),
    )

  def _info(self) -> tfds.core.DatasetInfo:
    return records.info(
      self,
      self._listing.outputs,
      pictures.inputs(windows=self._window > 0),
      sources=self._sources,
      windows=self._window > 0,
      description=self.__doc__,
    )

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Writes the corpus, unless it exists already."""
    prepare.once(self, super().download_and_prepare, **kwargs)
    # Or another process, which waited for this one, removes it now.
    with contextlib.suppress(FileNotFoundError):
      if self._parts.exists():
        self._parts.rmtree()

  @property
  def _parts(self) -> epath.Path:
    """The folder of unfinished shards, outside of what tfds removes."""
    return self.data_path.parent / f'unfinished.{self.VERSION}'

  def _shard_iterators_per_split(self, dl_manager):
    raise NotImplementedError('Shards are written by _download_and_prepare.')

  def _download_and_prepare(self, dl_manager, download_config=None):
    del dl_manager
    jobs, left_out = {}, []
    for split, samples in self._listing.splits.items():
      folder = self._parts / split
      logging.info('%s: listing the pictures of %s.', self.name, split)
      items = samples()
      if self._window:
        hop = self._window if split == 'train' else self._hop
        items = face_listing.windows(items, self._window, hop)
      planned = shards.plan(items, folder)
      left_out += [[split, *row] for row in planned['left_out']]
      jobs[split] = [
        shards.Job(
          rows=str(folder / f'rows-{i:05d}'),
          target=str(folder / f'shard-{i:05d}'),
          root=str(self._listing.root),
          outputs={k: tuple(v) for k, v in self._listing.outputs.items()},
          skip_bad=self._skip,
          windows=self._window > 0,
          rules=self._rules,
        )
        for i in range(planned['shards'])
      ]
    shards.write_all(
      [job for each in jobs.values() for job in each],
      num_workers=self._workers,
      beam=_pipeline(download_config),
    )
    infos = [
      self._finish(split, each, left_out) for split, each in jobs.items()
    ]
    self.info.set_splits(
      splits_lib.SplitDict([i for i in infos if i is not None])
    )
    self._write_left_out(left_out)

  def _finish(self, split, jobs, left_out):
    """Moves the shards of a split to their place; None if there are none."""
    reports = [json.loads(job.report.read_text()) for job in jobs]
    if skipped := sum(r['skipped'] for r in reports):
      left_out.append([split, '', shards.UNREADABLE, skipped])
    for report in reports:
      records.count(self, report.get('noted', {}))
    pairs = [
      (j, r) for j, r in zip(jobs, reports, strict=True) if r['examples']
    ]
    if not pairs:
      if split == 'train':
        raise UserError(
          f'{self._listing.root}: {self.name} has no picture to train on; '
          f'left out: {left_out}.'
        )
      logging.warning(
        '%s has no split %s, as it has no picture.', self.name, split
      )
      return None
    template = self._get_filename_template(split_name=split)
    for index, (job, _) in enumerate(pairs):
      target = template.sharded_filepath(
        shard_index=index, num_shards=len(pairs)
      )
      epath.Path(job.target).rename(target)
    return tfds.core.SplitInfo(
      name=split,
      shard_lengths=[r['examples'] for _, r in pairs],
      num_bytes=sum(r['bytes'] for _, r in pairs),
      filename_template=template,
    )

  def _write_left_out(self, left_out):
    skipped = records.metadata(self)['skipped']
    for _, group, reason, count in left_out:
      skipped[reason] = skipped.get(reason, 0) + count
      records.add_example(self, reason, group)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(['split', 'group', 'reason', 'count'])
    rows.writerows(left_out)
    (epath.Path(self.data_dir) / LEFT_OUT).write_text(text.getvalue())


def _pipeline(config: Any) -> Callable[[], Any] | None:
  """Returns a maker of the Beam pipeline that a DownloadConfig asks for."""
  if config is None or not (config.beam_runner or config.beam_options):
    return None
  beam = tfds.core.lazy_imports.apache_beam
  return lambda: beam.Pipeline(
    runner=config.beam_runner, options=config.beam_options
  )
