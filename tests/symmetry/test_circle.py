"""Counter-example 1: the exact case, and networks in small."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import circle, circle_networks


@pytest.fixture(autouse=True)
def double_precision():
  with jax.enable_x64(True):
    yield


@pytest.mark.parametrize(
  ("angle", "offsets"), [(0, (0, 0)), (90, (-1, 0)), (180, (-1, -1)), (270, (0, -1))]
)
def test_the_rotated_target_has_the_papers_rows(angle, offsets):
  eta, reward, discount = 0.7, 2.0, 0.9
  values = circle.rotated_target(jnp.asarray(float(angle)), eta, reward, discount)
  expected = [reward, *(discount * reward + eta * offset for offset in offsets)]
  np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize(("reward", "discount"), [(1.0, 0.95), (3.0, 0.5), (0.1, 0.99)])
def test_the_greedy_policy_fails_from_the_threshold_on(reward, discount):
  limit = circle.threshold(reward, discount)
  assert abs(circle.crossing(reward, discount) - limit) < 1e-12
  assert abs(limit - (1 - discount) * reward / (np.sqrt(0.5) - 0.5)) < 1e-12
  angle = jnp.asarray(circle.TEST_ANGLE)
  for multiple, expected in ((0.999999, reward), (1.000001, 0.0)):
    values = circle.rotated_target(angle, multiple * limit, reward, discount)
    assert circle.greedy_return(values, reward) == expected


def test_both_targets_are_optimal_in_training_and_as_pessimistic_as_eta_says():
  angles = jnp.array(circle.TRAINING_ANGLES)
  true = jnp.array([1.0, circle.DISCOUNT, circle.DISCOUNT])
  for eta in (0.01, 1.0, 100.0):
    for target in (circle.symmetric_target, circle.rotated_target):
      values = target(angles, eta)
      np.testing.assert_array_equal(circle.greedy_return(values), np.ones(4))
      np.testing.assert_allclose(jnp.max(true - values), eta, rtol=1e-12, atol=1e-12)


def test_the_symmetric_target_is_optimal_at_every_angle():
  values = circle.symmetric_target(jnp.linspace(0, 360, 100), 5.0)
  np.testing.assert_array_equal(circle.greedy_return(values), np.ones(100))


@pytest.mark.parametrize(
  ("numbers", "message"),
  [((-1, 1, 0.9), "eta is -1"), ((1, 0, 0.9), "reward r is 0"), ((1, 1, 1), "discount gamma is 1")],
)
def test_numbers_that_make_no_problem_are_refused(numbers, message):
  with pytest.raises(UserError, match=message):
    circle.check(*numbers)


def test_networks_fail_with_the_rotated_target_alone():
  with jax.enable_x64(False):
    cell = circle_networks.of_width(16, 0, seeds=4, multiples=(0.25, 30.0), steps=600)
  assert cell["symmetric"] == {"test": [1, 1], "training": [1, 1]}
  assert cell["rotated"]["test"][1] < cell["rotated"]["test"][0]
  assert cell["diverged"] == 0


def test_the_half_way_point_is_interpolated():
  assert circle_networks.half_way([1, 2, 4], [1.0, 0.75, 0.25]) == 3
  assert circle_networks.half_way([1, 2], [1.0, 0.9]) is None
