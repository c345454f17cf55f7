"""Segments of a corpus' own files, read by its reader in `corpora`."""

import collections
from collections.abc import Iterator, Mapping
import inspect
import os
import pathlib
from typing import Any

from absl import logging

from affect_jax import by_name
from affect_jax import corpora
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import text as text_lib


def readers() -> list[str]:
  """Returns the names of the corpora whose files can be given."""
  return [
    name
    for name, corpus in corpora.CORPORA.items()
    if issubclass(corpus, utterances.UtteranceCorpus)
    and 'path' in inspect.signature(corpus.LISTING).parameters
    and name != 'utterances_csv'
  ]


def source(
  path: pathlib.Path,
  reader: str,
  options: Mapping[str, Any],
  layout: batches.Layout,
  made: Mapping[str, str],
  *,
  split: str = '',
) -> segment.Source:
  """Returns the utterances of a corpus, split by split; labels do not matter.

  Args:
    path: Its file or folder.
    reader: One of `readers()`.
    options: Those of the reader in the run's config, if it is the same; others
      are passed over.
    layout: How the run reads utterances.
    made: How its text was made.
    split: 'train', 'val' or 'test'; '': all that there are.

  Raises:
    FileNotFoundError: There is no such file.
    UserError: The reader is unknown or cannot read it, there is no such split,
      or features are not those that the run reads.
  """
  if reader in ('', 'utterances_csv'):
    raise UserError(
      f'{path} is neither a table (.csv) nor a recording, and nothing says '
      'which corpus it belongs to: give --reader, one of '
      f'{", ".join(readers())}.'
    )
  by_name.check('--reader', reader, readers())
  read_listing = corpora.CORPORA[reader].LISTING
  known = inspect.signature(read_listing).parameters
  chosen = {k: v for k, v in options.items() if k in known and k != 'path'}
  absent = [
    k
    for k, p in known.items()
    if p.default is p.empty and k != 'path' and k not in chosen
  ]
  if absent:
    raise UserError(
      f'The reader {reader} needs {", ".join(absent)}, which only a run on '
      f'{reader} knows: give such a run, or a table of utterances.'
    )
  listing = read_listing(path=str(path), **chosen)
  splits = [s for s in split_names.SPLITS if s in listing.splits]
  if split:
    by_name.check('--split', split, splits, of=str(path))
    splits = [split]
  lacks = _lacks(listing, layout, made, path)
  name = path.name

  def read(bare: int) -> Iterator[segment.Segment]:
    del bare  # The file has all in one.
    place = 0
    left_out: collections.Counter = collections.Counter()
    for part in splits:
      for item in listing.splits[part]():
        if isinstance(item, face_listing.LeftOut):
          left_out[item.reason] += item.count
          continue
        yield segment.Segment(
          place=place,
          input=name,
          id=item.id,
          text=item.transcript,
          utterance=item,
        )
        place += 1
    for what, count in left_out.items():
      logging.info('%s: %d %s', path, count, what)

  return segment.Source(0, read, lacks, _files(path, listing))


def _lacks(
  listing: utterance_listing.Listing,
  layout: batches.Layout,
  made: Mapping[str, str],
  path: pathlib.Path,
) -> dict[str, str]:
  """Returns {modality: why it is missing}.

  Raises:
    UserError: A modality has another number of features than the run reads.
  """
  lacks = {}
  for modality in layout.dims:
    if modality == 'text' and text_lib.kind_of(made) in text_lib.FROM_WORDS:
      continue  # Transcripts, which every row may have.
    dim, wanted = listing.dims.get(modality), layout.raw(modality)
    if dim is None:
      lacks[modality] = f'{path.name} has none'
    elif dim != wanted:
      raise UserError(
        f'{path} has {dim} features of {modality} per step, and the run reads '
        f'{wanted}: give features of the kind that it has learned from, or '
        'another run.'
      )
  return lacks


def _files(
  path: pathlib.Path, listing: utterance_listing.Listing
) -> dict[str, str]:
  of_path = f'{os.path.getsize(path)} bytes' if path.is_file() else 'a folder'
  content = sources.fingerprint(sources=dict(listing.sources))
  return {path.name: f'{of_path}, {content}'}
