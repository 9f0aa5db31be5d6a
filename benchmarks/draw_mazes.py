"""Draws each AntMaze from above, at the start of an episode.

  MUJOCO_GL=egl python benchmarks/draw_mazes.py

The goal is the red disc, of the radius that counts as reached; the square around
it is where the goals of all episodes lie. x grows to the right, y upwards. Needs
the extra `antmaze` and a MuJoCo that can render (MUJOCO_GL=egl, osmesa or glfw).
"""

from pathlib import Path

import gymnasium
import matplotlib.image
import mujoco
import numpy as np
from absl import app, flags

from dmg_jax.envs.ant_maze import GOAL_RADIUS, AntMaze

_OUT = flags.DEFINE_string("out", "docs", "Folder for antmaze_umaze.png and so on.")

_HEIGHT, _WIDTH = 480, 640
_RED, _PALE_RED = (0.7, 0.05, 0.1, 1.0), (0.7, 0.05, 0.1, 0.35)


def main(_) -> None:
  for name in ("UMaze", "Medium", "Large"):
    env = gymnasium.make(f"dmg_jax/AntMaze-{name}-v0").unwrapped
    assert isinstance(env, AntMaze)
    env.reset(seed=0)
    path = Path(_OUT.value, f"antmaze_{env.maze.name}.png")
    matplotlib.image.imsave(path, picture(env))
    print(path)


def picture(env: AntMaze) -> np.ndarray:
  """(480, 640, 3) uint8, the maze from above, its ant and its goal."""
  rows, columns = env.maze.walls.shape
  low, high = env.maze.position((0, 0)), env.maze.position((rows - 1, columns - 1))
  camera = mujoco.MjvCamera()
  camera.lookat[:2] = (low + high) / 2
  camera.azimuth, camera.elevation = 90, -90
  half_height = env.maze.unit / 2 * max(rows, columns * _HEIGHT / _WIDTH)
  camera.distance = 1.1 * half_height / np.tan(np.radians(env.model.vis.global_.fovy / 2))
  corner = env.maze.position(env.maze.goal)
  region = 3 / 16 * env.maze.unit  # half of the goals' 1.5 m
  with mujoco.Renderer(env.model, _HEIGHT, _WIDTH) as renderer:
    renderer.update_scene(env.data, camera)
    _mark(renderer.scene, mujoco.mjtGeom.mjGEOM_BOX, corner + region, region, _PALE_RED)
    _mark(renderer.scene, mujoco.mjtGeom.mjGEOM_CYLINDER, env.goal, GOAL_RADIUS, _RED)
    return renderer.render()


def _mark(scene, kind, position: np.ndarray, size: float, colour: tuple) -> None:
  """Adds a flat shape on the floor, which nothing collides with."""
  half_sizes = (size, size, 0.02)
  if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
    half_sizes = (size, 0.05, 0)
  mujoco.mjv_initGeom(
    scene.geoms[scene.ngeom], kind, half_sizes, [*position, 0.05], np.eye(3).ravel(), colour
  )
  scene.ngeom += 1


if __name__ == "__main__":
  app.run(main)
