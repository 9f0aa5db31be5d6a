"""The scores, commands and data of jobs that ran, from the folders that they left."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import cost, methods, networks, run_directory, run_log

# Of a recorded command: where somebody kept things.
_PLACES = ("--root=", "--run_dir=", "--config.workers=")


def read(directory: Path) -> dict[str, Any] | None:
  """What a job scored and how it was made; None where it was cut before its last step.

  Args:
    directory: of a job, with `config.json`, `summary.json` and `evaluations.jsonl`.

  Returns:
    "data": data set -> label -> the runs' curves; and what is common to all of them.
  """
  if not (directory / run_directory.SUMMARY).exists():
    return None
  config, summary = (
    json.loads((directory / file).read_text())
    for file in (run_directory.CONFIG, run_directory.SUMMARY)
  )
  curves = evaluations(run_log.read(directory, run_log.EVALUATIONS))
  data: dict[str, dict[str, Any]] = {}
  for group in summary["groups"]:
    runs = [run for run in group["runs"] if run["diverged_at"] is None]
    data.setdefault(group["task"], {})[group["method"]] = {
      "label": group["label"],
      "steps": sorted(curves[runs[0]["id"]]) if runs else [],
      "seeds": [run["seed"] for run in runs],
      "scores": [[curves[run["id"]][step] for step in sorted(curves[run["id"]])] for run in runs],
      "diverged": [run["seed"] for run in group["runs"] if run["diverged_at"] is not None],
    }
  return {
    "command": shown(config["invocation"]),
    "data": data,
    "sha256": {task["name"]: task["sha256"] for task in config["tasks"]},
    "data_score": {group["task"]: group["data_score"] for group in summary["groups"]},
    "steps": config["settings"]["steps"],
    "precision": config["settings"]["precision"],
    "step_flops": step_flops(config),
    "seconds": summary["seconds"],
    "devices": summary["devices"],
    "versions": summary["versions"],
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
      "episodes": stored["episodes"],
    }
  return found
