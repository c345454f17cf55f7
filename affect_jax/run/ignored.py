"""Warns of settings that have no effect on a run."""

from typing import Any

from absl import logging
from flax import traverse_util

from affect_jax import defaults
from affect_jax.data import load

# Settings that samples of only one kind read.
SETTINGS = {
  'faces': (
    'augment',
    'augmentations',
    'crop_size',
    'eval_views',
    'image_size',
    'image_size_schedule',
    'mixing',
    'model',
  ),
  'utterances': ('eval_subsets', 'utterance'),
}


def settings(config: Any, kind: str) -> list[str]:
  """Returns changed settings that have no effect, as 'config.KEY=VALUE'.

  Args:
    config: The run's config.
    kind: Kind of the samples, 'faces' or 'utterances'.
  """
  keys = [k for other in SETTINGS if other != kind for k in SETTINGS[other]]

  def flat(node: Any) -> dict[str, Any]:
    chosen = {k: v for k, v in node.to_dict().items() if k in keys}
    return traverse_util.flatten_dict(chosen, sep='.')

  default = flat(defaults.get_config())
  return [
    f'config.{key}={value!r}'
    for key, value in flat(config).items()
    if key in default and value != default[key]
  ]


def of_one_corpus(config: Any) -> list[str]:
  """Returns options of a single corpus in config.data of several corpora."""
  data = config.data.to_dict()
  if not data['corpora']:
    return []
  known = {*load.OURS, *load.SHARED, 'corpora', 'corpus'}
  return [
    f'config.data.{key}={data[key]!r}' for key in data if key not in known
  ]


def warn(config: Any, kind: str) -> None:
  """Logs a warning for each sort of such settings, if there are any."""
  if ignored := of_one_corpus(config):
    logging.warning(
      'With several corpora these settings have no effect: %s. Give them to a '
      'corpus, as --config.data.corpora.NAME.SETTING.',
      ', '.join(ignored),
    )
  if ignored := settings(config, kind):
    logging.warning(
      'Samples are %s; these settings have no effect on them: %s.',
      kind,
      ', '.join(ignored),
    )
