"""The scores, commands and data of jobs that ran, from the folders that they left."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import cost, methods, networks, run_directory, run_log

# Of a recorded command: where somebody kept things.
_PLACES = ("--root=", "--run_dir=", "--config.workers=")


def read(directory: Path, to_step: int | None = None) -> dict[str, Any] | None:
  """What a job scored and how it was made; None where it was cut before that step.

  A job that came to its end counts also if all of its runs diverged.

  Args:
    directory: of a job, with `config.json`, `evaluations.jsonl` and, if it came to its end,
      `summary.json`.
    to_step: up to which evaluations count; the job's last, if not given.

  Returns:
    "data": data set -> method -> the runs' curves; and what is common to all of them.
  """
  config = json.loads((directory / run_directory.CONFIG).read_text())
  last = config["settings"]["steps"] if to_step is None else to_step
  rows = list(run_log.read(directory, run_log.EVALUATIONS))
  ended = to_step is None and (directory / run_directory.SUMMARY).exists()
  if not ended and last not in {row["step"] for row in rows}:
    return None
  curves = evaluations(row for row in rows if row["step"] <= last)
  data: dict[str, dict[str, Any]] = {}
  for run in config["runs"]:
    group = data.setdefault(run["task"], {}).setdefault(
      run["method"], {"seeds": [], "steps": [], "scores": [], "diverged": []}
    )
    # A run that diverged is evaluated no more.
    if last not in curves.get(run["id"], {}):
      group["diverged"].append(run["seed"])
      continue
    group["seeds"].append(run["seed"])
    group["steps"] = sorted(curves[run["id"]])
    group["scores"].append([curves[run["id"]][step] for step in group["steps"]])
  made_by = {}
  if (directory / run_directory.SUMMARY).exists():
    summary = json.loads((directory / run_directory.SUMMARY).read_text())
    made_by = {name: summary[name] for name in ("seconds", "devices", "versions")}
  return {
    "command": shown(config["invocation"]),
    "data": data,
    "tasks": {task["name"]: [task["sha256"], task["reference"]] for task in config["tasks"]},
    "to_step": last,
    "steps": config["settings"]["steps"],
    "precision": config["settings"]["precision"],
    "step_flops": step_flops(config),
    **made_by,
  }


def evaluations(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, float]]:
  """Id of a run -> step -> mean score of that evaluation's episodes."""
  scores: dict[str, dict[int, list[float]]] = {}
  for row in rows:
    scores.setdefault(row["run"], {}).setdefault(row["step"], []).append(row["score"])
  return {
    run: {step: statistics.fmean(episodes) for step, episodes in curve.items()}
    for run, curve in scores.items()
  }


def last_half(steps: Sequence[int], curve: Sequence[float]) -> list[float]:
  """The evaluations past half of the steps."""
  return [score for step, score in zip(steps, curve, strict=True) if 2 * step > steps[-1]]


def shown(invocation: Sequence[str]) -> str:
  """A recorded command, without the places of somebody's files."""
  words = [word for word in invocation if not word.startswith(_PLACES)]
  return " ".join(["python", *words])


def step_flops(config: Mapping[str, Any]) -> dict[str, float]:
  """Method -> floating-point operations of a gradient step, in Hopper's sizes."""
  found = {}
  for run in config["runs"]:
    point = run["point"]
    names = [name for name in networks.Architecture._fields if name in point]
    found[run["method"]] = cost.step_flops(
      networks.Architecture(**{name: point[name] for name in names}),
      *_HOPPER,
      point["batch_size"],
      point["policy_delay"],
      methods.find(run["method"]).form,
    )
  return found


# Numbers of an observation and of an action.
_HOPPER = 11, 3


def made(root: Path, names: Iterable[str]) -> dict[str, Any]:
  """How data sets were made, from the provenance that lies with them.

  Args:
    root: folder of Minari data sets.
    names: of the data sets.
  """
  found = {}
  for name in names:
    stored = json.loads((root / name / "provenance.json").read_text())
    found[name] = {
      "command": shown(stored["command"].split()[1:]),
      "transitions": stored["transitions"],
      "return": stored["mean_episode_return"],
      "episodes": stored["episodes"],
    }
  return found
