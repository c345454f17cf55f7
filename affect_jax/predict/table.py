"""From paths to a table: what `python -m affect_jax.predict` does."""

from collections.abc import Sequence
import os
import pathlib
from typing import Any

from absl import logging

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import video
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import faces
from affect_jax.predict import formats
from affect_jax.predict import journal as journal_lib
from affect_jax.predict import neutral
from affect_jax.predict import over_time
from affect_jax.predict import overlay as overlay_lib
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
    overlay: Of one video: an .mp4 to draw all this on; '': none.
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
  is_live = inputs[0].camera is not None
  note = output.with_suffix('.json')
  partial = output.with_name(f'{output.stem}.partial.csv')
  if is_live:
    _check_camera(output, note, partial)
  drawn = user_path.expand(overlay) if overlay else None
  if drawn:
    overlay_lib.check(drawn, inputs, settings_lib.overlay_of(note))
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
    if drawn and not drawn.exists():
      if table_format != 'native' or output.suffix.lower() == '.parquet':
        raise UserError(
          f'{output} is finished, and --overlay draws from the rows of a '
          'native .csv: give another --output as well.'
        )
      _draw(drawn, output, inputs[0], columns, settings, output, progress_secs)
    settings_lib.finish(note, content, overlay=drawn.name if drawn else '')
    return settings_lib.read(note)
  journal = journal_lib.Journal(partial, columns.names)
  try:
    resume = journal.open(settings.every * max(1, predictor.window))
    if resume.rows:
      logging.info(
        'Going on after %d rows of %s, at frame %d of %s.',
        resume.rows,
        partial,
        resume.frame,
        resume.input,
      )
    if is_live:
      logging.info('The camera is on: Ctrl-C ends the table.')
    with interrupt.catch() as received:
      written = stream.write(
        faces.of_inputs(inputs, predictor, settings, resume),
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
      raise Stopped(received[0], resume.rows + written, partial)
  finally:
    journal.close()
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
  if drawn:
    _draw(drawn, source, inputs[0], columns, settings, partial, progress_secs)
    settings_lib.write(note, content, finished=False, overlay=drawn.name)
  formats.finish(table_format, source, output, columns, abaw_task)
  partial.unlink(missing_ok=True)
  settings_lib.finish(
    note, content, counts=counts, overlay=drawn.name if drawn else ''
  )
  return settings_lib.read(note)


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
  target: pathlib.Path,
  source: pathlib.Path,
  item: inputs_lib.Input,
  columns: columns_lib.Columns,
  settings: settings_lib.Settings,
  rows: pathlib.Path,
  progress_secs: float,
) -> None:
  """Draws an overlay from `source`; if it is stopped, `rows` are kept."""
  logging.info('Drawing %s.', target)
  with interrupt.catch() as received:
    is_whole = overlay_lib.write(
      target,
      source,
      item,
      columns,
      every=settings.every,
      received=received,
      progress=progress_lib.make(
        _count([item], settings, journal_lib.NOTHING), 'frames', progress_secs
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
