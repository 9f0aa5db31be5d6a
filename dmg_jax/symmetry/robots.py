"""Symmetries of walking robots, verified in the simulator.

A claimed symmetry is a group of orthogonal matrices on observations and actions. It is one
if the simulator agrees: a transition and its copy under an element give states that are
copies, the same reward and the same end.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.envs import make, robots
from dmg_jax.errors import UserError
from dmg_jax.symmetry import ants, groups
from dmg_jax.symmetry.cells import Cells
from dmg_jax.symmetry.groups import Group

TOLERANCE = 1e-6
ANTS = ("Ant-v5", "dmg_jax/AntDirections-v0", "dmg_jax/AntMaze-UMaze-v0")
ROBOTS = ("Walker2d-v5", "Walker2d-v4", "HalfCheetah-v5", "HalfCheetah-v4", *ANTS)
FELT = "dmg_jax/AntDirections-v0, as observed"
SETTINGS: dict[str, Any] = {
  "robots": (*ROBOTS, FELT),
  "transitions": 1000,
  "tolerance": TOLERANCE,
}
# Of 17 numbers: height and angle of the torso, three joints of each leg; then the velocities,
# of the torso three.
_JOINTS, _OTHER_JOINTS = (2, 3, 4), (5, 6, 7)
_SPEEDS, _OTHER_SPEEDS = (11, 12, 13), (14, 15, 16)


def fill(seed: int, cells: Cells) -> None:
  """What the simulator says of the legs' exchange, for each robot."""
  for env_id in ROBOTS:
    cells.fill(env_id, partial(_asked, env_id, seed))
  cells.fill(FELT, partial(_felt, seed))


def _asked(env_id: str, seed: int) -> dict[str, Any]:
  group = ants.turns_of_legs() if env_id in ANTS else exchange_of_legs()
  return differences(env_id, group, SETTINGS["transitions"], seed)._asdict()


def _felt(seed: int) -> dict[str, Any]:
  env = make.make(ANTS[1])
  states = np.stack([state for state, _ in _met(env, SETTINGS["transitions"], seed)])
  env.close()
  return Difference(ants.felt_difference(states), 0.0, 0)._asdict()


def exchange_of_legs() -> Group:
  """The legs of Walker2d change places: an element of order 2 on 17 observations and 6 actions.

  HalfCheetah's legs, one behind and one in front, have the same places, but are no copies.
  """
  places = list(range(17))
  for first, second in ((_JOINTS, _OTHER_JOINTS), (_SPEEDS, _OTHER_SPEEDS)):
    for one, other in zip(first, second, strict=True):
      places[one], places[other] = other, one
  observations = groups.signed_permutation(places, [1] * 17)
  actions = groups.signed_permutation([3, 4, 5, 0, 1, 2], [1] * 6)
  return groups.group([np.eye(17), observations], [np.eye(6), actions])


class Difference(NamedTuple):
  """How far the simulator is from a claimed symmetry, at worst.

  Attributes:
    state: of positions and velocities, in their units.
    reward: of rewards.
    ends: in how many transitions only one of the two ended the episode.
  """

  state: float
  reward: float
  ends: int


def differences(env_id: str, group: Group, transitions: int = 1000, seed: int = 0) -> Difference:
  """The largest differences between transitions and their copies.

  States are those of episodes with uniformly random actions.

  Args:
    env_id: one of `ANTS`, or a robot of Gymnasium, see `envs.robots.check_robot`.
    group: on its state without the horizontal position.
    transitions: how many, each with every element.
    seed: of the episodes and actions.

  Raises:
    UserError: for another environment, or a group of another size.
  """
  if env_id not in ANTS:
    robots.check_robot(env_id)
  env = make.make(env_id)
  inner: Any = env.unwrapped
  groups.check_size(group, len(_state(inner)))
  met = _met(env, transitions, seed)
  worst = Difference(0.0, 0.0, 0)
  for state, action in met:
    after, reward, ended = _step(env, inner, state, action)
    for observations, on_actions in zip(group.observations[1:], group.actions[1:], strict=True):
      turn = np.array(observations)
      copy, copy_reward, copy_ended = _step(env, inner, turn @ state, np.array(on_actions) @ action)
      worst = Difference(
        max(worst.state, float(np.abs(turn @ after - copy).max())),
        max(worst.reward, abs(reward - copy_reward)),
        worst.ends + (ended != copy_ended),
      )
  env.close()
  return worst


def _met(env: Any, transitions: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
  """States and actions of episodes with uniformly random actions."""
  bounds = make.spaces(env)
  draws = np.random.default_rng(seed)
  env.reset(seed=seed)
  met: list[tuple[np.ndarray, np.ndarray]] = []
  while len(met) < transitions:
    action = draws.uniform(bounds.action_low, bounds.action_high)
    met.append((_state(env.unwrapped), action))
    if any(env.step(action.astype(np.float32))[2:4]):
      env.reset()
  return met


def verify(env_id: str, group: Group, transitions: int = 1000, seed: int = 0) -> Difference:
  """`differences`, refused where they are larger than 1e-6.

  Raises:
    UserError: where the group is no symmetry of the robot.
  """
  found = differences(env_id, group, transitions, seed)
  if max(found.state, found.reward) > TOLERANCE or found.ends:
    raise UserError(
      f"the group is no symmetry of {env_id}: over {transitions} transitions, states differ from "
      f"those of their copies by up to {found.state:.3g}, rewards by {found.reward:.3g}; name "
      "another robot or group"
    )
  return found


def _state(inner: Any) -> np.ndarray:
  """All of the state but the horizontal position, uncut."""
  return np.concatenate([inner.data.qpos[_hidden(inner) :], inner.data.qvel])


def _hidden(inner: Any) -> int:
  """How many numbers the horizontal position has: in a plane one, and two of a free body."""
  return 2 if inner.model.nq != inner.model.nv else 1


def _step(env: Any, inner: Any, state: np.ndarray, action: np.ndarray):
  """State, reward and end after an action from a state, with no history of the solver."""
  env.reset(seed=0)
  hidden = _hidden(inner)
  positions = inner.model.nq - hidden
  inner.set_state(np.concatenate([np.zeros(hidden), state[:positions]]), state[positions:])
  inner.data.qacc_warmstart[:] = 0
  _, reward, ended, *_ = inner.step(action)
  return _state(inner), float(reward), bool(ended)
