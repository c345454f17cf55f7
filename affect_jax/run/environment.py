"""environment.json: what results depend on besides the config."""

import datetime
from importlib import metadata
import os
import platform
import subprocess
from typing import Any

import jax

PACKAGES = (
  *('affect_jax', 'jax', 'jaxlib', 'flax', 'optax', 'orbax-checkpoint', 'clu'),
  *('ml-collections', 'numpy', 'tensorflow-cpu', 'tensorflow'),
  *('tensorflow-datasets', 'pillow', 'safetensors'),
)


def describe(data: dict[str, Any]) -> dict[str, Any]:
  """Returns versions, commit, devices, and `data` ({corpus: description}).

  `commit` is that of the checkout that holds this package, None outside one;
  `dirty` says whether tracked files differed from it.
  """
  # The package may be installed below a repository that does not track it.
  is_tracked = _git('ls-files', '--error-unmatch', os.path.basename(__file__))
  commit = _git('rev-parse', 'HEAD') if is_tracked else None
  return {
    'time': datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds'),
    'packages': packages(),
    'python': platform.python_version(),
    'platform': platform.platform(),
    'cpu_count': os.cpu_count(),
    'commit': commit,
    'dirty': None if commit is None else bool(_git('status', '--porcelain')),
    'devices': [f'{d.platform}: {d.device_kind}' for d in jax.devices()],
    'num_processes': jax.process_count(),
    'data': data,
  }


def packages() -> dict[str, str]:
  """Returns {package: version} of those PACKAGES that are installed."""
  return {p: v for p in PACKAGES if (v := _version(p))}


def _version(package: str) -> str | None:
  try:
    return metadata.version(package)
  except metadata.PackageNotFoundError:
    return None


def _git(*arguments: str) -> str | None:
  try:
    return subprocess.run(
      ('git', *arguments),
      cwd=os.path.dirname(__file__),
      capture_output=True,
      text=True,
      check=True,
      timeout=20,
    ).stdout.strip()
  except (OSError, subprocess.SubprocessError):
    return None
