"""Formulas are tested in float64, and that float32 comes near them."""

import jax
import pytest


@pytest.fixture
def x64():
  with jax.enable_x64(True):
    yield
