"""From paths to a table of utterances, for `python -m affect_jax.predict`.

What the inputs are follows from their names: tables (.csv, .tsv), recordings
and videos, or else files of the run's corpus.
"""

from collections.abc import Iterator, Mapping, Sequence
import csv
import itertools
import os
import pathlib
from typing import Any

from absl import logging
import pyarrow as pa
from pyarrow import parquet

from affect_jax import file_kind
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.corpora.features import sequences
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import settings as settings_lib
from affect_jax.predict.spoken import columns as columns_lib
from affect_jax.predict.spoken import faces as faces_lib
from affect_jax.predict.spoken import feature_files
from affect_jax.predict.spoken import options
from affect_jax.predict.spoken import predictor as predictor_lib
from affect_jax.predict.spoken import recordings
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import table_rows

RECORDINGS = (*inputs_lib.VIDEOS, *sequences.RECORDINGS)


def main(given: Mapping[str, Any], paths: Sequence[str]) -> dict[str, Any]:
  """Predicts what the flags say; returns the content of the sidecar."""
  if given['format'] != 'native':
    raise UserError(
      f'--format={given["format"]} is for faces; a run of utterances has '
      '--format=native alone.'
    )
  output = user_path.expand(given['output'])
  if output.suffix.lower() not in ('.csv', '.parquet'):
    raise UserError(f'--output={output} must end with .csv or .parquet.')
  predictor = predictor_lib.UtterancePredictor(
    given['workdir'],
    given['step'],
    corpus=given['corpus'],
    threshold=given['threshold'],
    text_model=given['text_model'],
  )
  faces = settings_lib.Settings(
    **{name: given[name] for name in options.OF_FACES}
  )
  return predict(
    predictor,
    paths,
    output,
    subtitles=given['subtitles'],
    seconds=given['segment'],
    split=given['split'],
    reader=given['reader'],
    face_run=given['face_run'],
    faces=faces,
    batch_size=given['batch_size'],
  )


def predict(
  predictor: predictor_lib.UtterancePredictor,
  paths: Sequence[str],
  output: pathlib.Path,
  *,
  subtitles: str = '',
  seconds: float | None = None,
  split: str = '',
  reader: str = '',
  face_run: str = '',
  faces: settings_lib.Settings | None = None,
  batch_size: int = 64,
) -> dict[str, Any]:
  """Predicts inputs, and writes a table and how it was made, whole or not.

  Args:
    predictor: The run.
    paths: Tables, files of a corpus, recordings, folders and patterns of them.
    output: The table: .csv or .parquet; NAME.json beside it says how.
    subtitles, seconds: See `recordings.source`.
    split, reader: See `feature_files.source`.
    face_run: A run of faces that computes features of faces; or ''.
    faces: How it finds them.
    batch_size: Utterances, or dialogues, at a time.

  Returns:
    What NAME.json says.

  Raises:
    UserError: An input or an option is wrong, nothing can be predicted, or the
      output is of other settings.
    MissingExtra: A library is not installed.
  """
  if batch_size < 1:
    raise UserError(f'--batch_size={batch_size} must be at least 1.')
  settings = {
    'subtitles': subtitles,
    'segment': seconds,
    'split': split,
    'reader': reader,
    'face_run': face_run,
  }
  faces = faces or settings_lib.Settings()
  if face_run:
    settings |= {k: getattr(faces, k) for k in options.OF_FACES}
  sources = [
    _source(predictor, kind, group, settings, faces)
    for kind, group in _groups(paths, reader)
  ]
  content = {
    'schema_version': columns_lib.SCHEMA_VERSION,
    'kind': 'utterances',
    'output': output.name,
    'format': 'native',
    'columns': list(predictor.columns.names),
    **predictor.describe(),
    'thresholds': predictor.columns.thresholds,
    'settings': settings,
    'inputs': [f'{k}: {x}' for s in sources for k, x in s.files.items()],
    'missing': [
      f'{modality} of {next(iter(source.files))}: {why}'
      for source in sources
      for modality, why in source.lacks.items()
    ],
  }
  note = output.with_suffix('.json')
  begun = note.exists() or output.exists()
  if begun and settings_lib.claim(note, output, output, content):
    logging.info('%s is finished.', output)
    kept = settings_lib.read(note)
    if not kept['finished']:  # Stopped between the table and its note.
      settings_lib.write(note, content, finished=True)
    return settings_lib.read(note)
  rows: list[segment.Row] = []
  for source in sources:
    for modality, why in source.lacks.items():
      logging.warning(
        '%s: %s is missing in all rows: %s.',
        next(iter(source.files)),
        modality,
        why,
      )
    rows += predictor.rows(source, batch_size)
  counts = _counts(rows)
  output.parent.mkdir(parents=True, exist_ok=True)
  settings_lib.write(note, content, finished=False)
  _write(output, predictor.columns, rows)
  settings_lib.write(note, content, finished=True, counts=counts)
  return settings_lib.read(note)


def _groups(
  paths: Sequence[str], reader: str
) -> Iterator[tuple[str, list[str]]]:
  """Yields what consecutive inputs are, and which: recordings go together."""
  if not paths:
    raise UserError('There is no input: give tables, recordings or folders.')
  each = [(_kind(path, reader), path) for path in paths]
  for kind, group in itertools.groupby(each, key=lambda x: x[0]):
    together = [path for _, path in group]
    if kind == 'recordings':
      yield kind, together
    else:
      for path in together:
        yield kind, [path]


def _kind(text: str, reader: str) -> str:
  """Returns 'features', 'table' or 'recordings'; UserError if it is neither."""
  if reader:
    return 'features'
  path = user_path.expand(text)
  name = path.name.lower()
  if name.endswith(file_kind.PICTURES):
    raise _pictures(text, 'is a picture')
  if name.endswith(('.srt', '.vtt')):
    raise UserError(
      f'--input={text}: give the recording as --input, and its words as '
      f'--subtitles={text}.'
    )
  if name.endswith(options.TABLES):
    return 'table'
  if name.endswith(RECORDINGS):
    return 'recordings'
  if path.is_dir():
    names = [
      x.lower() for _, _, of in os.walk(path, followlinks=True) for x in of
    ]
    if any(x.endswith(RECORDINGS) for x in names):
      return 'recordings'
    if any(x.endswith(file_kind.PICTURES) for x in names):
      raise _pictures(text, 'is a folder of pictures')
    return 'features'
  return 'features' if path.exists() else 'recordings'


def _pictures(text: str, what: str) -> UserError:
  return UserError(
    f'--input={text} {what}, and the run learned from utterances: give a table,'
    ' a recording or a video with sound. Pictures need a run that learned from '
    'faces, such as that of configs/faces_csv.py.'
  )


def _source(
  predictor: predictor_lib.UtterancePredictor,
  kind: str,
  paths: Sequence[str],
  settings: Mapping[str, Any],
  faces: settings_lib.Settings,
) -> segment.Source:
  layout, made = predictor.layout, predictor.made
  reader, face_run = settings['reader'], settings['face_run']
  for name, wanted in (
    ('subtitles', 'recordings'),
    ('segment', 'recordings'),
    ('face_run', 'recordings'),
    ('split', 'features'),
  ):
    value = settings[name]
    if value and kind != wanted:
      what = {'recordings': 'recordings', 'features': "a corpus' files"}[wanted]
      raise UserError(f'--{name}={value} is for {what}, not for {paths[0]}.')
  if kind == 'table':
    return table_rows.source(paths[0], layout, made)
  if kind == 'features':
    is_own = not reader or reader == predictor.reader
    return feature_files.source(
      user_path.expand(paths[0]),
      reader or predictor.reader,
      predictor.options if is_own else {},
      layout,
      made,
      split=settings['split'],
    )
  lacks = recordings.lacks(
    layout, made, predictor.computed, predictor.reader, face_run
  )
  of_faces = None
  if face_run and 'vision' in layout.dims and 'vision' not in lacks:
    by = (predictor.computed or {})['vision']
    of_faces = faces_lib.Faces(face_run, by, faces)
  return recordings.source(
    inputs_lib.find(paths, RECORDINGS, 'recording'),
    layout,
    lacks,
    subtitles=settings['subtitles'],
    seconds=settings['segment'],
    faces=of_faces,
  )


def _counts(rows: Sequence[segment.Row]) -> dict[str, int]:
  """Counts rows; UserError if none is predicted."""
  failed = [row for row in rows if row.predictions is None]
  partly = [row for row in rows if row.predictions is not None and row.reason]
  if len(failed) == len(rows):
    if not rows:
      raise UserError('The inputs have no utterance.')
    part = failed[0].segment
    raise UserError(
      f'None of the {len(rows):,} utterances can be predicted: {part.input}, '
      f'{part.id or "all of it"}: {failed[0].reason}.'
    )
  for what, of in (('not predicted', failed), ('read in part', partly)):
    if of:
      part = of[0].segment
      logging.warning(
        '%d of %d utterances are %s; the first is %s, %s: %s.',
        len(of),
        len(rows),
        what,
        part.input,
        part.id,
        of[0].reason,
      )
  return {
    'utterances': len(rows),
    'predicted': len(rows) - len(failed),
    'not_predicted': len(failed),
    'read_in_part': len(partly),
  }


def _write(
  output: pathlib.Path,
  columns: columns_lib.Columns,
  rows: Sequence[segment.Row],
) -> None:
  """Writes the table, whole or not at all; CSVs keep float32 exactly."""
  values = [columns.row(row) for row in rows]
  with whole_file.writing(output) as partial:
    if output.suffix.lower() == '.parquet':
      arrays = {
        name: pa.array([row[name] for row in values], kind)
        for name, kind in columns.types.items()
      }
      parquet.write_table(pa.table(arrays), os.fspath(partial))
      return
    with open(partial, 'w', newline='', encoding='utf-8') as file:
      writer = csv.writer(file, lineterminator='\n')
      writer.writerow(columns.names)
      for row in values:
        cells = (row[name] for name in columns.names)
        writer.writerow(['' if cell is None else str(cell) for cell in cells])
