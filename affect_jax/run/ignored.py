"""Settings that a run reads nothing of, since they are for other samples."""

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
  """Those that differ from their default in vain, as 'config.KEY=VALUE'.

  Args:
    config: Of the run.
    kind: What samples are, 'faces' or 'utterances'.
  """
  keys = [k for other in SETTINGS if other != kind for k in SETTINGS[other]]

  def flat(of: Any) -> dict[str, Any]:
    chosen = {k: v for k, v in of.to_dict().items() if k in keys}
    return traverse_util.flatten_dict(chosen, sep='.')

  default = flat(defaults.get_config())
  return [
    f'config.{key}={value!r}'
    for key, value in flat(config).items()
    if key in default and value != default[key]
  ]


def warn(config: Any, kind: str) -> None:
  """Logs one warning that names all such settings, if there are any."""
  if found := settings(config, kind):
    logging.warning(
      'Samples are %s, which read nothing of %s.', kind, ', '.join(found)
    )
