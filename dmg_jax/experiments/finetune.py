"""Online training: continues a finished offline job, or begins from scratch."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from dmg_jax import networks, run_directory
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import load
from dmg_jax.errors import UserError
from dmg_jax.experiments import (
  estimate,
  offline,
  online_fields,
  online_settings,
  outcome,
  settings,
  sources,
)
from dmg_jax.experiments.job import labels
from dmg_jax.experiments.online_beginning import OnlineBeginning
from dmg_jax.experiments.online_settings import OnlineJob
from dmg_jax.experiments.preparation import Prepared, prepare
from dmg_jax.experiments.sources import Source
from dmg_jax.experiments.training_loop import Training
from dmg_jax.plan import Plan
from dmg_jax.report.scores.labels import shorten
from dmg_jax.tasks import Task

# float32 numbers of a transition beside observations and actions.
_SCALARS = 2


def run(
  config: Mapping[str, Any],
  run_dir: str | None,
  announce: Callable[[str], None],
  *,
  dry_run: bool = False,
  invocation: Sequence[str] | None = None,
) -> outcome.Outcome | None:
  """Reads the source and the data, shows the plan, trains online; None for a dry run.

  Args:
    config: fields of `configs/finetune.py`.
    run_dir: folder of the job, or None for the default one.
    announce: shows a line to the user.
    dry_run: whether only the plan is shown.
    invocation: script and arguments that the run directory keeps; this process's by default.

  Raises:
    UserError: for a source or data that do not fit, or a directory of another job.
    StorageError: if something could not be saved, or all runs diverged.
    StoppedError: if a signal came; the state is saved.
  """
  online_fields.check(config)
  networks.check_float32()
  if config["source"]:
    source = sources.read(config["source"], config["runs"])
    datasets = _of_source(source, config)
    job = online_settings.from_source(_checked(config), source)
  else:
    source = None
    config = _checked(online_fields.from_scratch(config))
    datasets = _of_config(config)
    job = online_settings.from_scratch(config, datasets)
    datasets = {dataset.name: dataset for dataset in datasets.values()}
  prepared = {task.name: prepare(task, datasets[task.name]) for task in job.plan.tasks}
  if source is not None:
    _refuse_other_units(source, job.plan.tasks, prepared)
  names = [task.name for task in job.plan.tasks]
  directory = run_directory.of_job(run_dir, names, job.digest())
  if source is not None and source.directory.resolve() in (
    directory.resolve(),
    *directory.resolve().parents,
  ):
    raise UserError(f"--run_dir {directory} is, or lies in, the source's folder; name another")
  for dataset in datasets.values():
    announce(f"data        {dataset.name}: {len(dataset.transitions.rewards):,} transitions")
  if source is not None:
    announce(f"source      {source.directory}, {source.step:,} gradient steps")
  for reason in job.reasons:
    announce(f"            {reason}")
  for line in describe(job, prepared):
    announce(line)
  announce(f"run         {directory}")
  words = list(sys.argv if invocation is None else invocation)
  if dry_run:
    _, collected = rows(job.plan, prepared, job.settings)
    for line in estimate.elsewhere(job, datasets, collected):
      announce(f"{line}; simulators and the dispatch of each call come on top")
    run_directory.check(directory, job.config(words))
    return None
  result = train(job, prepared, source, directory, words, announce)
  return None if result is None else result.checked(announce)


def train(
  job: OnlineJob,
  prepared: Mapping[str, Prepared],
  source: Source | None,
  directory: Path,
  invocation: Sequence[str],
  announce: Callable[[str], None],
) -> outcome.Outcome | None:
  """Runs the job, or what is left of it, in a run directory; see `offline.train`.

  Args:
    job: see `online_settings`.
    prepared: by name of the task.
    source: whose runs go on; None from scratch.
    directory: of the job.
    invocation: script and arguments that started it.
    announce: shows a line to the user.

  Raises:
    UserError, StorageError, StoppedError: see `run`.
  """
  scalings = {
    name: one.scaling if source is None else source.scaling(name) for name, one in prepared.items()
  }
  transitions = {
    name: one._replace(scaling=scalings[name]).transitions() for name, one in prepared.items()
  }
  tasks = {task.name: task for task in job.plan.tasks}
  beginnings = [
    OnlineBeginning(runs, tasks, transitions, scalings, job.settings, source, directory)
    for runs in job.plan.populations()
  ]
  try:
    return offline.conduct(
      job.config(list(invocation)),
      directory,
      {name: one.dataset for name, one in prepared.items()},
      lambda: Training(
        job.plan, job.settings, scalings, beginnings, directory, announce, evaluates_first=True
      ),
    )
  finally:
    for beginning in beginnings:
      beginning.close()


def _refuse_other_units(
  source: Source, tasks: Sequence[Task], prepared: Mapping[str, Prepared]
) -> None:
  """Refuses a simulator whose actions are in another box, and data that are scaled otherwise."""
  for task in tasks:
    ours, theirs = prepared[task.name].scaling, source.scaling(task.name)
    for name in vars(ours):
      if not np.allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-4, atol=1e-6):
        raise UserError(
          f"{source.directory} was trained with another {name} than {task.name} has in {task.env}; "
          "name the simulator of the source, or train a source in this one"
        )


def describe(job: OnlineJob, prepared: Mapping[str, Prepared]) -> Iterator[str]:
  """The plan in a few lines: runs, steps, and the memory that the rows take."""
  made = job.settings
  device = jax.devices()[0]
  short, common = shorten((run.method, run.label) for run in job.plan.runs)
  for number, runs in enumerate(job.plan.populations()):
    yield f"population {number}: {len(runs)} runs of {labels(runs, short)}"
  if common:
    yield f"settings    {common}"
  yield (
    f"plan        {len(job.plan.runs)} runs of {made['steps']:,} environment steps and "
    f"{made['steps'] * made['updates_per_step']:,} gradient steps on {len(jax.devices())} x "
    f"{device.device_kind}, {made['learn_every']} environment step"
    f"{'s' * (made['learn_every'] > 1)} for each call"
  )
  shared, own = rows(job.plan, prepared, made)
  yield (
    f"rows        {_size(shared)} shared and {_size(own)} of the runs' own on the "
    f"device, {_size(own)} in the host's memory and, at the end, on the disk"
  )


def rows(plan: Plan, prepared: Mapping[str, Prepared], made: Mapping[str, Any]) -> tuple[int, int]:
  """Bytes of the rows that runs share, and of those that they will have collected."""
  shared = own = 0
  for runs in plan.populations():
    for name in dict.fromkeys(run.task for run in runs):
      found = prepared[name].dataset.transitions
      width = 4 * (2 * found.observations.shape[1] + found.actions.shape[1] + _SCALARS)
      shared += width * len(found.rewards) * (made["sampling"] != online_fields.ONLINE)
      own += width * made["steps"] * sum(run.task == name for run in runs)
  return shared, own


def _size(size: int) -> str:
  return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _checked(config: Mapping[str, Any]) -> Mapping[str, Any]:
  """The config, once offline training's checks of single fields have passed."""
  filled = online_fields.from_scratch({**config, "runs": None})
  for name in ("log_interval", "checkpoint_interval"):
    filled[name] = 1 if filled[name] is None else filled[name]
  (settings.fields.check if config["source"] else settings.check)(filled)
  return config


def _of_source(source: Source, config: Mapping[str, Any]) -> dict[str, Dataset]:
  """The source's data, by name: from where it found them, or from where the config says."""
  named = settings.data_sets(config)
  if named and len(named) != len(source.plan.tasks):
    raise UserError(
      f"config.dataset names {len(named)} data sets, but the source has {len(source.plan.tasks)}; "
      "leave them out, or name each in the source's order"
    )
  found = {}
  for place, task in enumerate(source.plan.tasks):
    place_ = named[place] if named else task.source
    dataset = load(place_ or catalog.EMBEDDED, config["env"] or task.env, task.step_limit)
    if dataset.sha256 != task.sha256:
      raise UserError(
        f"{place_ or catalog.EMBEDDED} holds other data than {source.directory} was trained on "
        f"({task.name}); name those with --config.dataset"
      )
    found[task.name] = dataset
  return found


def _of_config(config: Mapping[str, Any]) -> dict[str, Dataset]:
  return {
    one: load(one or catalog.EMBEDDED, config["env"], config["step_limit"])
    for one in settings.data_sets(config)
  }
