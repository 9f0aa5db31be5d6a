"""Does a policy learn paths through a maze that its data have only in pieces?

  python benchmarks/maze_stitching.py

Collects `diverse` data of point-mass mazes (agents sent between random cells)
by `launch/collect.py`, and trains DMG and behaviour cloning on them in one job of
`launch/main.py`, at the paper's settings for AntMaze except for observations that
are normalised, fewer steps, and the faster target networks that fewer steps need.
The success rates of the last evaluation, from the maze's start, and every command
go to benchmarks/results/maze_stitching.json and docs/mazes.md. Started again, it
continues.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from jobs import RESULTS, ROOT, run

from dmg_jax import run_directory
from dmg_jax.data import minari_files
from dmg_jax.envs.maze_maps import MAZES
from dmg_jax.envs.point_maze import CELL

TARGET_RATE = 0.05
METHODS = {"dmg": "DMG", "bc": "behaviour cloning"}
RESULT = RESULTS / "maze_stitching.json"
PAGE = ROOT / "docs" / "mazes.md"


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


def train_command(data: Path, directory: Path, plan: Plan) -> list[str]:
  """Of the job with both methods, as a user would give it."""
  settings = {
    "methods": ",".join(METHODS),
    "normalise_observations": True,
    "seeds": plan.seeds,
    "steps": plan.steps,
    "target_rate": TARGET_RATE,
    "evaluation_interval": plan.steps,
    "evaluation_episodes": plan.episodes,
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
  """Success rates of both methods, per seed, on one maze's data, and the commands."""
  folder = plan.out / "data" / "dmg" / f"pointmaze-{maze.lower()}" / "diverse-v0"
  collect = collect_command(maze, plan)
  if not (ROOT / folder).exists():
    run(collect)
  directory = plan.out / maze.lower()
  train = train_command(folder, directory, plan)
  run(train)
  summary = json.loads((ROOT / directory / run_directory.SUMMARY).read_text())
  return {
    "data": survey(ROOT / folder, maze.lower()),
    "success": {
      group["method"]: [row["last"] / 100 for row in group["runs"]] for group in summary["groups"]
    },
    "commands": [" ".join(collect), " ".join(train)],
    "devices": summary["devices"],
    "versions": summary["versions"],
  }


def page(result: Mapping[str, Any]) -> str:
  """The table and the commands that make its numbers, in Markdown."""
  mazes = result["mazes"].values()
  (count,) = {len(rates) for figures in mazes for rates in figures["success"].values()}
  over = f"Mean of {count} seeds, with the smallest and the largest." if count > 1 else "One seed."
  commands = [line for figures in mazes for line in figures["commands"]]
  return "\n".join(
    [
      "# Mazes: paths that the data have only in pieces",
      "",
      "<!-- Made by `python benchmarks/maze_stitching.py`; not to be edited. -->",
      "",
      f"Share of {result['episodes']} episodes that reach the goal from the maze's start, after "
      f"{result['steps']:,} gradient steps on `diverse` data of a point mass.",
      over,
      *result.get("notes", []),
      "",
      "| maze | DMG | behaviour cloning | episodes in the data | from the start cell to the goal |",
      "| --- | --- | --- | --- | --- |",
      *(_row(maze, figures) for maze, figures in result["mazes"].items()),
      "",
      "These commands make the numbers. The settings are the paper's for AntMaze, except for "
      "normalised observations,",
      f"fewer steps, and a target rate of {result['target_rate']:g}: the paper's 0.005 is for a "
      "million steps.",
      "",
      "```bash",
      *commands,
      "```",
      "",
      "Versions and devices are in "
      "[`maze_stitching.json`](../benchmarks/results/maze_stitching.json).",
      "",
    ]
  )


def _row(maze: str, figures: Mapping[str, Any]) -> str:
  rates = [figures["success"][method] for method in METHODS]
  cells = [
    maze,
    *(_share(rate) for rate in rates),
    str(figures["data"]["episodes"]),
    str(figures["data"]["from_the_start_cell_to_the_goal"]),
  ]
  return f"| {' | '.join(cells)} |"


def _share(rates: Sequence[float]) -> str:
  several = f" ({min(rates):.2f} to {max(rates):.2f})" if len(rates) > 1 else ""
  return f"{np.mean(rates):.2f}{several}"


def main(_) -> None:
  values = flags.FLAGS
  plan = Plan(Path(values.out), values.transitions, values.steps, values.seeds, values.episodes)
  result: dict[str, Any] = {
    "command": " ".join(["python", *sys.argv]),
    "unit": "share of episodes that reach the goal, per seed, in the last evaluation",
    "steps": plan.steps,
    "episodes": plan.episodes,
    "target_rate": TARGET_RATE,
    "mazes": {maze: measure(maze, plan) for maze in values.mazes},
  }
  RESULT.write_text(json.dumps(result, indent=1) + "\n")
  PAGE.write_text(page(result), encoding="utf-8")
  print(page(result))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_string("out", "runs/maze_stitching", "Folder of the data and the runs.")
  flags.DEFINE_list("mazes", ["UMaze", "Medium"], "Of UMaze, Medium and Large.")
  flags.DEFINE_integer("transitions", 100_000, "Steps to collect in each maze.")
  flags.DEFINE_integer("steps", 4_000, "Gradient steps.")
  flags.DEFINE_integer("seeds", 2, "Runs of each method.")
  flags.DEFINE_integer("episodes", 20, "Episodes of an evaluation.")
  app.run(main)
