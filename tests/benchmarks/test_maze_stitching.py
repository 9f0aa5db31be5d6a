"""What the stitching benchmark counts, and the commands it names."""

import json

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


PLAN = maze_stitching.Plan(
  maze_stitching.Path("runs/x"), transitions=100_000, steps=4_000, seeds=2, episodes=20
)


def test_the_commands_are_a_users():
  command = maze_stitching.train_command(maze_stitching.Path("d"), maze_stitching.Path("r"), PLAN)
  assert command[:3] == ["python", "launch/main.py", "--config=configs/antmaze.py:d"]
  assert {"--config.methods=dmg,bc", "--config.steps=4000", "--run_dir=r"} <= {*command}
  assert maze_stitching.collect_command("Medium", PLAN) == [
    "python",
    "launch/collect.py",
    "--env=dmg_jax/PointMaze-Medium-v0",
    "--tier=diverse",
    "--steps=100000",
    "--root=runs/x/data",
  ]


def test_the_page_holds_the_commands_of_its_numbers(tmp_path, monkeypatch):
  """Of a whole measurement whose commands leave what a job leaves."""
  commands = []

  def leave(command):
    commands.append(" ".join(command))
    if "launch/main.py" in command:
      rates = {"dmg": [100.0, 50.0], "bc": [0.0, 10.0]}
      groups = [
        {"method": method, "runs": [{"last": rate} for rate in values]}
        for method, values in rates.items()
      ]
      directory = tmp_path / command[-1].removeprefix("--run_dir=")
      directory.mkdir(parents=True)
      summary = {"groups": groups, "devices": ["cpu"], "versions": {"jax": "1"}}
      (directory / "summary.json").write_text(json.dumps(summary))

  counted = {"episodes": 191, "from_the_start_cell_to_the_goal": 5}
  monkeypatch.setattr(maze_stitching, "run", leave)
  monkeypatch.setattr(maze_stitching, "ROOT", tmp_path)
  monkeypatch.setattr(maze_stitching, "survey", lambda folder, maze: counted)
  figures = maze_stitching.measure("Medium", PLAN)
  assert figures["success"] == {"dmg": [1.0, 0.5], "bc": [0.0, 0.1]}
  assert figures["commands"] == commands
  result = {"steps": 4000, "episodes": 20, "target_rate": 0.05, "mazes": {"Medium": figures}}
  page = maze_stitching.page(result)
  assert "| Medium | 0.75 (0.50 to 1.00) | 0.05 (0.00 to 0.10) | 191 | 5 |" in page
  assert page.split("```bash\n")[1].split("\n```")[0].splitlines() == commands
  assert len(commands) == 2


def test_the_stored_page_is_what_the_stored_result_makes():
  stored = json.loads(maze_stitching.RESULT.read_text())
  assert maze_stitching.PAGE.read_text(encoding="utf-8") == maze_stitching.page(stored)
