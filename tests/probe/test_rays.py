"""Actions a stated distance from others."""

import numpy as np
import pytest

from dmg_jax.probe import rays

DISTANCES = np.array([0.0, 0.1, 0.5, 1.0])


@pytest.mark.parametrize("size", [1, 3, 6])
def test_rays_have_the_stated_length_and_stay_in_the_box(size):
  generator = np.random.default_rng(0)
  actions = np.clip(generator.normal(size=(500, size)), -1, 1)  # many on the bounds
  units = rays.directions(actions, generator)
  moved = rays.along(actions, units, DISTANCES)
  assert moved.shape == (4, 500, size)
  assert np.abs(moved).max() <= 1 + 1e-12
  lengths = np.linalg.norm(moved - actions, axis=-1)
  np.testing.assert_allclose(lengths, np.broadcast_to(DISTANCES[:, None], (4, 500)), atol=1e-12)
  np.testing.assert_array_equal(moved[0], actions)


def test_in_the_middle_of_the_box_no_direction_is_preferred():
  units = rays.directions(np.zeros((20_000, 3)), np.random.default_rng(1))
  np.testing.assert_allclose(units.mean(axis=0), 0, atol=0.02)
  np.testing.assert_allclose((units**2).mean(axis=0), 1 / 3, atol=0.02)
