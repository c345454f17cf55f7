"""Finds real corpora, which tests may read and the repository may not hold."""

import os
import pathlib

import pytest


def path(name: str) -> pathlib.Path:
  """A file or folder of the real data; skips the test where there is none.

  It lies in the folder that the environment variable AFFECT_SHARED_DATA names,
  or in ../shared/data beside the repository.
  """
  beside = pathlib.Path(__file__).parents[3] / 'shared' / 'data'
  found = pathlib.Path(os.environ.get('AFFECT_SHARED_DATA') or beside) / name
  if not found.exists():
    pytest.skip(f'{found} is not here: set AFFECT_SHARED_DATA')
  return found
