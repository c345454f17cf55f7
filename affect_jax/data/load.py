"""config.data: which corpora, their splits, how their rows are drawn."""

from collections.abc import Sequence
import copy
import functools
from typing import Any

from absl import logging

from affect_jax import defaults
from affect_jax.corpora.builders import prepare
from affect_jax.data import gold_share
from affect_jax.data import sampling
from affect_jax.data import streams
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.weak import table

SPLITS = ('train', 'val', 'test')
# Settings of config.data that say how rows of corpora, or classes, are drawn.
DRAWING = ('sampling', 'temperature', 'shares', 'balance', 'shuffle_megabytes')
# Settings of config.data that are no options of a corpus.
OURS = (*DRAWING, 'weak_labels', 'gold_share')
# Those that each of several corpora has unless it has its own.
SHARED = ('data_dir', 'splits')


def describe(config: Any) -> dict[str, dict[str, Any]]:
  """Returns {name: options} of the corpora of config.data, with their splits.

  Raises:
    UserError: config.data names neither one corpus nor several, or both.
  """
  common = config.data.to_dict()
  several = common.pop('corpora')
  for key in OURS:
    common.pop(key, None)
  if bool(several) == bool(common['corpus']):
    raise UserError(
      f'config.data.corpus is {common["corpus"]!r} and config.data.corpora '
      f'has {sorted(several)}: give one of the two.'
    )
  if not several:
    return {common['corpus']: common}
  # Other options in config.data are those of a single corpus.
  shared = {k: common[k] for k in SHARED}
  return {
    name: {
      **shared,
      'corpus': name,
      **own,
      'splits': {**shared['splits'], **own.get('splits', {})},
    }
    for name, own in several.items()
  }


def build(
  config: Any, download_config: Any = None, *, say: bool = True
) -> list[streams.Corpus]:
  """Prepares and returns the corpora of config.data.

  Args:
    config: See `configs/`.
    download_config: How tfds prepares them, as with Beam.
    say: Whether to log how many samples there are, and what was left out.
  """
  prepared = {}
  for name, described in describe(config).items():
    options = dict(described)
    splits = options.pop('splits')
    builder = streams.build_corpus(
      options.pop('corpus'),
      options.pop('data_dir'),
      download_config,
      **options,
    )
    if say:
      prepare.tell(builder)
    for key, split in splits.items():
      if key not in SPLITS:
        raise UserError(f'config.data.splits has {key!r}; known: {SPLITS}.')
      # '' means that this run has no such split.
      if split:
        size = streams.split_size(builder, split, key)
        if say:
          logging.info('%s: %s[%s], %d samples', key, name, split, size)
    prepared[name] = builder, {k: v for k, v in splits.items() if v}
  read_tables = functools.cache(
    lambda: [(path, table.read(path)) for path in weak_paths(config)]
  )
  full_names = {b.info.full_name for b, _ in prepared.values()}
  corpora = []
  for name, (builder, splits) in prepared.items():
    others = full_names - {builder.info.full_name}
    # Read once and only if asked: evaluation needs no weak labels.
    weak = functools.cache(
      lambda name=name, builder=builder, others=others: weak_tables.read(
        read_tables(), config.weak.to_dict(), name, builder, others
      )
    )
    has_weak = 'train' in splits and weak_paths(config)
    corpora.append(
      streams.Corpus(
        name,
        builder,
        splits,
        weak if has_weak else dict,
        gold_share.of_corpus(gold_shares(config), name),
      )
    )
  if not any('train' in c.splits for c in corpora):
    raise UserError(
      'No corpus has a split to train on: set config.data.splits.train.'
    )
  return corpora


def weak_paths(config: Any) -> tuple[str, ...]:
  """Returns the paths of config.data.weak_labels, which older configs lack."""
  return tuple(config.data.get('weak_labels', ()))


def gold_shares(config: Any) -> dict[str, float]:
  """Returns config.data.gold_share, which older configs lack."""
  return dict(config.data.get('gold_share', {}))


def shares(config: Any, corpora: Sequence[streams.Corpus]) -> dict[str, float]:
  """Returns {corpus: share of training rows}, by config.data.sampling."""
  return sampling.shares(
    {
      c.name: streams.split_size(c.builder, c.splits['train'])
      for c in corpora
      if 'train' in c.splits
    },
    config.data.sampling,
    temperature=config.data.temperature,
    fixed=config.data.shares.to_dict(),
  )


def shuffle_megabytes(config: Any) -> float:
  """Returns the memory for shuffling, in units of 10**6 bytes.

  A config whose `data` is older than the setting gets the default.

  Raises:
    UserError: It is not positive.
  """
  default = defaults.get_config().data.shuffle_megabytes
  megabytes = config.data.get('shuffle_megabytes', default)
  if not megabytes > 0:
    raise UserError(
      f'config.data.shuffle_megabytes={megabytes} must be positive.'
    )
  return megabytes


def of_frames(config: Any) -> Any:
  """Returns a config without windows: of single frames, or utterances."""
  config = copy.deepcopy(config)
  for options in (config.data, *config.data.corpora.values()):
    if options.get('window'):
      logging.info('Reading single frames or utterances, not windows.')
    for key in ('window', 'eval_hop'):
      if key in options:
        with options.unlocked():
          del options[key]
  return config


def window(config: Any) -> int:
  """Returns the frames, or utterances, of the corpora's windows; 0 if none.

  Raises:
    UserError: Corpora differ, or a setting does not go with (or without)
      windows.
  """
  each = {n: d.get('window', 0) for n, d in describe(config).items()}
  if len(set(each.values())) > 1:
    raise UserError(
      f'Windows differ between config.data.corpora: {each}; give all of them '
      'the same `window`.'
    )
  (frames,) = set(each.values())
  if config.model.temporal and not frames:
    raise UserError(
      f'config.model.temporal={config.model.temporal!r} needs windows of '
      'frames: give config.data.window, for a corpus of videos.'
    )
  if frames and (config.mixing.kind or config.data.balance):
    raise UserError(
      'config.mixing and config.data.balance are for pictures, not for '
      "windows of frames: set config.mixing.kind='' and config.data.balance=''"
      ', or config.data.window=0.'
    )
  return frames
