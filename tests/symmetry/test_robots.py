"""A robot's symmetry holds in the simulator, or is refused."""

import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import groups, robots


def test_the_legs_of_walker2d_v5_can_be_exchanged():
  found = robots.verify("Walker2d-v5", robots.exchange_of_legs())
  assert found.state <= robots.TOLERANCE
  assert found.ends == 0


@pytest.mark.parametrize("env_id", ["HalfCheetah-v4", "Walker2d-v4"])
def test_a_false_symmetry_is_refused(env_id):
  # The feet of Walker2d-v4, and of D4RL's, differ in friction: 0.9 and 1.9.
  with pytest.raises(UserError, match=f"no symmetry of {env_id}: over 200 transitions"):
    robots.verify(env_id, robots.exchange_of_legs(), transitions=200)


def test_a_group_of_another_size_or_an_unknown_robot_is_one_line():
  with pytest.raises(UserError, match="observations have 11 numbers, but the group acts on 17"):
    robots.verify("Hopper-v4", robots.exchange_of_legs(), transitions=1)
  with pytest.raises(UserError, match="states of 'Pendulum-v1' cannot be set"):
    robots.verify("Pendulum-v1", groups.rotations(2, 1, 1), transitions=1)
