"""Your own faces: a CSV with one row per picture and any labels you have.

  image          path of the picture, relative to the CSV, or absolute
  split          train, val or test; also training, valid, dev, ...
  subject        optional: who it is, to keep people apart
  expression     optional: a name; happy, happiness and joy are the same
  valence        optional: -1 (unpleasant) to 1
  arousal        optional: -1 (calm) to 1
  AU1, AU2, ...  optional: presence of an action unit, 0 to 1; AU12L, AU12R are
                 those of one side; also written au01, AU_1, AU01_c;
                 intensities AU01_r need their scale: `au_scale`

Further columns are those of other tasks of `affect_jax.tasks` that annotate
faces. An empty cell means not annotated: its weight is 0. All other labels have
weight 1. What spreadsheets and pandas write is understood, see `cells`,
`csv_form`, `missing` and `split_names` in `corpora/files`.
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

from absl import logging
import tensorflow_datasets as tfds

from affect_jax import by_name
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.builders import label_scales
from affect_jax.corpora.builders import prepare
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import cells
from affect_jax.corpora.files import pictures
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.training import status_line

ON_BAD_IMAGE = ('error', 'skip')


class FacesCsv(tfds.core.GeneratorBasedBuilder):
  """Faces and labels of a CSV in the format that this module describes."""

  VERSION = tfds.core.Version('1.0.0')
  # Nothing is downloaded: tfds need not look for checksums.
  url_infos = None

  def __init__(
    self,
    *,
    data_dir: str | pathlib.Path,
    path: str | pathlib.Path,
    on_bad_image: str = 'error',
    ignore_columns: Sequence[str] = (),
    unlabelled: str = 'skip',
    au_scale: float = 0.0,
    sentinels: Mapping[str, Sequence[float]] | None = None,
    scales: Mapping[str, Sequence[float]] | None = None,
    resize: str = 'stretch',
    max_side: int = 0,
    picture_bits: int = 0,
  ):
    """Checks the CSV; finds the corpus in `data_dir`, if it is prepared.

    A prepared corpus is used again as long as the bytes of the CSV, the size
    and modification time of each picture and the options are the same.

    Exact repetitions of a row, and rows without any label unless these are
    kept, are left out and counted. The id of a picture is its path in the CSV.
    A split without rows does not exist; train must have rows. Tasks and
    expressions are those that occur; expressions are in canonical order, action
    units ordered by number.

    Args:
      data_dir: Where prepared corpora live.
      path: The CSV.
      on_bad_image: 'error', or 'skip': pictures that are missing or cannot
        be decoded are left out and counted. Wrong labels are always an error.
      ignore_columns: Names of columns of the CSV that are not read; 'all':
        every unknown one.
      unlabelled: What becomes of rows without any label: 'skip', or 'keep', so
        that weak labels can teach from them.
      au_scale: Highest intensity of columns AU01_r, AU02_r, ..., 5 in OpenFace:
        they are divided by it. 0: they are not read.
      sentinels: Numbers that mean "not annotated", by column or task, as
        {'valence': (-5,), 'action_units': (-1, 9, 999)}.
      scales: Lowest and highest number of the file's own scale, by column or
        task, as {'valence': (0, 1)}; it becomes that of the task.
      resize: What becomes of pictures that are not square, see
        `pictures.Rules`.
      max_side: The most pixels of a side; larger pictures are scaled down.
      picture_bits: Bits of the values in pictures of more than 8 bits.

    Raises:
      FileNotFoundError: there is no such CSV.
      UserError: lists up to 20 problems as file:line, value, what is
        allowed.
    """
    by_name.check('on_bad_image', on_bad_image, ON_BAD_IMAGE)
    by_name.check('unlabelled', unlabelled, faces_table.ON_UNLABELLED)
    self._path = sources.existing(path, 'a CSV of faces')
    self._skip = on_bad_image == 'skip'
    self._rules = pictures.Rules(resize, max_side, picture_bits)
    self._table = faces_table.read(
      self._path,
      ignore_columns=ignore_columns,
      skip_bad_images=self._skip,
      keep_unlabelled=unlabelled == 'keep',
      au_scale=au_scale,
      sentinels=sentinels,
      scales=scales,
    )
    self._warn_of_scales()
    cells.log_understood(self._path, self._table.understood)
    if unlabelled == 'keep':
      faces_table.log_unlabelled(
        self._path, self._table.unlabelled, len(self._table.rows)
      )
    shared = self._table.shared_subjects
    if shared:
      logging.warning(
        '%s: %d subjects are in more than one split (%s%s): scores are too '
        'good on people who were seen in training.',
        self._path,
        len(shared),
        ', '.join(shared[:5]),
        ', ...' if len(shared) > 5 else '',
      )
    self._sources = {
      self._path.name: sources.sha256(self._path),
      'pictures': sources.fingerprint(
        stats=[(row.image, *row.stat) for row in self._table.rows]
      ),
      'on_bad_image': on_bad_image,
      'ignore_columns': cells.ignored(ignore_columns),
      'subjects_in_two_splits': str(len(shared)),
      **self._reading(),
      **({'scales': str(dict(scales))} if scales else {}),
      **({'unlabelled': 'keep'} if unlabelled == 'keep' else {}),
      **cells.reading(self._table.understood, au_scale, sentinels),
    }
    name = sources.fingerprint(version=str(self.VERSION), **self._sources)
    super().__init__(
      data_dir=data_dir,
      config=tfds.core.BuilderConfig(name=name, version=self.VERSION),
    )

  def _warn_of_scales(self) -> None:
    columns = [c.name for c in self._table.columns]
    values = {
      name: [
        label
        for row in self._table.rows
        if isinstance(label := row.labels[i], float)
      ]
      for i, name in enumerate(columns)
    }
    label_scales.warn(self._path, self._table.outputs(), values, ('scales',))

  def _reading(self) -> dict[str, str]:
    """Returns {option: value} of how pictures are read, for the sources."""
    suffixes = (pathlib.PurePath(r.image).suffix for r in self._table.rows)
    others = any(suffix.lower() not in pictures.JPEG for suffix in suffixes)
    version = {'reading': str(pictures.READING)} if others else {}
    return {**version, **self._rules.sources()}

  def _info(self) -> tfds.core.DatasetInfo:
    return records.info(
      self,
      self._table.outputs(),
      pictures.inputs(),
      sources=self._sources,
      skipped={
        **{k: n for k, n in self._table.skipped.items() if n},
        **self._table.understood,
      },
      examples=self._table.joined,
      description=__doc__,
    )

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Writes the corpus, unless it exists already."""
    prepare.once(self, super().download_and_prepare, **kwargs)

  def _split_generators(self, dl_manager):
    del dl_manager
    rows = {
      split: [row for row in self._table.rows if row.split == split]
      for split in split_names.SPLITS
    }
    return {
      split: self._generate_examples(split, chosen)
      for split, chosen in rows.items()
      if chosen
    }

  def _generate_examples(self, split, rows):
    problems = sources.Problems(self._path)
    outputs = records.metadata(self)['outputs']
    skipped = records.metadata(self)['skipped']
    bad = 0
    for number, row in enumerate(rows, 1):
      status_line.draw(f'{self._path.name}: {split} {number} of {len(rows)}')
      try:
        path = self._path.parent / row.image
        picture, notes = pictures.read(path, self._rules)
      except ValueError as e:
        problem = f'{self._path}:{row.line}: image {row.image!r} {e}.'
        if not self._skip:
          problems.add(problem)
          continue
        logging.warning('Left out: %s', problem)
        bad += 1
        records.add_example(self, faces_table.UNREADABLE, row.image)
        continue
      records.count(self, dict.fromkeys(notes, 1))
      yield (
        row.image,
        {
          'id': row.image,
          'subject': row.subject,
          'image': picture,
          **face_listing.to_record(
            label_columns.by_name(self._table.columns, row.labels, outputs),
            outputs,
          ),
        },
      )
    problems.check()
    if bad:
      reason = faces_table.UNREADABLE
      skipped[reason] = skipped.get(reason, 0) + bad
    if bad == len(rows):
      raise UserError(
        f'{self._path}: no picture of the split {split} can be read.'
      )
