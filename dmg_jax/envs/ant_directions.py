"""An ant on a flat floor that has to walk in a given direction.

Its body is the ant of D4RL's mazes: a policy that is trained here walks from
waypoint to waypoint there.
"""

from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.spaces import Box

from dmg_jax.envs.ant_maze import ant_file
from dmg_jax.errors import UserError

# Bring metres per second and radians per second to about the size of the angles.
_LINEAR, _ANGULAR = 0.5, 0.1
_FELT = 28
_FRAME_SKIP = 5  # of 0.02 s each
_RESET_NOISE = 0.1
_TURN_PROBABILITY = 0.02
_SURVIVAL, _CONTROL = 0.5, 0.02
# In a maze's corridors, 4 m wide, an ant that runs faster or drifts aside hits
# walls, and falls over.
_TOP_SPEED, _DRIFT = 1.5, 0.5


def feel(states: np.ndarray, directions: np.ndarray) -> np.ndarray:
  """The walker's observation: its body and the direction, in the frame of its own heading.

  It does not depend on the ant's position, nor on its heading.

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


class AntDirections(gymnasium.Env):
  """The task: walk in a given direction, which changes at random.

  A step lasts 0.1 s. Its reward is the torso's speed in the direction (m/s, but no
  more than 1.5), - half its speed across, + 0.5, - 0.02 times the sum of the
  squared actions. The episode ends once the torso is
  upside down. In every step a new direction is drawn with probability 0.02,
  uniformly and without memory, so that the task is Markovian. Observations are
  those of `feel`, actions (8,) torques in [-1, 1].

  Attributes:
    direction: (2,) float64, of length 1, in the world's frame.
    model, data: MuJoCo's.

  Raises:
    UserError: if `ogbench` is not installed.
  """

  def __init__(self):
    self.model = mujoco.MjModel.from_xml_path(str(ant_file()))
    self.data = mujoco.MjData(self.model)
    self.direction = np.array([1.0, 0.0])
    self.observation_space = Box(-np.inf, np.inf, (_FELT,), np.float64)
    self.action_space = Box(-1.0, 1.0, (self.model.nu,), np.float32)

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Begins an episode as D4RL does: positions within 0.1 of standing, velocities 0.1 N(0, 1).

    Raises:
      UserError: on any option.
    """
    super().reset(seed=seed)
    if options:
      raise UserError(f"reset has no options here, but was given {', '.join(options)}")
    noise, model = self.np_random, self.model
    positions = model.qpos0 + noise.uniform(-_RESET_NOISE, _RESET_NOISE, model.nq)
    self.set_state(positions, _RESET_NOISE * noise.standard_normal(model.nv))
    self.direction = self._draw()
    return self._observe(), {}

  def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Applies torques for 0.1 s; the reward is of the direction before any change.

    Returns:
      The usual five, with {"speed": in the direction, in m/s}.
    """
    before = self.data.qpos[:2].copy()
    self.data.ctrl[:] = action
    mujoco.mj_step(self.model, self.data, nstep=_FRAME_SKIP)
    seconds = _FRAME_SKIP * self.model.opt.timestep
    velocity = (self.data.qpos[:2] - before) / seconds
    x, y = self.direction
    speed = float(velocity @ [x, y])
    drift = abs(float(velocity @ [-y, x]))
    reward = min(speed, _TOP_SPEED) - _DRIFT * drift + _SURVIVAL
    reward -= _CONTROL * float(np.square(action).sum())
    if self.np_random.random() < _TURN_PROBABILITY:
      self.direction = self._draw()
    observation = self._observe()
    upside_down = bool(observation[3] < 0)
    return observation, reward, upside_down, False, {"speed": speed}

  def set_state(self, positions: np.ndarray, velocities: np.ndarray) -> None:
    """Puts the ant at joint positions (15,) and velocities (14,), with no history."""
    mujoco.mj_resetData(self.model, self.data)
    self.data.qpos[:], self.data.qvel[:] = positions, velocities
    mujoco.mj_forward(self.model, self.data)

  def _draw(self) -> np.ndarray:
    angle = self.np_random.uniform(-np.pi, np.pi)
    return np.array([np.cos(angle), np.sin(angle)])

  def _observe(self) -> np.ndarray:
    return feel(np.concatenate([self.data.qpos, self.data.qvel]), self.direction)
