"""Simulators; importing this package registers its own with Gymnasium, under `dmg_jax/`."""

import gymnasium

for _maze, _name, _steps in (
  ("umaze", "UMaze", 700),
  ("medium", "Medium", 1000),
  ("large", "Large", 1000),
):
  gymnasium.register(
    id=f"dmg_jax/AntMaze-{_name}-v0",
    entry_point="dmg_jax.envs.ant_maze:AntMaze",
    kwargs={"maze": _maze},
    max_episode_steps=_steps,
  )

# Gymnasium-Robotics' step limits.
for _maze, _name, _steps in (
  ("umaze", "UMaze", 300),
  ("medium", "Medium", 600),
  ("large", "Large", 800),
):
  gymnasium.register(
    id=f"dmg_jax/PointMaze-{_name}-v0",
    entry_point="dmg_jax.envs.point_maze:PointMaze",
    kwargs={"maze": _maze},
    max_episode_steps=_steps,
  )

gymnasium.register(
  id="dmg_jax/AntDirections-v0",
  entry_point="dmg_jax.envs.ant_directions:AntDirections",
  max_episode_steps=500,
)
