"""Schedules against their closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax import schedules
from dmg_jax.types import Hyperparameters


@pytest.mark.parametrize(
  ("count", "expected"), [(0, 1.0), (250_000, 0.5), (500_000, 0.0), (600_000, 0.0)]
)
def test_cosine(count, expected):
  value = schedules.cosine(jnp.int32(count), jnp.float32(500_000))
  np.testing.assert_allclose(value, expected, atol=1e-6)


def test_cosine_with_an_infinite_horizon_is_constant():
  assert schedules.cosine(jnp.int32(10**6), jnp.float32(jnp.inf)) == 1


@pytest.mark.parametrize(
  # 0.99^100 = 0.36603234; the paper's own values at 100k are 0.4085 and 0.186.
  ("step", "lam", "nu"),
  [(1, 0.25, 0.5), (999, 0.25, 0.5), (1000, 0.2525, 0.49505), (100_000, 0.4084919, 0.1861860)],
)
def test_online_decay_by_hand(step, lam, nu):
  decayed = schedules.decay_online(Hyperparameters(lam=0.25, nu=0.5), 0.5, 0.005, step)
  np.testing.assert_allclose([decayed.lam, decayed.nu], [lam, nu], rtol=1e-5)
