"""How a run brought its pictures into shape, as its config.json says."""

import os

from affect_jax.corpora.files import pictures
from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder


def read(workdir: str | os.PathLike[str]) -> pictures.Rules:
  """Returns the rules of a run; the default ones if it has no config.json.

  Raises:
    UserError: config.json is damaged.
  """
  path = os.path.join(workdir, 'config.json')
  config = run_folder.read_json(path) or {}
  try:
    return pictures.Rules.among(config.get('data', {}))
  except (AttributeError, TypeError, UserError) as error:
    raise UserError(
      f'{path} is damaged: its data say of pictures {config["data"]!r:.200} '
      f'({error}). Copy the run again.'
    ) from error
