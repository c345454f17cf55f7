r"""Predicts your own pictures, videos and utterances with a trained run.

  python -m affect_jax.predict --workdir=runs/faces \
      --input clip.mp4 photos/ 'more/*.jpg' --output=out.csv

finds the faces, gives each a number that it keeps from frame to frame, and
writes a row for each face of each frame: its box, valence and arousal,
expression, action units, of those that the run has learned. A frame without a
face is a row with a reason. `affect_jax.predict.columns` describes the columns,
out.json beside the table says how they were made. No corpus is needed.

A command that was stopped goes on when it is repeated. --faces=whole takes
pictures as the crops that a corpus would hold. --format=openface, fex (py-feat)
or abaw writes the columns of others: see `affect_jax.predict.formats`.
--overlay=seen.mp4 draws all this on a video, --overlay=FOLDER on all pictures
and videos (`affect_jax.predict.overlay_files`), --smooth and --neutral follow a
face over time (`affect_jax.predict.over_time`), --input=0 is a camera.

--model=model.onnx, which `python -m affect_jax.export` writes, takes the place
of --workdir, and needs neither JAX nor TensorFlow.

Faces must be as large in their crops as in those that the run has learned from:
--crops_like=FOLDER, with some of those, measures the --margin for it. How crops
differ otherwise stands in `affect_jax.media.box.cut`.

With a run of utterances, inputs are tables (those of corpora/utterances_csv.py,
without labels), feature files of its corpus, recordings and videos with sound:
see affect_jax/predict/utterances.md.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import sys
from typing import Any

from absl import flags
from absl import logging

from affect_jax import user_path
from affect_jax.corpora.files import decoding
from affect_jax.errors import UserError
from affect_jax.evaluation import thresholds
from affect_jax.media import inputs
from affect_jax.media import margin
from affect_jax.predict import formats
from affect_jax.predict import settings as settings_lib
from affect_jax.predict.spoken import options as spoken
from affect_jax.run import command


def main(more: Sequence[str] = ()) -> None:
  """Predicts, writes the table, and prints what it holds."""
  from affect_jax.predict import table  # Late: --help need not wait for it.

  given: dict[str, Any] = {name: flag.value for name, flag in _FLAGS.items()}
  paths = [*given['input'], *more]
  if (given['workdir'] is None) == (given['model'] is None):
    raise UserError('Give --workdir=RUN, or --model=FILE.onnx of an export.')
  if given['model'] is None:
    command.prepare()
  of_utterances = spoken.is_run(given['workdir'])
  spoken.check_flags([*_FLAGS], of_utterances)
  try:
    if of_utterances:
      # Late, as it takes seconds that faces do not need.
      from affect_jax.predict.spoken import command as spoken_command

      content = spoken_command.main(given, paths)
    else:
      content = _of_faces(given, paths)
  except table.Stopped as stop:
    print(stop, file=sys.stderr)
    sys.exit(stop.exit_code)
  _say(user_path.expand(given['output']), content)


def _of_faces(given: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
  """Predicts pictures and videos; returns what the file beside it says."""
  from affect_jax.predict import table  # Late: --help need not wait for it.

  spoken.refuse_utterances(paths)
  names = [f.name for f in dataclasses.fields(settings_lib.Settings)]
  settings = settings_lib.Settings(**{name: given[name] for name in names})
  if given['crops_like']:
    crops = inputs.find([given['crops_like']])
    pictures = [item.path for item in crops if item.is_picture]
    like = margin.of_crops(pictures, _decoder(given))
    settings = dataclasses.replace(settings, margin=like)
    logging.info('Crops like those have --margin=%g.', settings.margin)
  # Before the run is read, which takes seconds.
  output = user_path.expand(given['output'])
  table.check_output(output, given['format'])
  return table.predict(
    _predictor(given),
    paths,
    output,
    table_format=given['format'],
    abaw_task=given['abaw_task'],
    overlay=given['overlay'],
    settings=settings,
    batch_size=given['batch_size'],
  )


def _say(output: Any, content: Mapping[str, Any]) -> None:
  counts = content.get('counts', {})
  said = [f'{n:,} {name.replace("_", " ")}' for name, n in counts.items() if n]
  print(f'{output}: {", ".join(said) or "as it was"}')


def _decoder(given: dict[str, Any]) -> Any:
  is_run = given['model'] is None
  return decoding.by_tensorflow if is_run else decoding.without_tensorflow


def _predictor(given: dict[str, Any]) -> Any:
  """Reads the run of --workdir, or the file of --model."""
  how = {name: given[name] for name in ('threshold', 'corpus')}
  if given['model'] is None:
    # Late: an exported file needs no JAX and no TensorFlow.
    from affect_jax.predict import predictor

    return predictor.Predictor(given['workdir'], given['step'], **how)
  if given['step'] is not None:
    raise UserError('--step is of runs: --model has one checkpoint only.')
  from affect_jax.predict import exported

  return exported.Exported(given['model'], **how)


if __name__ == '__main__':
  _DEFAULTS = settings_lib.Settings()
  _FLAGS = {
    f.name: f
    for f in (
      flags.DEFINE_string(
        'workdir',
        None,
        'Folder of a run or of a published model, or its name on '
        'huggingface.co.',
      ),
      flags.DEFINE_string(
        'model', None, 'model.onnx of affect_jax.export, instead of a run.'
      ),
      flags.DEFINE_multi_string(
        'input',
        None,
        "Pictures, videos, folders, patterns ('x/*.png'); or a camera: 0.",
      ),
      flags.DEFINE_string('output', None, 'The table: NAME.csv or .parquet.'),
      flags.DEFINE_string(
        'overlay',
        '',
        'Draw all this: NAME.mp4 or .png of one input, a folder of any.',
      ),
      flags.DEFINE_enum(
        'format',
        'native',
        list(formats.NAMES),
        'Columns and units of the table.',
      ),
      flags.DEFINE_enum(
        'abaw_task',
        '',
        ['', *formats.ABAW_TASKS],
        'Layout of --format=abaw, if the run has several tasks of it.',
      ),
      flags.DEFINE_enum(
        'faces',
        _DEFAULTS.faces,
        settings_lib.FACES,
        'Find faces, or take pictures whole, as crops.',
      ),
      flags.DEFINE_float(
        'margin',
        _DEFAULTS.margin,
        "Share of the face's longer side that its square crop adds.",
      ),
      flags.DEFINE_string(
        'crops_like',
        '',
        'Pictures that the run has learned from: measure --margin on them.',
      ),
      flags.DEFINE_integer(
        'detect_side',
        _DEFAULTS.detect_side,
        'Pixels of the longer side at which faces are looked for.',
      ),
      flags.DEFINE_float(
        'min_confidence',
        _DEFAULTS.min_confidence,
        'Confidence in [0, 1] that a face needs.',
      ),
      flags.DEFINE_float(
        'min_quality',
        _DEFAULTS.min_quality,
        'Quality, from 0 to 1, that a face needs to be predicted.',
      ),
      flags.DEFINE_integer(
        'every', _DEFAULTS.every, 'Read every n-th frame of a video.'
      ),
      flags.DEFINE_float(
        'smooth',
        _DEFAULTS.smooth,
        'Seconds over which the values of a face are smoothed; 0: not.',
      ),
      flags.DEFINE_string(
        'neutral',
        _DEFAULTS.neutral,
        "File of a person's neutral face, which then counts as 0; or 'median'.",
      ),
      flags.DEFINE_string(
        'threshold',
        thresholds.TUNED,
        'Of action units: a number, or those tuned on validation.',
      ),
      flags.DEFINE_string(
        'corpus',
        '',
        'Which corpus pictures are like, if the run has several: its tuned '
        'thresholds, and how it brings pictures into shape.',
      ),
      flags.DEFINE_integer('step', None, 'Checkpoint; otherwise the best.'),
      flags.DEFINE_integer('batch_size', 64, 'Faces at a time.', 1),
    )
  }
  _FLAGS |= spoken.define_flags()
  command.run(main, more=True, required=['input', 'output'], prepares=False)
