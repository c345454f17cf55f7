"""From paths to a table: what `python -m affect_jax.predict` does."""

from collections.abc import Sequence
import contextlib
import dataclasses
import os
import pathlib
from typing import Any

from absl import logging

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video
from affect_jax.predict import faces
from affect_jax.predict import formats
from affect_jax.predict import journal as journal_lib
from affect_jax.predict import neutral
from affect_jax.predict import over_time
from affect_jax.predict import overlay as overlay_lib
from affect_jax.predict import overlay_files
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import stream
from affect_jax.run import progress as progress_lib
from affect_jax.training import interrupt


class Stopped(Exception):
  """A signal stopped the command; the message says what is kept.

  Attributes:
    exit_code: 128 + the signal's number, as shells have it.
  """

  def __init__(self, signum: int, rows: int, path: pathlib.Path):
    super().__init__(
      f'Stopped: {rows:,} rows are in {path}. The same command goes on there.'
    )
    self.exit_code = 128 + signum


def predict(
  predictor: Any,
  paths: Sequence[str],
  output: str | os.PathLike[str],
  *,
  table_format: str = 'native',
  abaw_task: str = '',
  overlay: str | os.PathLike[str] = '',
  settings: settings_lib.Settings | None = None,
  batch_size: int = 64,
  progress_secs: float = 10.0,
) -> dict[str, Any]:
  """Predicts pictures and videos, and writes a table and its settings.

  Until the table is whole, its native rows are in NAME.partial.csv, before they
  are smoothed; the same call goes on from there. A camera ends with a signal,
  and has a whole table then. NAME.json beside it says what was asked for.

  Args:
    predictor: A `predictor.Predictor`.
    paths: Files, folders and patterns, see `media.inputs`.
    output: The table: .csv or .parquet; parquet is for native tables alone.
    table_format: One of `formats.NAMES`.
    abaw_task: For 'abaw': 'va', 'expr', 'au' or 'mtl', if the run has several.
    overlay: The file or folder to draw all this into, see `overlay_files`; '':
      none.
    settings: How faces are found, and what follows predictions.
    batch_size: Faces at a time.
    progress_secs: Seconds between lines of the log.

  Returns:
    What NAME.json says.

  Raises:
    UserError: No input, two of one name, an output of other settings, a format
      or an overlay that cannot hold it, no neutral face, or none of the inputs
      can be read.
    MissingExtra: A library is not installed.
    Stopped: A signal came; whole frames are kept.
  """
  settings = settings or settings_lib.Settings()
  output = user_path.expand(output)
  check_output(output, table_format)
  if batch_size < 1:
    raise UserError(f'--batch_size={batch_size} must be at least 1.')
  inputs = inputs_lib.find(paths)
  columns = predictor.columns
  formats.check(table_format, columns.outputs, inputs, abaw_task)
  over_time.check(settings, inputs, columns)
  if predictor.window and any(item.is_picture for item in inputs):
    logging.warning(
      'The run reads %d frames of a video at once, and each picture is '
      'predicted alone, as a window of one frame: predictions are not those '
      'of its evaluation.',
      predictor.window,
    )
  is_live = inputs[0].camera is not None
  note = output.with_suffix('.json')
  partial = output.with_name(f'{output.stem}.partial.csv')
  if is_live:
    _check_camera(output, note, partial)
  drawn = None
  if overlay:
    written = settings_lib.overlay_of(note)
    drawn = overlay_files.plan(overlay, paths, inputs, written)
  neutral_face = neutral.of_settings(predictor, settings, batch_size)
  content = settings_lib.describe(
    settings,
    inputs,
    columns,
    predictor.describe(),
    output=output,
    table_format=f'{table_format} {abaw_task}'.strip(),
    neutral_face=neutral_face,
  )
  if settings_lib.claim(note, output, partial, content):
    logging.info('%s is finished.', output)
    # A command that was stopped at the very end may have left these.
    partial.unlink(missing_ok=True)
    if drawn and not drawn.is_whole:
      if table_format != 'native' or output.suffix.lower() == '.parquet':
        raise UserError(
          f'{output} is finished, and --overlay draws from the rows of a '
          'native .csv: give another --output as well.'
        )
      settings_lib.begin_overlay(note, drawn.path.name)
      _draw(drawn, output, output, inputs, predictor, settings, progress_secs)
    settings_lib.finish(note, content)
    return settings_lib.read(note)
  recording = overlay_lib.Recording(drawn) if drawn and is_live else None
  with recording or contextlib.nullcontext():
    _write_rows(
      journal_lib.Journal(partial, columns.names),
      inputs,
      predictor,
      settings,
      batch_size,
      recording,
      progress_secs,
    )
    counts = journal_lib.counts(partial)
    if not counts['predicted'] and counts['unreadable'] == counts['frames']:
      # Whoever mends the inputs begins anew.
      row = next(journal_lib.read(partial))
      for path in (partial, note):
        path.unlink()
      raise UserError(
        f'None of the {counts["inputs"]} inputs can be read: {row["input"]} '
        f'{row["reason"]}.'
      )
    source = over_time.write(partial, columns, settings, neutral_face)
    if drawn and not drawn.is_whole:
      settings_lib.begin_overlay(note, drawn.path.name)
      if recording:
        inputs = [recording.end(inputs[0])]
        # It has the frames that were looked at, and no other.
        settings = dataclasses.replace(settings, every=1)
      try:
        _draw(
          drawn, source, partial, inputs, predictor, settings, progress_secs
        )
      except Stopped:
        if not is_live:
          raise
        logging.warning('Stopped: %s is left out.', drawn.path)
  formats.finish(table_format, source, output, columns, abaw_task)
  partial.unlink(missing_ok=True)
  settings_lib.finish(note, content, counts=counts)
  return settings_lib.read(note)


def _write_rows(
  journal: journal_lib.Journal,
  inputs: Sequence[inputs_lib.Input],
  predictor: Any,
  settings: settings_lib.Settings,
  batch_size: int,
  recording: overlay_lib.Recording | None,
  progress_secs: float,
) -> None:
  """Writes all rows, from where the journal ends; Stopped if a signal came."""
  is_live = inputs[0].camera is not None
  try:
    resume = journal.open(settings.every * max(1, predictor.window))
    if resume.rows:
      logging.info(
        'Going on after %d rows of %s, at frame %d of %s.',
        resume.rows,
        journal.path,
        resume.frame,
        resume.input,
      )
    if is_live:
      logging.info('The camera is on: Ctrl-C ends the table.')
    seen = {'seen': recording.add} if recording else {}
    with interrupt.catch() as received:
      written = stream.write(
        faces.of_inputs(inputs, predictor, settings, resume, **seen),
        predictor,
        journal,
        batch_size=batch_size,
        every=settings.every,
        received=received,
        keeps_cut=is_live,
        progress=progress_lib.make(
          _count(inputs, settings, resume), 'frames', progress_secs
        ),
      )
    if received and not is_live:
      raise Stopped(received[0], resume.rows + written, journal.path)
  finally:
    journal.close()


def check_output(output: pathlib.Path, table_format: str) -> None:
  """Raises UserError if the format or the output's suffix is not known."""
  by_name.check('--format', table_format, formats.NAMES)
  suffixes = formats.NAMES[table_format]
  if output.suffix.lower() not in suffixes:
    raise UserError(
      f'--output={output} must end with {" or ".join(suffixes)} for '
      f'--format={table_format}.'
    )


def _check_camera(*paths: pathlib.Path) -> None:
  """Raises UserError if a path exists: a camera cannot be gone on with."""
  for path in paths:
    if path.exists():
      raise UserError(
        f'{path} exists, and a camera does not show twice what it is of. Give '
        'another --output, or remove the file.'
      )


def _draw(
  drawn: overlay_files.Overlay,
  source: pathlib.Path,
  rows: pathlib.Path,
  inputs: Sequence[inputs_lib.Input],
  predictor: Any,
  settings: settings_lib.Settings,
  progress_secs: float,
) -> None:
  """Draws what `source` says; Stopped, with `rows`, if a signal came."""
  logging.info('Drawing %s.', drawn.path)
  left = drawn.left(inputs)
  nothing = journal_lib.NOTHING
  with interrupt.catch() as received:
    is_whole = overlay_lib.write(
      drawn,
      source,
      inputs,
      predictor.columns,
      lambda item: faces.frames(item, predictor, settings),
      received=received,
      progress=progress_lib.make(
        _count(left, settings, nothing), 'frames', progress_secs
      ),
    )
  if not is_whole:
    count = sum(1 for _ in journal_lib.read(rows))
    raise Stopped(received[0], count, rows)


def _count(
  inputs: Sequence[inputs_lib.Input],
  settings: settings_lib.Settings,
  resume: journal_lib.Resume,
) -> int:
  """Returns about how many frames are left; 0 if a video does not say."""
  names = [item.name for item in inputs]
  left = inputs[names.index(resume.input) :] if resume.input else inputs
  total = -(resume.frame // settings.every)
  for item in left:
    if item.camera is not None:
      return 0
    frames = 1 if item.is_picture else video.count(item.path)
    if not frames:
      return 0
    total += -(-frames // settings.every)
  return max(1, total)
