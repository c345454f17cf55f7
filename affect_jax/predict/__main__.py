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
from affect_jax.media import inputs
from affect_jax.media import margin
from affect_jax.predict import formats
from affect_jax.predict import predictor as predictor_lib
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import submission
from affect_jax.predict import table
from affect_jax.predict.spoken import options as spoken
from affect_jax.run import command


def main(more: Sequence[str] = ()) -> None:
  """Predicts, writes the table, and prints what it holds."""
  given: dict[str, Any] = {name: flag.value for name, flag in _FLAGS.items()}
  paths = [*given['input'], *more]
  of_utterances = spoken.is_run(given['workdir'])
  spoken.check_flags([*_FLAGS], of_utterances)
  if of_utterances:
    # Late, as it takes seconds that faces do not need.
    from affect_jax.predict.spoken import command as spoken_command

    _say(given['output'], spoken_command.main(given, paths))
    return
  spoken.refuse_utterances(paths)
  names = [f.name for f in dataclasses.fields(settings_lib.Settings)]
  settings = settings_lib.Settings(**{name: given[name] for name in names})
  if given['crops_like']:
    crops = inputs.find([given['crops_like']])
    pictures = [item.path for item in crops if item.is_picture]
    settings = dataclasses.replace(settings, margin=margin.of_crops(pictures))
    logging.info('Crops like those have --margin=%g.', settings.margin)
  # Before the run is read, which takes seconds.
  output = user_path.expand(given['output'])
  table.check_output(output, given['format'])
  predictor = predictor_lib.Predictor(
    given['workdir'],
    given['step'],
    threshold=given['threshold'],
    corpus=given['corpus'],
  )
  try:
    content = table.predict(
      predictor,
      paths,
      output,
      table_format=given['format'],
      abaw_task=given['abaw_task'],
      settings=settings,
      batch_size=given['batch_size'],
    )
  except table.Stopped as stop:
    print(stop, file=sys.stderr)
    sys.exit(stop.exit_code)
  _say(output, content)


def _say(output: Any, content: Mapping[str, Any]) -> None:
  counts = content.get('counts', {})
  said = [f'{n:,} {name.replace("_", " ")}' for name, n in counts.items() if n]
  print(f'{output}: {", ".join(said) or "as it was"}')


if __name__ == '__main__':
  _DEFAULTS = settings_lib.Settings()
  _FLAGS = {
    f.name: f
    for f in (
      flags.DEFINE_string('workdir', None, 'Folder of a run.'),
      flags.DEFINE_multi_string(
        'input', None, "Pictures, videos, folders, patterns ('x/*.png')."
      ),
      flags.DEFINE_string('output', None, 'The table: NAME.csv or .parquet.'),
      flags.DEFINE_enum(
        'format',
        'native',
        list(formats.NAMES),
        'Columns and units of the table.',
      ),
      flags.DEFINE_enum(
        'abaw_task',
        '',
        ['', *submission.LAYOUTS],
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
      flags.DEFINE_integer(
        'min_face_px',
        _DEFAULTS.min_face_px,
        'Pixels that the longer side of a face needs to be predicted.',
      ),
      flags.DEFINE_float(
        'max_blur',
        _DEFAULTS.max_blur,
        'Blur, from 0 to 1, up to which a face is predicted.',
      ),
      flags.DEFINE_integer(
        'every', _DEFAULTS.every, 'Read every n-th frame of a video.'
      ),
      flags.DEFINE_string(
        'threshold',
        predictor_lib.TUNED,
        'Of action units: a number, or those tuned on validation.',
      ),
      flags.DEFINE_string(
        'corpus', '', 'Whose tuned thresholds, if the run has several corpora.'
      ),
      flags.DEFINE_integer('step', None, 'Checkpoint; otherwise the best.'),
      flags.DEFINE_integer('batch_size', 64, 'Faces at a time.', 1),
    )
  }
  _FLAGS |= spoken.define_flags()
  command.run(main, more=True, required=['workdir', 'input', 'output'])
