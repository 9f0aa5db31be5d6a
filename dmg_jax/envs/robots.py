"""Walking robots that start in a state of the data, or that were changed.

For Gymnasium's Hopper, Walker2d and HalfCheetah, whose observations are all of the
state but the horizontal position, which neither the motion nor the reward depends on.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import mujoco
import numpy as np

from dmg_jax.envs.make import make
from dmg_jax.errors import UserError

STARTED, CHANGED = "dmg_jax/StartedRobot-v0", "dmg_jax/ChangedRobot-v0"
# What can be changed, each by a factor.
PHYSICS = ("gravity", "mass", "friction", "motor")
_ROBOTS = re.compile(r"(Hopper|Walker2d|HalfCheetah)-v[45]")
# Hopper and Walker2d show velocities cut to +-10; what is cut off is not known.
_LARGEST_SHOWN_VELOCITY = 10.0
_NO_LIMIT = -1  # of Gymnasium


class _Robot(gymnasium.Env):
  """A robot of Gymnasium behind an id of ours."""

  def __init__(self, robot: str, kwargs: Mapping[str, Any]):
    check_robot(robot)
    self._env = make(robot, {**kwargs, "disable_env_checker": True})
    inner: Any = self._env.unwrapped
    self._inner = inner
    self.observation_space, self.action_space = self._env.observation_space, self._env.action_space
    if self.observation_space.shape != (self._inner.model.nq - 1 + self._inner.model.nv,):
      self._env.close()
      raise UserError(
        f"{robot} with {dict(kwargs)} does not show its whole state but x; leave out the "
        "arguments that change the observation"
      )

  def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
    return self._env.reset(seed=seed, options=options)

  def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
    observation, reward, terminated, truncated, information = self._env.step(action)
    return observation, float(reward), terminated, truncated, information

  def close(self) -> None:
    self._env.close()


class StartedRobot(_Robot):
  """A robot whose episodes begin in given states; they have no time limit.

  `reset(seed=i)` begins in the i-th state.

  Args:
    robot: a Gymnasium id, see `check_robot`.
    robot_kwargs: its arguments.
    starts: (N, S) observations of the states.

  Raises:
    UserError: for another environment.
  """

  def __init__(
    self, robot: str, robot_kwargs: Mapping[str, Any], starts: Sequence[Sequence[float]]
  ):
    super().__init__(robot, {**robot_kwargs, "max_episode_steps": _NO_LIMIT})
    self._starts = np.asarray(starts, np.float64)

  def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
    # What the solver remembers of the last episode goes, whatever the seed.
    self._env.reset(seed=0)
    start = self._starts[seed or 0]
    positions = self._inner.model.nq - 1
    self._inner.set_state(np.concatenate([[0.0], start[:positions]]), start[positions:])
    return start.copy(), {}


class ChangedRobot(_Robot):
  """A robot in a changed world; episodes begin and end as the robot's do.

  Args:
    robot: a Gymnasium id, see `check_robot`.
    robot_kwargs: its arguments.
    factors: what the quantities of `PHYSICS` are multiplied by; "mass" also the
      inertia, so that the shape stays, "friction" all coefficients of all geoms, "motor"
      the gears, and so the torques.

  Raises:
    UserError: for another environment or quantity, or a factor that is not positive.
  """

  def __init__(self, robot: str, robot_kwargs: Mapping[str, Any], factors: Mapping[str, float]):
    for name, factor in factors.items():
      if name not in PHYSICS or not factor > 0:
        raise UserError(
          f"a robot cannot be changed by {name} {factor!r}; give a positive factor of one of "
          f"{', '.join(PHYSICS)}"
        )
    super().__init__(robot, robot_kwargs)
    model = self._inner.model
    arrays = {
      "gravity": [model.opt.gravity],
      "mass": [model.body_mass, model.body_inertia],
      "friction": [model.geom_friction],
      "motor": [model.actuator_gear],
    }
    for name, factor in factors.items():
      for array in arrays[name]:
        array *= factor
    if factors.get("mass", 1.0) != 1.0:
      # The solver's own scales follow from the masses.
      mujoco.mj_setConst(model, self._inner.data)


def check_robot(env_id: str) -> None:
  """Refuses an environment whose states cannot be told from its observations.

  Raises:
    UserError: naming those that can.
  """
  if not _ROBOTS.fullmatch(env_id):
    raise UserError(
      f"states of {env_id!r} cannot be set from observations here; the probe takes Hopper, "
      "Walker2d and HalfCheetah, -v4 or -v5"
    )


def recoverable(env_id: str, observations: np.ndarray) -> np.ndarray:
  """(N,) bool: whether observations (N, S) show the whole state: no velocity was cut.

  Args:
    env_id: as for `check_robot`.
    observations: raw.
  """
  if env_id.startswith("HalfCheetah"):
    return np.ones(len(observations), bool)
  # A robot in the plane has one position less in its observation than velocities.
  velocities = observations[:, observations.shape[1] // 2 :]
  return (np.abs(velocities) < _LARGEST_SHOWN_VELOCITY).all(axis=1)
