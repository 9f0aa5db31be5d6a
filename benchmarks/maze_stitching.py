"""Does a policy learn ways through a maze that its data only have in pieces?

  python benchmarks/maze_stitching.py

Collects `diverse` data of point-mass mazes (agents sent between random cells)
by `launch/collect.py`, and trains DMG and behaviour cloning (lambda 0, q 0, nu 1,
alpha 0) on them by `launch/main.py`, at the paper's settings for AntMaze but for
the fewer steps and the faster target networks that they need. Success rates of
the last evaluation, from the maze's start, go to
benchmarks/results/maze_stitching.json. Started again, it continues.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from jobs import ROOT, run

from dmg_jax import run_directory
from dmg_jax.data import minari_files
from dmg_jax.envs.maze_maps import MAZES
from dmg_jax.envs.point_maze import CELL

TARGET_RATE = 0.05
METHODS: dict[str, dict[str, float]] = {
  "dmg": {},
  "bc": {"lam": 0, "q_coefficient": 0, "nu": 1, "inverse_temperature": 0},
}


class Plan(NamedTuple):
  """What to measure.

  Attributes:
    out: folder of the data and the runs.
    transitions: steps to collect in each maze.
    steps: gradient steps.
    seeds: runs of each method.
    episodes: of an evaluation.
  """

  out: Path
  transitions: int
  steps: int
  seeds: int
  episodes: int


def collect_command(maze: str, plan: Plan) -> list[str]:
  """Of a maze's data set, as a user would give it."""
  return [
    "python",
    "launch/collect.py",
    f"--env=dmg_jax/PointMaze-{maze}-v0",
    "--tier=diverse",
    f"--steps={plan.transitions}",
    f"--root={plan.out / 'data'}",
  ]


def train_command(data: Path, method: str, directory: Path, plan: Plan) -> list[str]:
  """Of a method's job, as a user would give it."""
  settings = {
    "normalise_observations": True,
    "seeds": plan.seeds,
    "steps": plan.steps,
    "target_rate": TARGET_RATE,
    "evaluation_interval": plan.steps,
    "evaluation_episodes": plan.episodes,
    **METHODS[method],
  }
  return [
    "python",
    "launch/main.py",
    f"--config=configs/antmaze.py:{data}",
    *(f"--config.{name}={value}" for name, value in settings.items()),
    f"--run_dir={directory}",
  ]


def survey(folder: Path, maze_name: str) -> dict[str, Any]:
  """What the data have of the task itself: how many of their episodes go all the way."""
  maze = MAZES[maze_name]._replace(unit=CELL)
  episodes = list(minari_files.read(minari_files.open_path(folder)))
  reached = np.array([episode.rewards.sum() for episode in episodes]) > 0
  from_start = np.array([maze.cell(e.observations[0, :2]) == maze.start for e in episodes])
  return {
    "transitions": sum(len(episode.rewards) for episode in episodes),
    "episodes": len(episodes),
    "reach_the_goal": int(reached.sum()),
    "from_the_start_cell": int(from_start.sum()),
    "from_the_start_cell_to_the_goal": int((reached & from_start).sum()),
  }


def measure(maze: str, plan: Plan) -> dict[str, Any]:
  """Success rates of both methods, per seed, on one maze's data."""
  folder = plan.out / "data" / "dmg" / f"pointmaze-{maze.lower()}" / "diverse-v0"
  if not (ROOT / folder).exists():
    run(collect_command(maze, plan))
  figures: dict[str, Any] = {"data": survey(ROOT / folder, maze.lower()), "success": {}}
  figures["commands"] = {"collect": " ".join(collect_command(maze, plan))}
  for method in METHODS:
    directory = plan.out / f"{maze.lower()}-{method}"
    command = train_command(folder, method, directory, plan)
    run(command)
    summary = json.loads((ROOT / directory / run_directory.SUMMARY).read_text())
    figures["success"][method] = [row["last"] / 100 for row in summary["results"]["seeds"]]
    figures["commands"][method] = " ".join(command)
    figures |= {"devices": summary["devices"], "versions": summary["versions"]}
  return figures


def main(_) -> None:
  values = flags.FLAGS
  plan = Plan(Path(values.out), values.transitions, values.steps, values.seeds, values.episodes)
  result: dict[str, Any] = {
    "command": " ".join(["python", *sys.argv]),
    "unit": "share of episodes that reach the goal, per seed, in the last evaluation",
    "steps": plan.steps,
    "episodes": plan.episodes,
    "mazes": {maze: measure(maze, plan) for maze in values.mazes},
  }
  path = ROOT / values.result
  path.write_text(json.dumps(result, indent=1) + "\n")
  for maze, figures in result["mazes"].items():
    print(maze, figures["data"], figures["success"])
  print(path)


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_string("out", "runs/maze_stitching", "Folder of the data and the runs.")
  flags.DEFINE_string("result", "benchmarks/results/maze_stitching.json", "Where the figures go.")
  flags.DEFINE_list("mazes", ["UMaze", "Medium"], "Of UMaze, Medium and Large.")
  flags.DEFINE_integer("transitions", 100_000, "Steps to collect in each maze.")
  flags.DEFINE_integer("steps", 4_000, "Gradient steps.")
  flags.DEFINE_integer("seeds", 2, "Runs of each method.")
  flags.DEFINE_integer("episodes", 20, "Episodes of an evaluation.")
  app.run(main)
