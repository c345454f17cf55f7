"""From paths to a table of utterances, for `python -m affect_jax.predict`.

What the inputs are follows from their names: tables (.csv, .tsv), recordings
and videos, or else files of the run's corpus.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import itertools
import os
import pathlib
from typing import Any

from absl import logging

from affect_jax import file_kind
from affect_jax import user_path
from affect_jax.corpora.features import sequences
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import journal as journal_lib
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table
from affect_jax.predict.spoken import columns as columns_lib
from affect_jax.predict.spoken import faces as faces_lib
from affect_jax.predict.spoken import feature_files
from affect_jax.predict.spoken import options
from affect_jax.predict.spoken import predictor as predictor_lib
from affect_jax.predict.spoken import recordings
from affect_jax.predict.spoken import rows as rows_lib
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import table_rows
from affect_jax.training import interrupt

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
  """Predicts inputs, and writes a table and how it was made.

  Until the table is whole, its rows are in NAME.partial.csv (`journal`), in the
  order in which they were read; the same call goes on from there.

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
    table.Stopped: A signal came; whole batches are kept.
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
  partial = output.with_name(f'{output.stem}.partial.csv')
  if settings_lib.claim(note, output, partial, content):
    logging.info('%s is finished.', output)
    # A command that was stopped at the very end may have left these.
    partial.unlink(missing_ok=True)
    settings_lib.finish(note, content)
    return settings_lib.read(note)
  names = [*rows_lib.OF_JOURNAL, *predictor.columns.names]
  journal = journal_lib.Journal(partial, names)
  journal.open_after(
    lambda row: row['source'], ends=lambda row: row['ends'] == '1'
  )
  try:
    _write_rows(journal, predictor, sources, batch_size)
    counts = rows_lib.counts(journal_lib.read(partial))
  except table.Stopped:
    raise
  except Exception:
    # Whoever mends the inputs begins anew, unless something is done.
    if not any(row['success'] == '1' for row in journal_lib.read(partial)):
      partial.unlink()
      note.unlink()
    raise
  finally:
    journal.close()
  rows_lib.write(output, predictor.columns, journal_lib.read(partial))
  partial.unlink()
  settings_lib.finish(note, content, counts=counts)
  return settings_lib.read(note)


def _write_rows(
  journal: journal_lib.Journal,
  predictor: predictor_lib.UtterancePredictor,
  sources: Sequence[segment.Source],
  batch_size: int,
) -> None:
  """Writes all rows, from where the journal ends; Stopped if a signal came."""
  done = collections.Counter(
    r['source'] for r in journal_lib.read(journal.path)
  )
  written = done.total()
  if written:
    logging.info('Going on after %d rows of %s.', written, journal.path)
  with interrupt.catch() as received:
    for number, source in enumerate(sources):
      for modality, why in source.lacks.items():
        logging.warning(
          '%s: %s is missing in all rows: %s.',
          next(iter(source.files)),
          modality,
          why,
        )
      for part in predictor.parts(
        source, batch_size, done=done[str(number)], received=received
      ):
        journal.write(rows_lib.cells(part, number, predictor.columns))
        written += len(part)
      if received:
        raise table.Stopped(received[0], written, journal.path)


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
  if kind != 'recordings':  # Of those, `inputs_lib.find` looks at names.
    path = user_path.expand(paths[0])
    inputs_lib.check_name(path.name, path)
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
