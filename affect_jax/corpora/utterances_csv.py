"""Your own utterances: a CSV with words, voice, face and labels of each.

  id               unique
  split            train, val or test; also training, valid, dev, ...
  text             optional: what was said
  audio            optional: path of a .npy or .npz with an array [T, D], or of
                   a recording (.wav, .flac, .ogg, .mp3, ...), from which
                   `wav_features` computes features (affect_jax[audio])
  vision           optional: path of a .npy or .npz with an array [T, D], or of
                   a CSV of OpenFace, py-feat or LibreFace, which
                   `face_features` reads; if several clips share it, that of
                   the row's id
  dialogue         optional: the conversation or video it belongs to
  turn             optional: its number there, from 0; without turns, the order
                   of the rows counts
  speaker          optional: who says it
  emotion          optional: one name; happy, happiness and joy are the same
  sentiment        optional: -3 (negative) to 3
  sentiment_class  optional: negative, neutral or positive
  sarcasm          optional: 0 (not meant so) to 1
  anger, joy, ...  optional, in place of `emotion`: several at once, 0 to 1 each

Further columns are those of other tasks of `affect_jax.tasks` that annotate
utterances. An empty cell means a missing modality or a missing label; rows
without text, audio and vision are left out and counted. A CSV without any face
is a missing modality, too, and so are zeros; its frames without a face are
counted. Paths are relative to the CSV, or absolute. D must be the same in all
rows of a modality; T may differ. What spreadsheets and pandas write is
understood, see `cells`, `csv_form`, `missing` and `split_names` in
`corpora/files`.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import functools
import pathlib

from absl import logging
import numpy as np

from affect_jax import by_name
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import label_columns
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.builders import utterances_row
from affect_jax.corpora.builders import utterances_table
from affect_jax.corpora.features import face_features
from affect_jax.corpora.features import sequences
from affect_jax.corpora.files import cells
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.models import json_file

# What `Listing.computed` calls the features of recordings, and, before the step
# and the checksum of the weights, those that a run of faces computed.
WAV_FEATURES, FACE_RUN = 'wav_features', 'export_features'


def listing(
  path: str | pathlib.Path,
  *,
  ignore_columns: Sequence[str] = (),
  unlabelled: str = 'skip',
  sentinels: Mapping[str, Sequence[float]] | None = None,
  scales: Mapping[str, Sequence[float]] | None = None,
) -> utterance_listing.Listing:
  """Lists the utterances of a CSV in the format that this module describes.

  A split without rows does not exist; train must have rows. Tasks, and emotions
  of the column `emotion`, are those that occur. Exact repetitions of a row are
  left out and counted. So are rows without any label, unless these are kept, or
  their dialogue has labels: then they are context. A dialogue in two splits
  causes a warning.

  Feature files are read when a split is streamed. If the modification time or
  size of one of them changes, the corpus is prepared anew.

  Args:
    path: The CSV.
    ignore_columns: Names of columns of the CSV that are not read; 'all': every
      unknown one.
    unlabelled: What becomes of rows without any label: 'skip', or 'keep', so
      that weak labels can teach from them.
    sentinels: Numbers that mean "not annotated", by column or task, as
      {'sentiment': (-9,)}.
    scales: Lowest and highest number of the file's own scale, by column or
      task, as {'sentiment': (-1, 1)}; it becomes that of the task.

  Raises:
    FileNotFoundError: there is no such CSV.
    UserError: lists up to 20 problems as file:line, value, what is allowed;
      when streamed, also those of feature files.
  """
  file = sources.existing(path, 'a CSV of utterances')
  by_name.check('unlabelled', unlabelled, faces_table.ON_UNLABELLED)
  keep = unlabelled == 'keep'
  table = utterances_table.read(
    file,
    ignore_columns,
    keep_unlabelled=keep,
    sentinels=sentinels,
    scales=scales,
  )
  cells.log_understood(file, table.understood)
  if keep:
    faces_table.log_unlabelled(file, table.unlabelled, len(table.rows))
  shared = table.shared_dialogues
  if shared:
    logging.warning(
      '%s: %d dialogues are in more than one split (%s%s): scores are too good '
      'on conversations that were seen in training.',
      file,
      len(shared),
      ', '.join(shared[:5]),
      ', ...' if len(shared) > 5 else '',
    )
  first = _first(table.rows)
  dims = {m: _dim(file, row, m) for m, row in first.items()}
  return utterance_listing.Listing(
    outputs=table.outputs(),
    dims=dims,
    splits={
      split: functools.partial(_stream, file, table, split, first, dims)
      for split in split_names.SPLITS
      if any(row.split == split for row in table.rows)
    },
    sources={
      file.name: sources.sha256(file),
      'features': sources.fingerprint(
        stats=[(row.id, *row.stats) for row in table.rows if row.files]
      ),
      'ignore_columns': cells.ignored(ignore_columns),
      'dialogues_in_two_splits': str(len(shared)),
      **({'reading': str(sequences.READING)} if first else {}),
      **({'unlabelled': 'keep'} if keep else {}),
      **({'scales': str(dict(scales))} if scales else {}),
      **cells.reading(table.understood, 0, sentinels),
    },
    computed=_computed(file, first),
  )


def _stream(
  file: pathlib.Path,
  table: utterances_table.Table,
  split: str,
  first: Mapping[str, utterances_row.Row],
  dims: Mapping[str, int],
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  for reason, count in table.left_out[split].items():
    if count:
      yield face_listing.LeftOut(reason, '', count)
  if split == 'train':  # Which cells were understood is counted once.
    for what, count in table.understood.items():
      if what not in table.joined:
        yield face_listing.LeftOut(what, '', count)
    for what, names in table.joined.items():
      for name in names:
        yield face_listing.LeftOut(what, name)
  outputs = table.outputs()
  problems = sources.Problems(file)
  turns: dict[str, int] = {}
  for row in table.rows:
    if row.split != split:
      continue
    arrays = {}
    for modality, name in row.files.items():
      try:
        x, left_out = features(file, name, row.id, dims[modality])
        for reason, count in left_out.items():
          yield face_listing.LeftOut(f'{modality}: {reason}', row.id, count)
        if x.any():
          arrays[modality] = x
        elif len(x):
          # Zero means the same in every reader: see `feature_file.finite`.
          reason = feature_file.ALL_ZERO % modality
          yield face_listing.LeftOut(reason, row.id, 1)
      except ValueError as e:
        problems.add(
          f'{file}:{row.line}: {modality} {name!r} {e} (the first one is in '
          f'line {first[modality].line}).'
        )
    turn = turns.get(row.dialogue, 0) if row.turn is None else row.turn
    turns[row.dialogue] = turn + 1
    if row.files and not arrays and not row.text:
      yield face_listing.LeftOut(
        'utterances without a face or words', row.id, 1
      )
      continue
    yield utterance_listing.Utterance(
      id=row.id,
      labels=label_columns.by_name(table.columns, row.labels, outputs),
      sequences=arrays,
      transcript=row.text,
      dialogue=row.dialogue,
      turn=turn if row.dialogue else 0,
      speaker=row.speaker,
    )
  problems.check()


def _first(
  rows: Sequence[utterances_row.Row],
) -> dict[str, utterances_row.Row]:
  """Returns {modality: the first row, by line, that has its features}."""
  first: dict[str, utterances_row.Row] = {}
  for row in sorted(rows, key=lambda row: row.line):
    for modality in row.files:
      first.setdefault(modality, row)
  return first


def _computed(
  file: pathlib.Path, first: Mapping[str, utterances_row.Row]
) -> dict[str, str]:
  """Returns what of this package computed features, see `Listing`."""
  found = {}
  if 'audio' in first and _is_recording(first['audio'].files['audio']):
    found['audio'] = WAV_FEATURES
  if 'vision' in first:
    path = file.parent / first['vision'].files['vision']
    try:
      settings = json_file.read_if_any(path.with_name(sequences.EXPORTED))
    except UserError:  # A file of somebody else.
      settings = {}
    if {'step', 'weights'} <= settings.keys():
      found['vision'] = f'{FACE_RUN} {settings["step"]} {settings["weights"]}'
  return found


def _dim(file: pathlib.Path, row: utterances_row.Row, modality: str) -> int:
  """Returns D of a modality, that of its first row."""
  name = row.files[modality]
  if _is_recording(name):
    # D is known without reading the recording, which would take time.
    from affect_jax.corpora.features import wav_features

    return len(wav_features.names())
  try:
    return features(file, name, row.id)[0].shape[1]
  except ValueError as e:
    raise UserError(f'{file}:{row.line}: {modality} {name!r} {e}.') from e


def _is_recording(name: str) -> bool:
  return name.lower().endswith(sequences.RECORDINGS)


def features(
  file: pathlib.Path, name: str, clip: str, dim: int | None = None
) -> tuple[np.ndarray, Mapping[str, int]]:
  """Reads a row's features [T, D] from a file, and {reason: steps left out}.

  T is 0 if a CSV of faces has no face. Of one that several clips share, the
  rows of `clip` are read.
  """
  path = file.parent / name
  if path.suffix.lower() != '.csv':
    counts: collections.Counter = collections.Counter()
    x = sequences.checked(sequences.read(path, counts), dim)
    for what in counts:
      logging.warning('%s: one of the %s.', path, what)
    return x, counts
  faces = face_features.read(path, clip=clip)
  if dim is not None and faces.values.shape[1] != dim:
    raise UserError(f'has {faces.values.shape[1]} features per step, not {dim}')
  return faces.values, faces.left_out


class UtterancesCsv(utterances.UtteranceCorpus):
  """A user's own utterances; see `listing` and `UtteranceCorpus`."""

  LISTING = listing
