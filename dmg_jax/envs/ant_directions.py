"""An ant on a plain floor, told in which direction to walk.

Its body is the ant of D4RL's mazes: what it learns here drives it from waypoint
to waypoint there.
"""

from importlib import util
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.mujoco import MujocoEnv
from gymnasium.spaces import Box

# Bring metres per second and radians per second to about the size of the angles.
_LINEAR, _ANGULAR = 0.5, 0.1
_RESET_NOISE = 0.1
_TURN_PROBABILITY = 0.02
_SURVIVAL, _CONTROL = 0.5, 0.02


def body_file() -> Path:
  """The MuJoCo file of D4RL's ant, which the package `ogbench` has (see `ant.xml` there).

  Raises:
    gymnasium.error.DependencyNotInstalled: if that package is missing.
  """
  # Not imported: it would bring all of its environments, and dm_control.
  found = util.find_spec("ogbench")
  if found is None or not found.submodule_search_locations:
    raise gymnasium.error.DependencyNotInstalled(
      "its body comes with a package that is missing; run `pip install ogbench`"
    )
  return Path(found.submodule_search_locations[0], "locomaze", "assets", "ant.xml")


def feel(states: np.ndarray, directions: np.ndarray) -> np.ndarray:
  """What the walker sees: its body, and where it shall go, in the frame of its own heading.

  So it does not matter where it stands or which way it faces.

  Args:
    states: (..., 29) positions and velocities of D4RL's ant: x, y, height,
      quaternion, 8 joints; linear velocity in the world's frame, angular velocity
      in the torso's, 8 joints.
    directions: (..., 2) in the world's frame, of any length but 0.

  Returns:
    (..., 28): height, the world's upward axis in the torso's frame (3), joints (8),
    linear velocity (3), angular velocity (3) and joints' (8), the unit direction (2).
  """
  turns = states[..., 3:7] / np.linalg.norm(states[..., 3:7], axis=-1, keepdims=True)
  w, x, y, z = np.moveaxis(turns, -1, 0)
  up = [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
  heading = np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))
  units = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
  return np.concatenate(
    [
      states[..., 2:3],
      np.stack(up, axis=-1),
      states[..., 7:15],
      _LINEAR * _turn_back(states[..., 15:17], heading),
      _LINEAR * states[..., 17:18],
      _ANGULAR * states[..., 18:29],
      _turn_back(units, heading),
    ],
    axis=-1,
  )


def _turn_back(vectors: np.ndarray, angle: np.ndarray) -> np.ndarray:
  """(..., 2) vectors, turned by -angle."""
  cosine, sine = np.cos(angle), np.sin(angle)
  x, y = vectors[..., 0], vectors[..., 1]
  return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)


class AntDirections(MujocoEnv):
  """Walk in the direction asked for, which changes now and then.

  A step lasts 0.1 s. Its reward is the speed in the direction (metres per second
  of the torso's path), + 0.5 for standing up, - 0.02 times the squared actions'
  sum. The episode ends once the torso is upside down. In every step a new
  direction is drawn with probability 0.02, uniformly: without memory, so that an
  observation tells all that there is to know.
  """

  metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
    "render_modes": ["human", "rgb_array", "depth_array", "rgbd_tuple"],
    "render_fps": 10,
  }

  def __init__(self, render_mode: str | None = None):
    space = Box(-np.inf, np.inf, (28,), np.float64)
    super().__init__(str(body_file()), 5, space, render_mode)
    self._direction = np.array([1.0, 0.0])

  def step(self, action):
    """A step of 0.1 s; the reward is of the direction before any change."""
    before = self.data.qpos[:2].copy()
    self.do_simulation(action, self.frame_skip)
    speed = (self.data.qpos[:2] - before) @ self._direction / self.dt
    reward = speed + _SURVIVAL - _CONTROL * np.square(action).sum()
    if self.np_random.random() < _TURN_PROBABILITY:
      self._direction = self._draw()
    observation = self._observe()
    upside_down = bool(observation[3] < 0)
    return observation, float(reward), upside_down, False, {"speed": float(speed)}

  def reset_model(self) -> np.ndarray:
    """D4RL's reset: every position within 0.1 of the standing pose, velocities 0.1 N(0, 1)."""
    positions = self.np_random.uniform(-_RESET_NOISE, _RESET_NOISE, self.model.nq)
    velocities = _RESET_NOISE * self.np_random.standard_normal(self.model.nv)
    self.set_state(self.init_qpos + positions, self.init_qvel + velocities)
    self._direction = self._draw()
    return self._observe()

  def _draw(self) -> np.ndarray:
    angle = self.np_random.uniform(-np.pi, np.pi)
    return np.array([np.cos(angle), np.sin(angle)])

  def _observe(self) -> np.ndarray:
    return feel(self.state_vector(), self._direction)
