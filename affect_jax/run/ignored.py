"""Warns of settings that have no effect on a run's kind of samples."""

from typing import Any

from absl import logging
from flax import traverse_util

from affect_jax import defaults

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


def warn(config: Any, kind: str) -> None:
  """Logs one warning that names all such settings, if there are any."""
  if ignored := settings(config, kind):
    logging.warning(
      'Samples are %s; these settings have no effect on them: %s.',
      kind,
      ', '.join(ignored),
    )
