"""The scores of one finished run directory, group by group, checked against its logs."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dmg_jax import run_directory, run_log
from dmg_jax.data import catalog
from dmg_jax.report.scores.commands import Job
from dmg_jax.report.scores.labels import table_label
from dmg_jax.report.scores.score import Score
from dmg_jax.report.units import SCORE, WINDOW
from dmg_jax.tasks import NO_ENVIRONMENT

_PACKAGES = ("dmg_jax", "jax", "gymnasium", "mujoco")
_OF_TASK = ("sha256", "env", "env_kwargs", "step_limit", "reference")
_OF_EVALUATION = ("evaluation_interval", "evaluation_episodes")

_ERRORS = (AttributeError, IndexError, KeyError, OSError, TypeError, ValueError)


class LeftOutError(Exception):
  """Why a directory, or a group of it, is in no average."""


class Group(NamedTuple):
  """The runs of one label on one data set, in one directory.

  Attributes:
    directory: of the job.
    method, dataset: as `Score` has them.
    scores: of the runs that count.
    notices: a line for each run that does not.
    diverged: the runs that did, without scores.
    in_row: what must be alike in all groups on the data set.
    in_cell: what must also be alike in all groups of the method on it.
  """

  directory: Path
  method: str
  dataset: str
  scores: list[Score]
  notices: list[str]
  diverged: list[Score]
  in_row: dict[str, Any]
  in_cell: dict[str, Any]


# step -> episode -> score, of one run
_Curve = dict[int, dict[int, float]]


def damaged(error: Exception) -> LeftOutError:
  """Says that the files of a directory do not belong together."""
  return LeftOutError(
    f"its logs or its {run_directory.SUMMARY} are damaged"
    f" ({type(error).__name__}: {error}); the command that made it writes the summary anew"
  )


def groups(
  directory: Path, config: Mapping[str, Any], summary: Mapping[str, Any]
) -> tuple[list[Group], list[str]]:
  """The groups of a finished job that have scores, and why others have none.

  Args:
    directory: of the job.
    config: of it.
    summary: of it.

  Returns:
    The groups; and reasons, one a line, which name the group where there are several.

  Raises:
    LeftOutError: if logs, config and summary do not agree.
  """
  try:
    return _groups(directory, config, summary)
  except _ERRORS as error:
    raise damaged(error) from error


def _groups(
  directory: Path, config: Mapping[str, Any], summary: Mapping[str, Any]
) -> tuple[list[Group], list[str]]:
  tasks = {task["name"]: task for task in config["tasks"]}
  results = {(found["task"], found["label"]): found for found in summary["groups"]}
  members: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
  for run in config["runs"]:
    members.setdefault((run["task"], run["label"]), []).append(run)
  for name, label in members:
    if reason := _has_no_scores(tasks[name], results[name, label]):
      results[name, label] = {"reason": reason}
  curves: dict[str, _Curve] | None = None
  found, reasons = [], []
  for (name, label), runs in members.items():
    result = results[name, label]
    if "reason" in result:
      where = f"{label} on {name}: " if len(members) > 1 else ""
      reasons.append(where + result["reason"])
      continue
    if curves is None:
      curves = _curves(directory)
    job = Job(str(directory), config, name, label)
    found.append(_group(directory, job, tasks[name], runs, result, curves, summary["versions"]))
  return found, reasons


def _has_no_scores(task: Mapping[str, Any], result: Mapping[str, Any]) -> str:
  name = task["name"]
  if task["env"] == NO_ENVIRONMENT:
    return "it was trained without a simulator and has no scores"
  if result["unit"] != SCORE:
    return f"its environment, {task['env']}, has returns but no normalised score"
  if name in catalog.d4rl_files() and task["kind"] != "d4rl":
    return f"its data are called {name} but were not read as D4RL's; import them under another name"
  return ""


def _dataset(task: Mapping[str, Any]) -> str:
  """D4RL's name where the simulator is the one that belongs to the data, else both."""
  name, env, kwargs = task["name"], task["env"], task["env_kwargs"]
  if name in catalog.d4rl_files() and not catalog.is_d4rl_env(name, env, kwargs):
    return f"{name} in {env}" + (f" with {json.dumps(kwargs)}" if kwargs else "")
  return name


def _group(
  directory: Path,
  job: Job,
  task: Mapping[str, Any],
  runs: Sequence[Mapping[str, Any]],
  result: Mapping[str, Any],
  curves: Mapping[str, _Curve],
  versions: Mapping[str, Any],
) -> Group:
  settings = job.config["settings"]
  point = {
    name: tuple(value) if isinstance(value, list) else value
    for name, value in runs[0]["point"].items()
  }
  group = Group(
    directory,
    table_label(runs[0], task),
    _dataset(task),
    [],
    [],
    [],
    {name: task[name] for name in _OF_TASK},
    {"steps": settings["steps"]}
    | {name: settings[name] for name in _OF_EVALUATION}
    | {name: versions.get(name) for name in _PACKAGES}
    | point,
  )
  rows = {row["id"]: row for row in result["runs"]}
  steps = sorted({step for run in runs for step in curves.get(run["id"], {})})
  for run in runs:
    row, seed = rows[run["id"]], run["seed"]
    learned = result.get("learned", {}).get(run["id"], {})
    what = f"seed {seed}" if len(job.config["runs"]) == len(runs) else run["id"]
    named = f"{directory}: {what} is left out:"
    if row["diverged_at"] is not None:
      ended = {settings["steps"]: math.nan}
      group.diverged.append(_score(group, seed, ended, point, job, learned))
      group.notices.append(f"{named} it diverged at step {row['diverged_at']:,}")
    elif row["last"] is None:
      group.notices.append(f"{named} it has no score at step {row['no_score_at']:,}")
    else:
      curve = curves[run["id"]]
      means = {step: float(np.mean(list(curve[step].values()))) for step in sorted(curve)}
      last_step = max(means)
      if last_step != result["last_step"] or not math.isclose(means[last_step], row["last"]):
        raise ValueError(f"{what} ends otherwise in {run_log.EVALUATIONS}")
      _check_curve(what, curve, steps, settings["evaluation_episodes"])
      group.scores.append(_score(group, seed, means, point, job, learned))
  return group


def _score(
  group: Group,
  seed: int,
  means: Mapping[int, float],
  point: Mapping[str, Any],
  job: Job,
  learned: Mapping[str, float],
) -> Score:
  scores = tuple(means.values())
  return Score(
    method=group.method,
    dataset=group.dataset,
    seed=seed,
    steps=max(means),
    last=scores[-1],
    last_ten=float(np.mean(scores[-WINDOW:])),
    evaluation_steps=tuple(means),
    evaluation_scores=scores,
    settings=point,
    source=str(group.directory),
    job=job,
    learned=learned,
  )


def _curves(directory: Path) -> dict[str, _Curve]:
  curves: dict[str, _Curve] = {}
  for row in run_log.read(directory, run_log.EVALUATIONS):
    episodes = curves.setdefault(row["run"], {}).setdefault(row["step"], {})
    if row["episode"] in episodes:
      raise ValueError(
        f"episode {row['episode']} of {row['run']} at step {row['step']:,} is there twice"
      )
    # A data set without a scale has no scores, and may share the log with one that has.
    episodes[row["episode"]] = row.get("score", math.nan)
  return curves


def _check_curve(what: str, curve: _Curve, steps: Sequence[int], episodes: int) -> None:
  """Refuses a run without all episodes of all evaluations that any run of its group has."""
  for step in steps:
    scores = curve.get(step, {})
    if len(scores) != episodes:
      raise ValueError(f"{what} has {len(scores)} of {episodes} episodes at step {step:,}")
    if not np.isfinite(list(scores.values())).all():
      raise ValueError(f"{what} has a score at step {step:,} that is no finite number")
