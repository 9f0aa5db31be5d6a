"""Simulators; importing this package registers its own with Gymnasium, under `dmg_jax/`."""

import gymnasium

# The step limits of the ant's mazes are D4RL's, the point's Gymnasium-Robotics'.
for _agent, _entry_point, _limits in (
  ("Ant", "dmg_jax.envs.ant_maze:AntMaze", (700, 1000, 1000)),
  ("Point", "dmg_jax.envs.point_maze:PointMaze", (300, 600, 800)),
):
  for _maze, _limit in zip(("UMaze", "Medium", "Large"), _limits, strict=True):
    gymnasium.register(
      id=f"dmg_jax/{_agent}Maze-{_maze}-v0",
      entry_point=_entry_point,
      kwargs={"maze": _maze.lower()},
      max_episode_steps=_limit,
    )

gymnasium.register(
  id="dmg_jax/AntDirections-v0",
  entry_point="dmg_jax.envs.ant_directions:AntDirections",
  max_episode_steps=500,
)

gymnasium.register(
  id="dmg_jax/RotationalReacher-v0",
  entry_point="dmg_jax.envs.rotational_reacher:RotationalReacher",
  max_episode_steps=200,
)

for _kind in ("StartedRobot", "ChangedRobot"):
  gymnasium.register(
    id=f"dmg_jax/{_kind}-v0",
    entry_point=f"dmg_jax.envs.robots:{_kind}",
    disable_env_checker=True,  # it takes a share of each step
  )
