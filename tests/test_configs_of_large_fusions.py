"""Configs that take long to compile train two steps."""

import pytest
from toys import config_runs

pytestmark = pytest.mark.usefixtures('quick_runs')


@pytest.mark.parametrize('name', config_runs.OF_LARGE_FUSIONS)
def test_config_trains_two_steps(name, tmp_path):
  config_runs.trains_two_steps(name, tmp_path)
