"""What a number depends on besides the config: environment.json."""

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
  """Versions, commit, devices, and `data` = {corpus: its description}.

  `commit` is that of the checkout that holds this package, None outside one;
  `dirty` says whether tracked files differed from it.
  """
  # Installed below somebody's repository, the package is no file of it.
  ours = _git('ls-files', '--error-unmatch', os.path.basename(__file__))
  commit = _git('rev-parse', 'HEAD') if ours else None
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
  """{package: version} of what numbers depend on, where it is installed."""
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
