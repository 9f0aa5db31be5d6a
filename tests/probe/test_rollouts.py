"""Discounted returns of an environment that can be computed by hand."""

import numpy as np
import pytest
from toy_environments import COUNTDOWN

from dmg_jax.envs.workers import Workers
from dmg_jax.probe.rollouts import roll_out

FIRST = np.array([[10.0], [20.0], [30.0]])
SEEDS = np.array([0, 2, 4])  # counts 1, 3 and 5


def play(workers=1, **changes):
  given = {"discount": 0.5, "horizon": 10, "depths": (0, 1, 2, 10)} | changes
  simulators = Workers(workers)
  try:
    kind = simulators.open(COUNTDOWN, {})
    return roll_out(simulators, kind, lambda counts: 2 * counts, SEEDS, FIRST, **given)
  finally:
    simulators.close()


def test_the_first_action_is_given_and_the_policy_goes_on():
  """From count c the rewards are the first action, then 2 (c - 1), 2 (c - 2), ... 2."""
  found = play()
  expected = [10, 20 + 4 / 2 + 2 / 4, 30 + 8 / 2 + 6 / 4 + 4 / 8 + 2 / 16]
  np.testing.assert_allclose(found.returns, expected)
  assert found.lengths.tolist() == [1, 3, 5]


def test_what_was_at_each_depth():
  found = play()
  np.testing.assert_allclose(found.partial[0], 0)
  np.testing.assert_allclose(found.partial[1], FIRST[:, 0])
  np.testing.assert_allclose(found.partial[2], [10, 22, 34])
  np.testing.assert_allclose(found.partial[3], found.returns)
  assert found.going.tolist() == [[True] * 3, [False, True, True], [False, True, True], [False] * 3]
  np.testing.assert_array_equal(found.observations[:3, 2, 0], [5, 4, 3])


def test_the_horizon_cuts_and_rewards_can_be_moved():
  np.testing.assert_allclose(play(horizon=2, depths=()).returns, [10, 22, 34])
  shifted = play(horizon=2, depths=(2,), reward_shift=1.0)
  np.testing.assert_allclose(shifted.returns, [11, 23.5, 35.5])
  assert shifted.going.tolist() == [[False, True, True]]


def test_the_number_of_workers_changes_no_bit():
  for one, other in zip(play(workers=1), play(workers=2), strict=True):
    np.testing.assert_array_equal(one, other)


def test_an_action_that_is_not_finite_ends_its_rollout_alone():
  simulators = Workers(1)
  try:
    kind = simulators.open(COUNTDOWN, {})
    found = roll_out(
      simulators,
      kind,
      lambda counts: np.where(counts == 2, np.nan, 2 * counts),
      SEEDS[:2],
      FIRST[:2],
      discount=0.5,
      horizon=3,
    )
  finally:
    simulators.close()
  assert found.returns[0] == pytest.approx(10)
  assert np.isnan(found.returns[1])
