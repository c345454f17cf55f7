"""The command line of the report; see the docstring of the package."""

import argparse
from collections.abc import Sequence
import pathlib
import sys

from absl import flags
from absl import logging

from affect_jax import errors
from affect_jax import report
from affect_jax import user_path


def main(argv: Sequence[str] | None = None) -> None:
  """Makes the page; ends with one line on an error that a user can mend."""
  args = _parser().parse_args(argv)
  # `run.command` says errors so, too, but imports TensorFlow and JAX, which
  # takes longer than the page.
  try:
    _make(args)
  except (errors.UserError, errors.MissingExtra) as error:
    sys.exit(f'Error: {error}')
  except OSError as error:
    sys.exit(f'{type(error).__name__}: {error}')


def _make(args: argparse.Namespace) -> None:
  for folder in args.pictures:
    if not folder.is_dir():
      raise errors.UserError(f'--pictures={folder}: no such folder.')
  if args.output.suffix.lower() not in ('.html', '.htm'):
    raise errors.UserError(f'--output={args.output} must end with .html.')
  try:
    import jinja2  # noqa: F401
    import matplotlib  # noqa: F401
  except ImportError as error:
    raise errors.MissingExtra(
      "The report needs libraries: pip install 'affect_jax[report]'."
    ) from error
  from affect_jax.report import make
  from affect_jax.report import page
  from affect_jax.report import style

  if len(args.runs) > 1 and args.draws:
    _show_progress()
  with style.applied():
    made = make.make(
      args.runs, split=args.split, pictures=args.pictures, draws=args.draws
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    folder = page.write(args.output, made)
  for note in made.notes:
    print(f'Note: {note}')
  print(f'Wrote {args.output}, and its figures and tables in {folder}.')


def _show_progress() -> None:
  """Logs how far a comparison is, which may take minutes."""
  # Comparing imports JAX anyway, which these do, too.
  from affect_jax.run import command

  command.prepare()
  # This logs as commands with flags do.
  flags.FLAGS.mark_as_parsed()
  logging.use_absl_handler()
  logging.info('Comparing the runs; --draws=0 leaves that out.')


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    'python -m affect_jax.report',
    description=report.__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('runs', nargs='+', metavar='RUN', help='one or more')
  parser.add_argument(
    '--output',
    type=user_path.expand,
    default=pathlib.Path('report.html'),
    metavar='FILE',
    help='the page (default: %(default)s)',
  )
  parser.add_argument(
    '--pictures',
    type=user_path.expand,
    action='append',
    default=[],
    metavar='FOLDER',
    help='may show pictures of mistakes from this folder, which becomes part '
    'of the page; the path of a picture in it is the id of its sample, with or '
    'without its ending; may be given several times',
  )
  parser.add_argument(
    '--split',
    choices=('test', 'val'),
    default='test',
    help='whose predictions are shown (default: %(default)s)',
  )
  parser.add_argument(
    '--draws',
    type=_draws,
    default=2000,
    metavar='N',
    help='of the comparison of several runs (default: %(default)s); 0: none',
  )
  return parser


def _draws(text: str) -> int:
  if not text.isdigit() or 0 < int(text) < 100:
    raise argparse.ArgumentTypeError(f'{text!r} is no number from 100, nor 0')
  return int(text)


if __name__ == '__main__':
  main()
