"""The ant's four legs exchange places by quarter turns of its body.

The world stays as it is: the same ant is described with another of its legs as the first. So
positions and velocities in the world's frame stay too, and a reward that looks at the torso
alone. The turn of the torso's frame about its own axis multiplies the quaternion from the
right, which is linear in its four numbers: an orthogonal matrix, no signed permutation. Four
turns give the quaternion of opposite sign, which is the same attitude; so the group has eight
elements.
"""

import functools

import numpy as np

from dmg_jax.envs import ant_directions
from dmg_jax.symmetry import groups
from dmg_jax.symmetry.groups import Group

ORDER = 8
# The joints are hip and ankle of legs 1 to 4, at 45, 135, 225 and 315 degrees of the torso's
# frame. The axes of neighbouring ankles are turned by a quarter turn, with opposite directions
# between legs 1 and 2, and 3 and 4.
_NEXT_LEGS = (2, 3, 4, 5, 6, 7, 0, 1)
_SIGNS = (1, -1, 1, 1, 1, -1, 1, 1)
# Motors are those of leg 4 first.
_MOTORS = (6, 7, 0, 1, 2, 3, 4, 5)
# A vector in the torso's frame, seen from the frame that is turned by 90 degrees.
_SEEN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@functools.cache
def turns_of_legs() -> Group:
  """On 27 numbers, all of the state but x and y, and 8 actions, as in Gymnasium's `Ant-v5`.

  Height, quaternion, 8 joints; linear velocity in the world's frame, angular velocity in the
  torso's, 8 joints' velocities. `AntDirections` and `AntMaze` have the same joints and motors.
  """
  half = np.sqrt(0.5)
  quaternion = half * np.array([[1.0, 0, 0, -1], [0, 1, 1, 0], [0, -1, 1, 0], [1, 0, 0, 1]])
  joints = groups.signed_permutation(_NEXT_LEGS, _SIGNS)
  turn = _blocks(np.eye(1), quaternion, joints, np.eye(3), _SEEN, joints)
  return _powers(turn)


def turns_as_felt() -> Group:
  """On the 28 numbers of `ant_directions.feel`: the turn that an upright ant would see.

  It is no symmetry: these numbers are in the frame of the heading, the direction of the torso's
  first axis on the floor. The second axis lies at a right angle to it in the torso; on the
  floor it does so only where the torso is level.
  """
  joints = groups.signed_permutation(_NEXT_LEGS, _SIGNS)
  turn = _blocks(np.eye(1), _SEEN, joints, _SEEN, _SEEN, joints, _SEEN[:2, :2])
  return _powers(turn)


def felt_difference(states: np.ndarray) -> float:
  """How far `turns_as_felt` is from what the exact turn does to what is felt, at worst.

  Args:
    states: (N, 27), all of an ant's state but x and y.
  """
  direction = np.broadcast_to([1.0, 0.0], (len(states), 2))

  def feel(rows: np.ndarray) -> np.ndarray:
    return ant_directions.feel(np.concatenate([np.zeros((len(rows), 2)), rows], axis=1), direction)

  exact, claimed = turns_of_legs().observations, turns_as_felt().observations
  return max(
    float(np.abs(feel(states @ np.array(one).T) - feel(states) @ np.array(other).T).max())
    for one, other in zip(exact, claimed, strict=True)
  )


def _powers(turn: np.ndarray) -> Group:
  """The group of a turn of the observations, with the motors turned along."""
  signed = groups.signed_permutation(_NEXT_LEGS, _SIGNS)
  motors = signed[np.ix_(_MOTORS, _MOTORS)]
  return groups.group(
    [np.linalg.matrix_power(turn, power) for power in range(ORDER)],
    [np.linalg.matrix_power(motors, power) for power in range(ORDER)],
  )


def _blocks(*parts: np.ndarray) -> np.ndarray:
  size = sum(len(part) for part in parts)
  joined, place = np.zeros((size, size)), 0
  for part in parts:
    joined[place : place + len(part), place : place + len(part)] = part
    place += len(part)
  return joined
