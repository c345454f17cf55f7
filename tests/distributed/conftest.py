"""Real processes take minutes on two cores: they are tested on demand."""

import os

import pytest


def pytest_collection_modifyitems(items):
  if os.environ.get('AFFECT_PROCESSES'):
    return
  skip = pytest.mark.skip(reason='set AFFECT_PROCESSES=1 to start processes')
  for item in items:
    if 'distributed' in item.path.parts:
      item.add_marker(skip)
