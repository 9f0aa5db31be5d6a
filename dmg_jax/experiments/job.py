"""A job from its config to its outcome, as launchers and `dmg_jax.train` run it."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jax

from dmg_jax import methods, networks, plan, processes, run_directory
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import load
from dmg_jax.errors import UserError
from dmg_jax.experiments import estimate, offline, outcome, settings
from dmg_jax.experiments.settings import Job
from dmg_jax.report.scores.labels import shorten

# Labels of a population that the plan lists one by one.
_LISTED = 4
# More runs than this are more often a slip in a grid than a wish.
MANY_RUNS = 1000


def run(
  config: Mapping[str, Any],
  run_dir: str | None,
  announce: Callable[[str], None],
  *,
  dry_run: bool = False,
  many_runs: bool = False,
  invocation: Sequence[str] | None = None,
  given: Mapping[str, Dataset] | None = None,
  named: Collection[str] | None = None,
) -> outcome.Outcome | None:
  """Loads the data, shows the plan, trains; None for a dry run, which refuses what a job refuses.

  None also in all processes but the first, see `processes`.

  Args:
    config: fields of `configs/mujoco.py`.
    run_dir: folder of the job, or None for the default one.
    announce: shows a line to the user.
    dry_run: whether only the plan is shown.
    many_runs: whether a plan of more than `MANY_RUNS` runs is trained.
    invocation: script and arguments that the run directory keeps; this process's by default.
    given: data sets that need not be loaded, by the name in `config["dataset"]`.
    named: fields of `config` that the user named, where others are a config file's own;
      all, if not given.

  Raises:
    UserError, StorageError, StoppedError: see `offline.train`; UserError also for too
      many runs, StorageError also if all runs diverged.
  """
  if not processes.first():
    announce = _nobody
  job, datasets = resolve(config, named, given)
  names = [task.name for task in job.plan.tasks]
  directory = run_directory.of_job(run_dir, names, job.digest())
  announce_data(job, datasets, announce)
  for line in describe(job, datasets):
    announce(line)
  announce(f"run         {directory}")
  by_name = {dataset.name: dataset for dataset in datasets.values()}
  words = list(sys.argv if invocation is None else invocation)
  if dry_run:
    for line in estimate.elsewhere(job, by_name):
      announce(line)
    if processes.first():
      offline.check(job, by_name, directory, words)
    return None
  refuse_many(job, many_runs)
  result = offline.train(job, by_name, directory, words, announce)
  return None if result is None else result.checked(announce)


def _nobody(line: str) -> None:
  """Shows nothing: of several processes, the first tells."""


def resolve(
  config: Mapping[str, Any],
  named: Collection[str] | None = None,
  given: Mapping[str, Dataset] | None = None,
) -> tuple[Job, dict[str, Dataset]]:
  """The job of a config, and its data sets by source; see `run`.

  Raises:
    UserError: for what no job can have, and data that are not there.
  """
  settings.check(config)
  networks.check_float32()
  datasets = {
    source: (given or {}).get(source)
    or load(source or catalog.EMBEDDED, config["env"], config["step_limit"])
    for source in settings.data_sets(config)
  }
  job = settings.resolve(config, datasets, named)
  _refuse_online(job.plan)
  return job, datasets


def announce_data(
  job: Job, datasets: Mapping[str, Dataset], announce: Callable[[str], None]
) -> None:
  """Shows what the data are, and what they decided."""
  if "" in datasets:
    announce(
      "No data set was named: this is the embedded one, recorded by dmg_jax itself (not D4RL's).\n"
      "The paper's are named like --config=configs/mujoco.py:hopper-medium-replay-v2"
    )
  for dataset in datasets.values():
    announce(f"data        {dataset.name}: {len(dataset.transitions.rewards):,} transitions")
    for notice in dataset.notices:
      announce(f"            {notice}")
  for reason in job.reasons:
    announce(f"            {reason}")


def refuse_many(job: Job, many_runs: bool) -> None:
  """Refuses a plan of more than `MANY_RUNS` runs that is not said to be meant."""
  if len(job.plan.runs) > MANY_RUNS and not many_runs:
    raise UserError(
      f"the plan above has {len(job.plan.runs):,} runs, more than {MANY_RUNS:,}; if that is meant,"
      " add --many_runs (many_runs=True from Python)"
    )


def _refuse_online(made: plan.Plan) -> None:
  """Refuses what does not learn from data alone."""
  for run in made.runs:
    if run.method in methods.ONLINE:
      raise UserError(
        f"config.methods names {run.method}, which learns online alone; leave it out, or use python"
        f" launch/finetune.py --config=configs/finetune.py:DATASET --config.methods={run.method}"
      )


def describe(job: Job, datasets: Mapping[str, Dataset]) -> list[str]:
  """The plan in a few lines: populations, runs, steps, and estimates of time and memory."""
  by_name = {dataset.name: dataset for dataset in datasets.values()}
  workers = job.settings["workers"]
  lines = []
  short, shared = shorten((run.method, run.label) for run in job.plan.runs)
  for number, runs in enumerate(job.plan.populations()):
    names = list(dict.fromkeys(run.task for run in runs))
    where = f"{labels(runs, short)} on {', '.join(names)}"
    lines.append(f"population {number}: {len(runs)} runs of {where}")
  if shared:
    lines.append(f"settings    {shared}")
  device = jax.devices()[0]
  how = f"{workers} worker threads" if device.platform == "cpu" else "all runs in one call"
  lines.append(
    f"plan        {len(job.plan.runs)} runs of {job.settings['steps']:,} steps on "
    f"{len(jax.devices())} x {device.device_kind}, {how}"
  )
  return lines + estimate.here(job, by_name)


def labels(runs: Sequence[plan.Run], short: Mapping[str, str]) -> str:
  """The labels of a population's runs; of many, how many points of which methods.

  Args:
    runs: of the population.
    short: label -> what is shown of it, see `shorten`.
  """
  found = list(dict.fromkeys(short[run.label] for run in runs))
  if len(found) <= _LISTED:
    return ", ".join(found)
  titles = dict.fromkeys(methods.find(run.method).title for run in runs)
  return f"{len(found)} points of {', '.join(titles)}"
