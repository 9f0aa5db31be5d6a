"""A robot's symmetry holds in the simulator, or is refused."""

import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import ants, groups, robots


def test_the_legs_of_walker2d_v5_can_be_exchanged():
  found = robots.verify("Walker2d-v5", robots.exchange_of_legs())
  assert found.state <= robots.TOLERANCE
  assert found.ends == 0


@pytest.mark.parametrize("env_id", ["HalfCheetah-v4", "Walker2d-v4"])
def test_a_false_symmetry_is_refused(env_id):
  # The feet of Walker2d-v4, and of D4RL's, differ in friction: 0.9 and 1.9.
  with pytest.raises(UserError, match=f"no symmetry of {env_id}: over 200 transitions"):
    robots.verify(env_id, robots.exchange_of_legs(), transitions=200)


@pytest.mark.parametrize("env_id", robots.ANTS)
def test_the_legs_of_an_ant_can_be_turned(env_id):
  group = ants.turns_of_legs()
  assert group.order == ants.ORDER
  robots.verify(env_id, group, transitions=50)


def test_ankles_that_all_turn_alike_are_refused(monkeypatch):
  monkeypatch.setattr(ants, "_SIGNS", (1,) * 8)
  with pytest.raises(UserError, match="no symmetry of Ant-v5: over 20 transitions"):
    robots.verify("Ant-v5", ants.turns_of_legs.__wrapped__(), transitions=20)


def test_what_an_ant_feels_turns_exactly_only_where_it_is_level():
  level = np.zeros((1, 27))
  level[0, [1, 4]] = np.cos(0.3), np.sin(0.3)
  level[0, 5:] = np.linspace(-1, 1, 22)
  assert ants.felt_difference(level) < 1e-12
  tilted = level.copy()
  tilted[0, 1:5] = np.array([0.9, 0.3, 0.2, 0.1]) / np.linalg.norm([0.9, 0.3, 0.2, 0.1])
  assert ants.felt_difference(tilted) > 0.01


def test_a_group_of_another_size_or_an_unknown_robot_is_one_line():
  with pytest.raises(UserError, match="observations have 11 numbers, but the group acts on 17"):
    robots.verify("Hopper-v4", robots.exchange_of_legs(), transitions=1)
  with pytest.raises(UserError, match="states of 'Pendulum-v1' cannot be set"):
    robots.verify("Pendulum-v1", groups.rotations(2, 1, 1), transitions=1)
