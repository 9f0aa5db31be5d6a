"""The main job: trains all runs of a plan, evaluates, saves, and shows the result."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import processes, run_directory
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import StoppedError
from dmg_jax.experiments import evaluating, outcome, partners
from dmg_jax.experiments.beginning import Beginning
from dmg_jax.experiments.preparation import Prepared, prepare
from dmg_jax.experiments.settings import Job
from dmg_jax.experiments.training_loop import Training
from dmg_jax.interruption import Interruption
from dmg_jax.report.scores import commands
from dmg_jax.types import Transitions


def check(
  job: Job, datasets: Mapping[str, Dataset], directory: Path, invocation: Sequence[str]
) -> None:
  """Refuses what `train` would refuse before it writes anything; changes nothing.

  Args:
    job, datasets, directory, invocation: see `train`.

  Raises:
    UserError: on data that do not fit, or a directory of another job.
  """
  for task in job.plan.tasks:
    prepare(task, datasets[task.name])
  run_directory.check(directory, job.config(list(invocation)))


def train(
  job: Job,
  datasets: Mapping[str, Dataset],
  directory: Path,
  invocation: Sequence[str],
  announce: Callable[[str], None],
) -> outcome.Outcome | None:
  """Runs the job, or what is left of it, in a run directory; None where another process tells.

  Started again after an interruption, with the same settings, it continues from
  the last checkpoint and ends with the same parameters and logs as if nothing
  had happened. Started again when finished, it only reports.

  Args:
    job: resolved for the data sets.
    datasets: by name, raw.
    directory: of the job.
    invocation: script and arguments that started it.
    announce: shows a line to the user.

  Raises:
    UserError: on data that do not fit, or a directory of another job.
    StorageError: if something could not be saved.
    StoppedError: if a signal came; the state is saved.
    PartnerError: if another process of the job ended.
  """
  partners.agree(job.config([]))
  prepared = {task.name: prepare(task, datasets[task.name]) for task in job.plan.tasks}
  for name, one in prepared.items():
    for notice in one.notices:
      announce(f"{name}: {notice}")
  trained = {name: one.dataset for name, one in prepared.items()}
  return conduct(
    job.config(list(invocation)),
    directory,
    trained,
    lambda: _training(job, prepared, directory, announce),
  )


def conduct(
  config: Mapping[str, Any],
  directory: Path,
  datasets: Mapping[str, Dataset],
  begin: Callable[[], Training],
) -> outcome.Outcome | None:
  """Claims a run directory, trains to the end or to a signal, and concludes.

  Of several processes the first alone does so with the directory; the others return None.

  Args:
    config: of the job.
    directory: of the job.
    datasets: by name of the task, as they are trained on.
    begin: makes the training; called once the directory is claimed.

  Raises:
    UserError, StorageError, StoppedError, PartnerError: see `train`.
  """
  claim = run_directory.claim(directory, config) if processes.first() else None
  code = 0

  def stopped() -> bool:
    nonlocal code
    code = processes.largest(stop.exit_code)
    return code != 0

  try:
    with Interruption() as stop:
      loop = begin()
      if claim is not None:
        claim.store_growth()
      try:
        frozen_at = loop.run(stopped)
      finally:
        loop.close()
    if not loop.finished:
      said = f"stopped after step {loop.step:,}, and saved"
      if claim is not None:
        said += f"; to go on: {commands.command(claim.config, directory)}"
      raise StoppedError(said, code)
    if claim is None:
      return None
    return outcome.conclude(directory, config, datasets, frozen_at)
  finally:
    if claim is not None:
      claim.close()


def _training(
  job: Job, prepared: Mapping[str, Prepared], directory: Path, announce: Callable[[str], None]
) -> Training:
  transitions = {name: one.transitions() for name, one in prepared.items()}
  return Training(
    job.plan,
    job.settings,
    {name: one.scaling for name, one in prepared.items()},
    _beginnings(job, transitions),
    directory,
    announce,
    beside=bool(processes.smallest(evaluating.pays())),
  )


def _beginnings(job: Job, transitions: Mapping[str, Transitions]) -> list[Beginning]:
  """Of all populations; each with the runs that this process trains."""
  made, start = [], 0
  for runs in job.plan.populations():
    places = processes.places(start, len(runs), processes.index())
    made.append(Beginning(runs, transitions, job.settings, places))
    start += len(runs)
  return made
