r"""Files of the ABAW challenges: writes submissions, and scores them.

  python -m affect_jax.abaw submit --predictions=RUN/predictions/test.csv \
      --sample_list=FILE --task=mtl --out=predictions.txt

  python -m affect_jax.abaw score --submission=predictions.txt \
      --labels=validation_set_annotations.txt --edition=abaw7

Each has a --help of its own.
"""

import argparse
from collections.abc import Mapping, Sequence
import math

from rich import console
from rich import table as rich_table

from affect_jax import user_path
from affect_jax.run import command
from affect_jax.run import folder as run_folder

# Those of `scoring.EDITIONS`, which needs JAX: --help does not wait for it.
EDITIONS = tuple(f'abaw{n}' for n in range(1, 9))
SUBMIT = """\
Writes a submission from the predictions that a run left: a row for every frame
of the sample list, in its order. A frame without a prediction (no face was
found) takes that of the nearest frame of its video; how many did is said.
"""
SCORE = """\
Scores a submission against labels. Labels are read as they are distributed:
the list of the MTL challenge, or a folder with a file per video; what is not
annotated (-5, -1) is left out label by label. Tasks that both have are scored.
"""


def submit(args: argparse.Namespace) -> None:
  """Writes a submission and says what had to be filled."""
  from affect_jax.abaw import files
  from affect_jax.abaw import predictions
  from affect_jax.abaw import scoring
  from affect_jax.abaw import submission

  layout = scoring.get_layout(args.edition, args.task)
  names = files.read_sample_list(args.sample_list)
  if args.per_video:
    names = submission.every_frame(names)
  if args.thresholds == 'tuned':
    thresholds = predictions.read_thresholds(
      args.predictions, layout, args.corpus
    )
  else:
    thresholds = {name: args.thresholds for name in layout.columns}
  predicted = predictions.read(
    args.predictions, layout, thresholds, args.corpus
  )
  frames, filled = submission.fill(predicted, names, args.fill_missing_videos)
  if args.per_video:
    submission.write_per_video(args.out, frames)
  else:
    submission.write(args.out, frames)
  videos = {files.key(name)[0] for name in names}
  print(f'{args.out}: {len(names):,} frames of {len(videos):,} videos.')
  if filled.frames:
    print(
      f'  {filled.frames:,} frames without a prediction took that of the '
      f'nearest frame of their video, at most {filled.furthest:,} frames away.'
    )
  elif not filled.videos:
    print('  Every frame had a prediction of its own.')
  if filled.videos:
    print(
      f'  {len(filled.videos):,} videos without any prediction '
      f'({filled.video_frames:,} frames) are neutral, 0 and no action unit: '
      f'{", ".join(filled.videos)}.'
    )


def score(args: argparse.Namespace) -> None:
  """Prints the scores of a submission, and writes them as JSON if asked."""
  from affect_jax.abaw import files
  from affect_jax.abaw import scoring

  scores = scoring.score(
    files.read_submission(args.submission),
    files.read_labels(args.labels),
    args.edition,
  )
  show(scores, f'{args.submission}, {args.edition}')
  if args.json:
    args.json.parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_json(str(args.json), scores)


def show(scores: Mapping[str, float], title: str) -> None:
  """Prints the scores, with the number of labels behind those of a column."""
  table = rich_table.Table(title=title)
  table.add_column('metric')
  table.add_column('score', justify='right')
  table.add_column('labels', justify='right')
  for name, value in scores.items():
    if name.startswith('labels/') or name in ('frames', 'extra_frames'):
      continue
    output = name.removesuffix('/ccc').rpartition('/f1/')[2].partition('/')[0]
    count = scores.get(f'labels/{output}')
    table.add_row(
      name,
      '–' if math.isnan(value) else f'{value:.4f}',
      '' if count is None else f'{count:,}',
    )
  # A width of its own: logs of a cluster job have no terminal.
  out = console.Console(width=100, highlight=False)
  out.print(table)
  out.print(
    f'{scores["frames"]:,} annotated frames; the submission has '
    f'{scores["extra_frames"]:,} more, which do not count.'
  )


def _threshold(text):
  if text == 'tuned':
    return text
  value = float(text)
  if not 0 <= value <= 1:
    raise argparse.ArgumentTypeError(f"{text!r} is not in [0, 1], nor 'tuned'")
  return value


def _parser():
  plain = argparse.RawDescriptionHelpFormatter
  parser = argparse.ArgumentParser(
    'python -m affect_jax.abaw', description=__doc__, formatter_class=plain
  )
  commands = parser.add_subparsers(required=True, metavar='submit | score')
  editions = list(EDITIONS)

  p = commands.add_parser(
    'submit',
    help='write a submission from the predictions of a run',
    description=SUBMIT,
    formatter_class=plain,
  )
  p.set_defaults(run=submit)
  p.add_argument(
    '--predictions',
    type=user_path.expand,
    required=True,
    metavar='CSV',
    help='RUN/predictions/test.csv, with ids such as video/00001.jpg',
  )
  p.add_argument(
    '--sample_list',
    type=user_path.expand,
    required=True,
    metavar='PATH',
    help="the organisers' sample file; for validation, its labels: a list, or "
    'a folder with a file per video',
  )
  p.add_argument(
    '--task',
    required=True,
    choices=('va', 'expr', 'au', 'mtl'),
    help='valence and arousal, expression, action units, or all three',
  )
  p.add_argument(
    '--out',
    type=user_path.expand,
    required=True,
    metavar='PATH',
    help='what to write',
  )
  p.add_argument(
    '--edition',
    choices=editions,
    default=editions[-1],
    help='which classes and units: abaw1 and abaw2 have 7 classes, abaw1 has '
    '8 units (default: %(default)s)',
  )
  p.add_argument(
    '--thresholds',
    type=_threshold,
    default=0.5,
    metavar='NUMBER | tuned',
    help='an action unit is there above it; tuned: those that the run tuned '
    'on validation, from its best checkpoint (default: %(default)s)',
  )
  p.add_argument(
    '--corpus', help='whose predictions, if the file is of several corpora'
  )
  p.add_argument(
    '--per_video',
    action='store_true',
    help='as in ABAW 1 to 3: a new folder with VIDEO.txt for each video, a row '
    'for every frame from 1 to the last in the sample list',
  )
  p.add_argument(
    '--fill_missing_videos',
    action='store_true',
    help='give videos without any prediction neutral, 0 and no action unit, '
    'instead of stopping',
  )

  p = commands.add_parser(
    'score',
    help='score a submission against labels',
    description=SCORE,
    formatter_class=plain,
  )
  p.set_defaults(run=score)
  p.add_argument(
    '--submission',
    type=user_path.expand,
    required=True,
    metavar='PATH',
    help='a file, or a folder with a file per video',
  )
  p.add_argument(
    '--labels',
    type=user_path.expand,
    required=True,
    metavar='PATH',
    help='validation_set_annotations.txt, say, or '
    'VA_Estimation_Challenge/Validation_Set',
  )
  p.add_argument(
    '--edition',
    choices=editions,
    required=True,
    help='whose rules; they differ for abaw1, abaw2 and all later ones',
  )
  p.add_argument(
    '--json',
    type=user_path.expand,
    metavar='FILE',
    help='also write the scores here',
  )
  return parser


def main(argv: Sequence[str] | None = None) -> None:
  """Runs a command."""
  args = _parser().parse_args(argv)
  command.prepare()
  with command.in_one_line():
    args.run(args)


if __name__ == '__main__':
  main()
