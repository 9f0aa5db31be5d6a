"""Float64 for all tests of the theory: margins are compared with rounding."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def double_precision():
  with jax.enable_x64(True):
    yield
