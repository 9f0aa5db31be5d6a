"""AntMaze by D4RL's rules, with the ant of the `ogbench` package.

D4RL's `-v2` environments (Fu et al. 2020, D4RL's `locomotion/`) need a MuJoCo
that is no longer maintained. OGBench's ant (Park et al. 2025) has the same
bodies, joints, contacts, time step and motors, with actions in [-1, 1]; the
mazes, the reset and the goal are D4RL's and are made here. Gymnasium-Robotics'
AntMaze has another ant: its scores do not compare with D4RL's.
"""

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import gymnasium
import mujoco
import numpy as np
from gymnasium.spaces import Box

from dmg_jax.envs.maze_maps import MAZES, Maze, chosen_places
from dmg_jax.errors import UserError

GOAL_RADIUS = 0.5
_WALL_HEIGHT = 2.0
_FRAME_SKIP = 5  # of 0.02 s each
_RESET_NOISE = 0.1


class AntMaze(gymnasium.Env):
  """An ant that has to reach a goal in a maze; the reward is 1 there, else 0.

  A step is 0.1 s. The episode terminates in the first step that ends within 0.5 m
  of the goal, whether the ant has fallen over or not. Observations are the
  positions and velocities of the joints, (15 + 14,) float64; the first two are
  the x and y of the torso. The goal is not observed. Actions are (8,) torques in
  [-1, 1].

  Attributes:
    maze: the map.
    goal: (2,) float64, x and y of the goal, new in each episode.
    model, data: MuJoCo's; the model is shared by all simulators of a maze.

  Args:
    maze: "umaze", "medium" or "large".

  Raises:
    UserError: if `ogbench` is not installed, or there is no such maze.
  """

  def __init__(self, maze: str):
    if maze not in MAZES:
      raise UserError(f"there is no maze {maze!r}; AntMaze has {', '.join(MAZES)}")
    self.maze = MAZES[maze]
    self.goal = self.maze.position(self.maze.goal)
    self.model = load_model(maze)
    self.data = mujoco.MjData(self.model)
    size = self.model.nq + self.model.nv
    self.observation_space = Box(-np.inf, np.inf, (size,), np.float64)
    self.action_space = Box(-1.0, 1.0, (self.model.nu,), np.float32)

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Begins an episode at the start cell, with a goal in the goal cell.

    The goal is the cell's centre plus U(0, 1) + U(0, 0.5) in x and in y, in metres,
    and not below 0. Every joint's position has noise U(-0.1, 0.1), every velocity
    is 0.1 N(0, 1); both, as the goal, come from the environment's generator.

    Args:
      seed: decides start and goal, where given.
      options: `start` and `goal`, each an (x, y) in a free cell, replace those of the
        maze, exactly and without noise of their own.

    Returns:
      The observation, and {"goal": (2,)}.

    Raises:
      UserError: on another option, or a position that is in no free cell.
    """
    super().reset(seed=seed)
    places = chosen_places(self.maze, options or {})
    noise, unit, model = self.np_random, self.maze.unit, self.model
    goal = self.maze.position(self.maze.goal)
    goal += noise.uniform(0, unit / 4, 2) + noise.uniform(0, unit / 8, 2)
    self.goal = places.get("goal", np.maximum(goal, 0))
    positions = model.qpos0 + noise.uniform(-_RESET_NOISE, _RESET_NOISE, model.nq)
    velocities = _RESET_NOISE * noise.standard_normal(model.nv)
    if "start" in places:
      positions[:2] = places["start"]
    # D4RL's MuJoCo normalised the torso's quaternion before the first observation; ours, later.
    positions[3:7] /= np.linalg.norm(positions[3:7])
    self.set_state(positions, velocities)
    return self._observation(), {"goal": self.goal.copy()}

  def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Applies torques for 0.1 s; those outside of [-1, 1] act as the nearest inside.

    Raises:
      UserError: if the action has another shape.
    """
    if np.shape(action) != self.action_space.shape:
      raise UserError(f"the ant's actions are {self.action_space.shape}, not {np.shape(action)}")
    self.data.ctrl[:] = action
    mujoco.mj_step(self.model, self.data, nstep=_FRAME_SKIP)
    observation = self._observation()
    reached = bool(np.linalg.norm(observation[:2] - self.goal) <= GOAL_RADIUS)
    return observation, float(reached), reached, False, {}

  def set_state(self, positions: np.ndarray, velocities: np.ndarray) -> None:
    """Puts the ant at joint positions (15,) and velocities (14,), with no history."""
    mujoco.mj_resetData(self.model, self.data)
    self.data.qpos[:], self.data.qvel[:] = positions, velocities
    mujoco.mj_forward(self.model, self.data)

  def _observation(self) -> np.ndarray:
    return np.concatenate([self.data.qpos, self.data.qvel])


@functools.cache
def load_model(name: str) -> mujoco.MjModel:
  """The compiled model of the ant in a maze, shared by all its simulators.

  Raises:
    UserError: if `ogbench` is not installed.
  """
  tree = ElementTree.parse(ant_file())
  add_walls(tree.getroot(), MAZES[name])
  return mujoco.MjModel.from_xml_string(ElementTree.tostring(tree.getroot(), encoding="unicode"))


def add_walls(model: ElementTree.Element, maze: Maze) -> None:
  """Adds a box, 2 m high, to a MuJoCo model for each wall of a maze."""
  world = model.find("worldbody")
  assert world is not None
  for row, column in np.argwhere(maze.walls):
    x, y = maze.position((row, column))
    ElementTree.SubElement(
      world,
      "geom",
      name=f"wall_{row}_{column}",
      type="box",
      pos=f"{x} {y} {_WALL_HEIGHT / 2}",
      size=f"{maze.unit / 2} {maze.unit / 2} {_WALL_HEIGHT / 2}",
      contype="1",
      conaffinity="1",
      material="wall",
    )


def ant_file() -> Path:
  """The ant's model in the installed `ogbench` package.

  The package is not imported: its imports take seconds, and are not needed.

  Raises:
    UserError: if it is not installed, or has no such file.
  """
  package = find_spec("ogbench")
  folders = package.submodule_search_locations if package else None
  if not folders:
    raise UserError(
      "AntMaze needs the ant of the `ogbench` package: pip install 'dmg_jax[antmaze]' "
      "(or, since only its ant.xml is read, pip install --no-deps ogbench)"
    )
  path = Path(folders[0], "locomaze", "assets", "ant.xml")
  if not path.is_file():
    raise UserError(f"{path}: no such file; AntMaze needs ogbench 1.2 or later")
  return path
