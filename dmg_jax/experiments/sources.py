"""A finished offline job whose runs go on online."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax import named_leaves, plan, run_config, run_directory
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields
from dmg_jax.plan import Plan, Run
from dmg_jax.report.scores import commands
from dmg_jax.stored_runs import StoredRun, StoredRuns


class Source(NamedTuple):
  """Some runs of a finished offline job.

  Attributes:
    directory: of the job.
    step: gradient steps of each run.
    plan: the chosen runs and their tasks; populations numbered from 0.
    settings: of the job.
    runs: id -> the run as its last checkpoint has it.
  """

  directory: Path
  step: int
  plan: Plan
  settings: Mapping[str, Any]
  runs: Mapping[str, StoredRun]

  def stored(self) -> dict[str, Any]:
    """What `config.json` holds of it; the digest is of all states."""
    states = {name: run.state for name, run in self.runs.items()}
    return {
      "directory": str(self.directory.absolute()),
      "step": self.step,
      "sha256": named_leaves.digest(states),
    }

  def states(self, members: Sequence[Run]) -> Any:
    """The agents' states of some runs, with a leading axis."""
    found = [self.runs[run.id].state for run in members]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)

  def scaling(self, task: str) -> Scaling:
    """Between a task's units and the networks'."""
    return next(run.scaling for run in self.runs.values() if run.run["task"] == task)


def read(run_dir: str, chosen: str | None) -> Source:
  """The runs of a source.

  Args:
    run_dir: of a finished offline job.
    chosen: ids of runs, separated by spaces; all, if not given.

  Raises:
    UserError: if it is none, of another version, damaged, or not finished; or a run is not
      there, or diverged.
  """
  directory = run_directory.expand(run_dir)
  config = run_directory.read_config(directory, run_config.OFFLINE)
  steps = config["settings"]["steps"]
  if (done := _steps_done(directory)) < steps:
    raise UserError(
      f"{directory} is not finished, at {done:,} of {steps:,} steps; finish it with: "
      f"{commands.command(config, directory)}"
    )
  stored = StoredRuns(directory)
  if stored.step < steps:
    raise UserError(
      f"{directory}: its last checkpoint that can be read is of step {stored.step:,} of {steps:,}; "
      f"restore it from a copy, or train these steps again: {commands.command(config, directory)}"
    )
  known = [run["id"] for run in config["runs"]]
  names = known if chosen is None else chosen.split()
  for name in names:
    if name not in known:
      raise UserError(f"{directory} has no run {name!r}; it has {', '.join(known)}")
  frozen_at = stored.frozen_at()
  if diverged := [name for name in names if frozen_at[name] is not None]:
    others = " ".join(name for name in names if frozen_at[name] is None)
    advice = f"go on with the others by --config.runs='{others}'" if others else "train another"
    raise UserError(
      f"{directory}: {diverged[0]} diverged at step {frozen_at[diverged[0]]:,} and cannot go on; "
      f"{advice}"
    )
  whole = _plan(config, directory)
  members = [run for run in whole.runs if run.id in names]
  numbers = {old: new for new, old in enumerate(sorted({run.population for run in members}))}
  members = [run._replace(population=numbers[run.population]) for run in members]
  used = {run.task for run in members}
  tasks = tuple(task for task in whole.tasks if task.name in used)
  runs = {run.id: stored.run(run.id) for run in members}
  return Source(directory, stored.step, Plan(tasks, tuple(members)), config["settings"], runs)


def _steps_done(directory: Path) -> int:
  """The steps of the summary, which a finished job has; 0 without one."""
  try:
    return int(json.loads((directory / run_directory.SUMMARY).read_bytes())["steps"])
  except (OSError, OverflowError, ValueError, KeyError, TypeError):
    return 0


def _plan(config: Mapping[str, Any], directory: Path) -> Plan:
  """The plan of a config.

  Raises:
    UserError: for a field of a task or a run that no job writes.
  """
  try:
    made = plan.from_json(config)
  except TypeError as error:
    raise _damaged(directory, str(error)) from error
  for task in made.tasks:
    limit = task.step_limit
    if limit is not None and not fields.JOB["step_limit"].accepts(limit):
      raise _damaged(directory, f"the step_limit of {task.name} is {limit!r}")
  for run in made.runs:
    for name, field in fields.POINT.items():
      if not field.accepts(run.point.get(name)):
        raise _damaged(directory, f"{name} of {run.id} is {run.point.get(name)!r}")
    if not fields.JOB["first_seed"].accepts(run.seed):
      raise _damaged(directory, f"the seed of {run.id} is {run.seed}")
    # It names the run's folder.
    if Path(run.id).name != run.id:
      raise _damaged(directory, f"{run.id!r} is no id of a run")
  return made


def _damaged(directory: Path, problem: str) -> UserError:
  return UserError(
    f"{directory / run_directory.CONFIG} is damaged: {problem}; restore it from a copy"
  )
