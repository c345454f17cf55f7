r"""Compares runs: is the one better, or was it luck?

  python -m affect_jax.compare runs/a runs/b

Each run is a run's folder, or a folder of seed_0, seed_1, ... with a run each.
Metrics are computed anew from predictions/test.csv. For each metric it prints

  mean A, mean B  over the seeds that both have
  B - A           with the interval that covers the difference in 95 % of cases,
                  on other samples, and (with several seeds) for other seeds
  p               of "A and B are equally good", by swapping their predictions
  Holm p          adjusted for all metrics and pairs of this table
  P(B > A)        chance that a seed of B is better than one of A

Samples of one subject, video or dialogue, where the corpus knows it, are drawn
and swapped together. Runs that were not tested on the same samples with the
same labels are refused.
"""

import argparse
from collections.abc import Sequence

from absl import flags
from absl import logging

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import command

FORMATS = ('text', 'json', 'latex', 'csv')


def main(argv: Sequence[str] | None = None) -> None:
  """Compares, and prints or writes what was found."""
  args = _parser().parse_args(argv)
  command.prepare()
  # These log as commands with flags do.
  flags.FLAGS.mark_as_parsed()
  logging.use_absl_handler()
  with command.in_one_line():
    # Not above: without their libraries, this says which extra brings them.
    from affect_jax.comparison import compare
    from affect_jax.comparison import formats

    found = compare.compare(
      args.runs,
      split=args.split,
      pairs=args.pairs,
      metrics=args.metrics,
      draws=args.draws,
      seed=args.seed,
    )
    content = formats.FORMATS[args.format](found)
    if args.output is None:
      print(content, end='')
    else:
      args.output.parent.mkdir(parents=True, exist_ok=True)
      whole_file.write_text(args.output, content)
      print(f'Wrote {args.output}.')


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    'python -m affect_jax.compare',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument(
    'runs',
    nargs='+',
    metavar='RUN',
    help='two or more folders; the first is A',
  )
  parser.add_argument('--split', choices=('test', 'val'), default='test')
  parser.add_argument(
    '--pairs',
    choices=('first', 'all'),
    default='first',
    help='of several runs: each against the first (default), or all pairs',
  )
  parser.add_argument(
    '--metrics',
    nargs='+',
    default=(),
    metavar='NAME',
    help='task/metric, task/metric/output, or task for all of its metrics; by '
    'default all metrics that have one value per task',
  )
  parser.add_argument('--format', choices=FORMATS, default='text')
  parser.add_argument(
    '--output',
    type=user_path.expand,
    metavar='FILE',
    help='write to a file instead of printing',
  )
  parser.add_argument(
    '--draws',
    type=_draws,
    default=2000,
    metavar='N',
    help='draws with replacement, and swaps (default: %(default)s)',
  )
  parser.add_argument(
    '--seed',
    type=int,
    default=0,
    metavar='N',
    help='decides all draws (default: %(default)s)',
  )
  return parser


def _draws(text: str) -> int:
  if not text.isdigit() or int(text) < 100:
    raise argparse.ArgumentTypeError(f'{text!r} is no number from 100')
  return int(text)


if __name__ == '__main__':
  main()
