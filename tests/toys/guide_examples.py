"""The examples in Python that a room's guide gives."""

import pathlib
import re
import subprocess
import sys

from toys.paths import ROOT


def blocks(room: str) -> list[str]:
  text = (ROOT / 'affect_jax' / room / 'README.md').read_text()
  return re.findall('```python\n(.*?)```', text, re.DOTALL)


def run(block: str, folder: pathlib.Path) -> str:
  """What it prints, run in a folder by a process of its own."""
  done = subprocess.run(
    [sys.executable, '-c', block],
    cwd=folder,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout
