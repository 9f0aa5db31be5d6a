"""What the stitching benchmark counts, and the commands it names."""

import maze_stitching
import numpy as np

from dmg_jax.data import minari_files
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make


def episode(start, reached) -> Episode:
  """Two steps of the ball from a place, to the goal or not."""
  observations = np.zeros((3, 4), np.float32)
  observations[0, :2] = start
  last = np.array([False, True])
  rewards = np.float32(last & reached)
  return Episode(
    observations, np.zeros((2, 2), np.float32), rewards, last & reached, last & (not reached)
  )


def test_the_survey_counts_whole_ways(tmp_path):
  episodes = [
    episode([0.1, -0.4], True),
    episode([0.4, 0.4], False),
    episode([1.0, 0.0], True),
    episode([2.0, 1.0], False),
    episode([2.0, 2.0], True),
  ]
  env = make("dmg_jax/PointMaze-UMaze-v0")
  folder = minari_files.write(tmp_path, "dmg/x/y-v0", episodes, env, algorithm_name="-")
  assert maze_stitching.survey(folder, "umaze") == {
    "transitions": 10,
    "episodes": 5,
    "reach_the_goal": 3,
    "from_the_start_cell": 2,
    "from_the_start_cell_to_the_goal": 1,
  }


def test_the_commands_are_a_users(tmp_path):
  plan = maze_stitching.Plan(tmp_path, transitions=100_000, steps=4_000, seeds=2, episodes=20)
  command = maze_stitching.train_command(tmp_path, "bc", tmp_path / "run", plan)
  assert command[:3] == ["python", "launch/main.py", f"--config=configs/antmaze.py:{tmp_path}"]
  assert {"--config.lam=0", "--config.nu=1", "--config.steps=4000"} <= {*command}
  assert maze_stitching.collect_command("Medium", plan) == [
    "python",
    "launch/collect.py",
    "--env=dmg_jax/PointMaze-Medium-v0",
    "--tier=diverse",
    "--steps=100000",
    f"--root={tmp_path}/data",
  ]
