"""The main job: trains all runs of a plan, evaluates, saves, and shows the result."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import run_directory
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import StoppedError
from dmg_jax.experiments import outcome
from dmg_jax.experiments.beginning import Beginning
from dmg_jax.experiments.preparation import Prepared, prepare
from dmg_jax.experiments.settings import Job
from dmg_jax.experiments.training_loop import Training
from dmg_jax.interruption import Interruption
from dmg_jax.report.scores import commands


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
) -> outcome.Outcome:
  """Runs the job, or what is left of it, in a run directory.

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
  """
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
) -> outcome.Outcome:
  """Claims a run directory, trains to the end or to a signal, and concludes.

  Args:
    config: of the job.
    directory: of the job.
    datasets: by name of the task, as they are trained on.
    begin: makes the training; called once the directory is claimed.

  Raises:
    UserError, StorageError, StoppedError: see `train`.
  """
  claim = run_directory.claim(directory, config)
  try:
    with Interruption() as stop:
      loop = begin()
      claim.store_growth()
      try:
        frozen_at = loop.run(lambda: stop.requested)
      finally:
        loop.close()
    if not loop.finished:
      again = commands.command(claim.config, directory)
      raise StoppedError(
        f"stopped after step {loop.step:,}, and saved; to go on: {again}", stop.exit_code
      )
    return outcome.conclude(directory, config, datasets, frozen_at)
  finally:
    claim.close()


def _training(
  job: Job, prepared: Mapping[str, Prepared], directory: Path, announce: Callable[[str], None]
) -> Training:
  transitions = {name: one.transitions() for name, one in prepared.items()}
  return Training(
    job.plan,
    job.settings,
    {name: one.scaling for name, one in prepared.items()},
    [Beginning(runs, transitions, job.settings) for runs in job.plan.populations()],
    directory,
    announce,
  )
