"""A point mass in D4RL's mazes: Gymnasium-Robotics' PointMaze, by the rules of AntMaze.

The ball, its forces, its walls and its time step have the constants of
Gymnasium-Robotics' PointMaze (v3; Apache-2.0), and move as there. The rules are
D4RL's for AntMaze: a vector of observations without the goal, which is fixed; a
reward of 1 at the goal, where the episode terminates, else 0.
"""

import functools
import math
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.spaces import Box

from dmg_jax.envs.maze_maps import MAZES, Maze, chosen_places
from dmg_jax.errors import UserError

CELL = 1.0
GOAL_RADIUS = 0.5
_START_NOISE = 0.25
_MAX_SPEED = 5.0
_WALL_HALF_HEIGHT = 0.2
_MODEL = """
<mujoco>
  <compiler inertiafromgeom="true"/>
  <option timestep="0.01" gravity="0 0 0" iterations="20" integrator="Euler"/>
  <default>
    <joint type="slide" damping="1"/>
    <geom friction="0.5 0.1 0.1" density="1000" margin="0.002" condim="1"/>
    <motor ctrlrange="-1 1" ctrllimited="true" gear="100"/>
  </default>
  <worldbody>
    {walls}
    <body>
      <geom type="sphere" size="0.1" contype="1" conaffinity="1"/>
      <joint name="x" axis="1 0 0"/>
      <joint name="y" axis="0 1 0"/>
    </body>
  </worldbody>
  <actuator>
    <motor joint="x"/>
    <motor joint="y"/>
  </actuator>
</mujoco>
"""


class PointMaze(gymnasium.Env):
  """A ball that has to reach a goal in a maze; the reward is 1 there, else 0.

  A step is 0.01 s, a cell 1 m. The episode terminates in the first step that ends
  within 0.5 m of the goal, the centre of the goal's cell. Observations are x, y
  and their velocities, (4,) float64, the start cell's centre at the origin;
  actions are (2,) forces in [-1, 1], of 100 N each. Speed along either axis is cut
  to 5 m/s at the beginning of a step.

  Attributes:
    maze: the map.
    goal: (2,) float64.
    model, data: MuJoCo's; the model is shared by all simulators of a maze.

  Args:
    maze: "umaze", "medium" or "large".

  Raises:
    UserError: if there is no such maze.
  """

  def __init__(self, maze: str):
    if maze not in MAZES:
      raise UserError(f"there is no maze {maze!r}; PointMaze has {', '.join(MAZES)}")
    self.maze = MAZES[maze]._replace(unit=CELL)
    self.goal = self.maze.position(self.maze.goal)
    self.model = load_model(maze)
    self.data = mujoco.MjData(self.model)
    self.observation_space = Box(-np.inf, np.inf, (4,), np.float64)
    self.action_space = Box(-1.0, 1.0, (2,), np.float32)

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Begins an episode at rest, at the start cell's centre + U(-0.25, 0.25) in x and in y.

    Args:
      seed: decides the start, where given.
      options: `start` and `goal`, each an (x, y) in a free cell, replace those of the
        maze, exactly.

    Returns:
      The observation, and {"goal": (2,)}.

    Raises:
      UserError: on another option, or a position that is in no free cell.
    """
    super().reset(seed=seed)
    places = chosen_places(self.maze, options or {})
    noise = self.np_random.uniform(-_START_NOISE, _START_NOISE, 2)
    start = places.get("start", self.maze.position(self.maze.start) + noise)
    self.goal = places.get("goal", self.maze.position(self.maze.goal))
    mujoco.mj_resetData(self.model, self.data)
    self.data.qpos[:] = start
    return self._observation(), {"goal": self.goal.copy()}

  def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Pushes for 0.01 s; forces outside of [-1, 1] act as the nearest inside.

    Raises:
      UserError: if the action has another shape.
    """
    if np.shape(action) != self.action_space.shape:
      raise UserError(f"the point's actions are {self.action_space.shape}, not {np.shape(action)}")
    self.data.qvel[:] = np.clip(self.data.qvel, -_MAX_SPEED, _MAX_SPEED)
    self.data.ctrl[:] = action
    mujoco.mj_step(self.model, self.data)
    observation = self._observation()
    reached = math.dist(observation[:2], self.goal) <= GOAL_RADIUS
    return observation, float(reached), reached, False, {}

  def _observation(self) -> np.ndarray:
    return np.concatenate([self.data.qpos, self.data.qvel])


@functools.cache
def load_model(name: str) -> mujoco.MjModel:
  """The compiled model of the ball in a maze, shared by all its simulators."""
  maze: Maze = MAZES[name]._replace(unit=CELL)
  half = f"{CELL / 2} {CELL / 2} {_WALL_HALF_HEIGHT}"
  centres = [maze.position((int(row), int(column))) for row, column in np.argwhere(maze.walls)]
  walls = [
    f'<geom type="box" size="{half}" pos="{x} {y} {_WALL_HALF_HEIGHT}"/>' for x, y in centres
  ]
  return mujoco.MjModel.from_xml_string(_MODEL.format(walls="".join(walls)))
