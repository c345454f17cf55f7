"""Published models by name: folders, or repositories of huggingface.co."""

import pathlib
import re
from typing import Any

from absl import logging

from affect_jax import user_path
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

# OWNER/NAME, as the Hub allows them.
_NAME = re.compile(r'[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*')
# What a published model consists of; nothing else is fetched.
FILES = (
  *('README.md', 'config.json', 'model.json', 'model.safetensors'),
  *('signature.json', 'signature.npz'),
)


def local(name: str) -> str:
  """Returns the folder of a run or published model, fetched if need be.

  Args:
    name: A folder; or OWNER/NAME, where neither this folder nor a folder OWNER
      exists here, so that a run whose name is mistyped is not looked for
      elsewhere. What was fetched once is in the client's cache.

  Raises:
    MissingExtra: huggingface_hub is not installed.
    UserError: The repository cannot be fetched.
  """
  if not is_repository(name):
    return name
  client = import_client(name)
  logging.info('There is no folder %s: fetching it from huggingface.co.', name)
  try:
    return client.snapshot_download(name, allow_patterns=list(FILES))
  except Exception as error:  # Of the client, its HTTP library, the disk.
    raise _unreachable(name, error, 'fetched') from error


def is_repository(name: str) -> bool:
  """Returns whether a name is that of a repository, not of a folder."""
  path = user_path.expand(name)
  return (
    _NAME.fullmatch(name) is not None
    and not path.exists()
    and not path.parent.exists()
  )


def read_file(name: str, file: str) -> pathlib.Path | None:
  """Fetches one file of a repository; None if there is no such, or no file.

  Raises:
    MissingExtra: huggingface_hub is not installed.
    UserError: The Hub cannot be reached.
  """
  client = import_client(name)
  try:
    return pathlib.Path(client.hf_hub_download(name, file))
  except Exception as error:  # As above; these two say that there is none.
    absent = (
      client.errors.RepositoryNotFoundError,
      client.errors.EntryNotFoundError,
    )
    # "Local" is said where the Hub does not answer.
    silent = client.errors.LocalEntryNotFoundError
    if isinstance(error, absent) and not isinstance(error, silent):
      return None
    raise _unreachable(name, error, 'looked at') from error


def upload(folder: pathlib.Path, name: str) -> None:
  """Uploads the files of a published model; makes the repository if need be.

  Raises:
    MissingExtra: huggingface_hub is not installed.
    UserError: The Hub cannot be reached, or refuses.
  """
  client = import_client(name)
  try:
    interface = client.HfApi()
    interface.create_repo(name, exist_ok=True)
    interface.upload_folder(
      repo_id=name, folder_path=str(folder), allow_patterns=list(FILES)
    )
  except Exception as error:
    raise _unreachable(name, error, 'uploaded') from error


def import_client(name: str) -> Any:
  """Returns the module huggingface_hub.

  Raises:
    MissingExtra: It is not installed.
  """
  try:
    import huggingface_hub
    import huggingface_hub.errors
  except ImportError as error:
    raise MissingExtra(
      f'There is no folder {name} here; if it is a repository of '
      "huggingface.co, it needs: pip install 'affect_jax[hub]'."
    ) from error
  return huggingface_hub


def _unreachable(name: str, error: Exception, done: str) -> UserError:
  said = (str(error).strip() or type(error).__name__).splitlines()[0]
  said = said if len(said) <= 200 else f'{said[:197]}...'
  return UserError(
    f'{name} is no folder here, and as a repository of huggingface.co it could '
    f'not be {done} ({said}). Without a network, give the folder of a copy; '
    'for a private repository, log in by `hf auth login`.'
  )
