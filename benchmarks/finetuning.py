"""What online training brings in mazes, which offline training may leave unsolved, and in Hopper.

  python benchmarks/finetuning.py [--jobs=medium-online,medium-kept,...]

Collects data by `launch/collect.py`, trains DMG and IQL on them by `launch/main.py`, and goes on
with `launch/finetune.py`. What the jobs scored, and every command, go to
benchmarks/results/finetuning.json, docs/finetuning.md and its figure. Started again, it continues.
"""

import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import finetuning_figure
import finetuning_page
import numpy as np
from absl import app, flags
from finetuning_jobs import (
  DATA_ALONE,
  FOLDER,
  JOBS,
  LONGER,
  TASKS,
  commands,
  job_command,
  offline_commands,
)
from finetuning_page import FIGURE, RESULT
from jobs import ROOT, run

from dmg_jax import methods, run_directory, run_log, study_files
from dmg_jax.report.tables import job_table, online_table


def measure(job: str) -> dict[str, Any]:
  """What a job scored before and after, and the commands that lead to it."""
  task = TASKS[job.split("-")[0]]
  *collect, train = offline_commands(job.split("-")[0])
  if not (ROOT / task.data).exists():
    for command in collect:
      run(command)
  run(train)
  run(job_command(job))
  directory = ROOT / FOLDER / job
  summary = json.loads((directory / run_directory.SUMMARY).read_text())
  found = evaluations(directory)
  longer = job.endswith(LONGER)
  if longer:
    found = {run_id: since(curve, task.offline_steps) for run_id, curve in found.items()}
  return {
    "task": task._asdict(),
    "groups": alone(summary["groups"], found) if longer else summary["online"],
    "evaluations": found,
    "commands": commands(job),
    "seconds": summary["seconds"],
    "devices": summary["devices"],
    "versions": summary["versions"],
  }


def since(curve: Mapping[str, float], offline_steps: int) -> dict[str, float]:
  """The evaluations from a step on, which is step 0 of the result."""
  return {
    str(int(step) - offline_steps): score
    for step, score in curve.items()
    if int(step) >= offline_steps
  }


def alone(
  groups: Sequence[Mapping[str, Any]], found: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
  """An offline job's groups in the form of an online job's.

  Args:
    groups: of its summary.
    found: id of a run -> step -> score, see `since`.
  """
  return [
    online_table.summarise(
      job_table.Results(
        task=group["task"],
        method=group["method"],
        label=f"{methods.find(group['method']).title} {DATA_ALONE}",
        point=group["point"],
        runs=tuple(run["id"] for run in group["runs"]),
        seeds=np.array([run["seed"] for run in group["runs"]]),
        steps=np.array([int(step) for step in found[group["runs"][0]["id"]]]),
        scores=np.array([list(found[run["id"]].values()) for run in group["runs"]]),
        unit=group["unit"],
        episodes=group["episodes_per_evaluation"],
        frozen_at=np.array(
          [-1 if run["diverged_at"] is None else run["diverged_at"] for run in group["runs"]]
        ),
      )
    )
    for group in groups
  ]


def evaluations(directory: Path) -> dict[str, dict[str, float]]:
  """Id of a run -> step -> mean score of that evaluation's episodes, from a job's log."""
  scores: dict[str, dict[str, list[float]]] = {}
  for row in run_log.read(directory, run_log.EVALUATIONS):
    scores.setdefault(row["run"], {}).setdefault(str(row["step"]), []).append(row["score"])
  return {
    run_id: {step: statistics.fmean(episodes) for step, episodes in curve.items()}
    for run_id, curve in scores.items()
  }


def write(result: Mapping[str, Any]) -> None:
  """Stores the result, and makes the page and its figure from it."""
  study_files.write({RESULT: (json.dumps(result, indent=1) + "\n").encode()})
  finetuning_page.write()
  finetuning_figure.draw(result, FIGURE)


def collected(command: str, names: Iterable[str], before: Mapping[str, Any]) -> dict[str, Any]:
  """The result: jobs that are named, and of those before all that the same commands make."""
  kept = {
    job: found
    for job, found in before.get("jobs", {}).items()
    if job in JOBS and found["commands"] == commands(job)
  }
  jobs = kept | {job: measure(job) for job in names}
  return {"command": command, "jobs": {job: jobs[job] for job in JOBS if job in jobs}}


def main(_: Sequence[str]) -> None:
  values = flags.FLAGS
  result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
  for job in values.jobs:
    result = collected(" ".join(["python", *sys.argv]), [job], result)
    write(result)
  print(finetuning_page.page(result))


if __name__ == "__main__":
  # Here, and not above: whoever imports this file has flags of their own.
  flags.DEFINE_list("jobs", list(JOBS), f"Of {', '.join(JOBS)}.")
  flags.register_validator(
    "jobs", lambda names: {*names} <= {*JOBS}, "a name is no job; --help lists them"
  )
  app.run(main)
