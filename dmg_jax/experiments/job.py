"""A job from its config to its outcome, as launchers and `dmg_jax.train` run it."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jax

from dmg_jax import cost, methods, networks, plan, run_directory
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import load
from dmg_jax.errors import UserError
from dmg_jax.experiments import offline, outcome, settings
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
    offline.check(job, by_name, directory, words)
    return None
  refuse_many(job, many_runs)
  result = offline.train(job, by_name, directory, words, announce)
  return result.checked(announce)


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
  """The plan in a few lines: populations, runs, steps, and an estimate of the time."""
  by_name = {dataset.name: dataset for dataset in datasets.values()}
  workers = job.settings["workers"]
  lines, flops_per_worker = [], 0.0
  short, shared = shorten((run.method, run.label) for run in job.plan.runs)
  for number, runs in enumerate(job.plan.populations()):
    names = list(dict.fromkeys(run.task for run in runs))
    where = f"{labels(runs, short)} on {', '.join(names)}"
    lines.append(f"population {number}: {len(runs)} runs of {where}")
    transitions = by_name[runs[0].task].transitions
    flops = _step_flops(runs[0], transitions) * job.settings["steps"] * len(runs)
    flops_per_worker += flops / min(workers, len(runs))
  if shared:
    lines.append(f"settings    {shared}")
  device = jax.devices()[0]
  how = f"{workers} worker threads" if device.platform == "cpu" else "all runs in one call"
  lines.append(
    f"plan        {len(job.plan.runs)} runs of {job.settings['steps']:,} steps on "
    f"{len(jax.devices())} x {device.device_kind}, {how}"
  )
  if device.platform == "cpu":
    rate = cost.matmul_rate()
    estimate = _duration(flops_per_worker / rate)
    lines.append(
      f"time        about {estimate} of training, from {rate / 1e9:.0f} GFLOP/s of a "
      "core now; evaluation and compilation come on top"
    )
  return lines


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


def _step_flops(run: plan.Run, transitions: Any) -> float:
  names = [name for name in networks.Architecture._fields if name in run.point]
  return cost.step_flops(
    networks.Architecture(**{name: run.point[name] for name in names}),
    transitions.observations.shape[1],
    transitions.actions.shape[1],
    run.point["batch_size"],
    run.point["policy_delay"],
    methods.find(run.method).form,
  )


def _duration(seconds: float) -> str:
  if seconds < 90:
    return f"{seconds:.0f} s"
  return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
