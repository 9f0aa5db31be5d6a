"""The main job on AntMaze data, as `configs/antmaze.py` has it."""

import gymnasium
import h5py
import numpy as np
import pytest
from small_jobs import SIZES, make_config

from dmg_jax import run_log
from dmg_jax.envs import ant_maze
from dmg_jax.experiments import job

ENV = "dmg_jax/AntMaze-UMaze-v0"


@pytest.fixture
def antmaze_file(tmp_path):
  """Ten episodes of ten steps in D4RL's form, each at its goal in the last."""
  path = tmp_path / "mine.hdf5"
  generator = np.random.default_rng(0)
  ends = np.arange(100) % 10 == 9
  with h5py.File(path, "w") as file:
    file["observations"] = np.float32(generator.normal(size=(100, 29)))
    file["actions"] = np.float32(generator.uniform(-1, 1, (100, 8)))
    file["rewards"] = np.float32(ends)
    file["terminals"] = ends
  return path


@pytest.mark.skipif(ant_maze.find_spec("ogbench") is None, reason="needs the extra `antmaze`")
@pytest.mark.parametrize(("radius", "score", "length"), [(0.5, 0.0, 15), (100.0, 100.0, 1)])
def test_it_trains_evaluates_and_scores_successes(
  antmaze_file, tmp_path, monkeypatch, radius, score, length
):
  """Fifteen steps bring no ant to its goal, unless that is everywhere."""
  monkeypatch.setattr(gymnasium.spec(ENV), "max_episode_steps", 15)
  monkeypatch.setattr(ant_maze, "GOAL_RADIUS", radius)
  changes = {"steps": 4, "seeds": 2, "log_interval": 2, "policy_delay": 1, **SIZES}
  config = make_config("antmaze", str(antmaze_file), env=ENV, evaluation_episodes=3, **changes)
  lines = []
  outcome = job.run(config, str(tmp_path / "run"), lines.append)
  assert "mine: rewards moved by -1, to between -1 and 0" in lines
  assert "D4RL-normalised score" in outcome.table
  rows = run_log.read(tmp_path / "run", run_log.EVALUATIONS)
  assert [(row["score"], row["length"]) for row in rows] == [(score, length)] * 6
