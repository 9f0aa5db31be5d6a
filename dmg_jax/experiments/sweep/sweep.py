"""A sweep from its config to its table, as `launch/sweep.py` runs it."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import run_directory, run_log
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import StoppedError, StorageError, UserError
from dmg_jax.experiments import estimate, outcome
from dmg_jax.experiments import job as jobs
from dmg_jax.experiments.preparation import prepare
from dmg_jax.experiments.settings import Job
from dmg_jax.experiments.sweep import folder, local, marker, on_ray, slices, state, view
from dmg_jax.experiments.sweep.on_ray import Resources
from dmg_jax.interruption import Interruption
from dmg_jax.progress import Progress
from dmg_jax.report.scores.labels import shorten
from dmg_jax.report.tables import job_text

_ROOT = "sweeps"
# Slices that the plan lists one by one.
_LISTED = 40


class Options(NamedTuple):
  """How a sweep is run.

  Attributes:
    directory: of the sweep; `sweeps/<data set>/<hash of the config>`, if None.
    runs_per_task: see `slices.divide`.
    local: whether the slices run one after another on this machine.
    address: of a Ray cluster, see `on_ray.connect`.
    retries: attempts beyond the first, of each slice.
    cpus: cores of a task; None stands for 1 on Ray, and for `config.workers` without it.
    gpus, others: see `Resources`; Ray alone knows of them.
  """

  directory: str | None
  runs_per_task: int | None
  local: bool
  address: str | None
  retries: int
  cpus: int | None
  gpus: float
  others: Mapping[str, float]


def run(
  config: Mapping[str, Any],
  options: Options,
  announce: Callable[[str], None],
  invocation: Sequence[str],
  *,
  dry_run: bool = False,
  many_runs: bool = False,
  named: Collection[str] | None = None,
) -> None:
  """Trains what is left of a plan, slice by slice, and shows the table of all its runs.

  Args:
    config: fields of `configs/mujoco.py`.
    options: see `Options`.
    announce: shows a line to the user.
    invocation: script and arguments that started the sweep.
    dry_run: whether only the plan is shown, and refused what a sweep would refuse.
    many_runs, named: see `job.run`.

  Raises:
    UserError: for what no job can have, a folder of another plan, Ray that is not installed or
      has no cluster there, and machines that do not see the folder or run other versions.
    StorageError: if something could not be saved, or parts did not end.
    StoppedError: if a signal came; the parts at work have saved.
  """
  on_cluster = uses_ray(options, announce)
  job, datasets = jobs.resolve(config, named)
  by_name = {dataset.name: dataset for dataset in datasets.values()}
  names = [task.name for task in job.plan.tasks]
  directory = run_directory.default(_ROOT, names, job.digest())
  if options.directory is not None:
    directory = run_directory.expand(options.directory)
  directory = directory.absolute()
  jobs.announce_data(job, datasets, announce)
  parts = slices.divide(job, options.runs_per_task)
  for line in _describe(job, parts):
    announce(line)
  announce(f"sweep       {directory}")
  words = list(invocation)
  if not run_directory.of_sweep(words):
    words.append(f"--sweep_dir={directory}")
  reading = {name: config[name] for name in ("env", "step_limit")}
  wanted = folder.Stored(job, words, options.runs_per_task, reading, marker.versions())
  for task in job.plan.tasks:
    prepare(task, by_name[task.name])
  folder.check(directory, wanted)
  for one in parts:
    run_directory.check(state.part(directory, one.name), one.job.config(words))
  if dry_run:
    # As if all of it were trained on one machine: here, or elsewhere.
    for line in [*estimate.here(job, by_name), *estimate.elsewhere(job, by_name)]:
      announce(line)
    return
  jobs.refuse_many(job, many_runs)
  lock = folder.claim(directory, wanted)
  try:
    failures = _train(directory, parts, job.settings["steps"], options, on_cluster, announce, lock)
  finally:
    lock.close()
  announce(_table(directory, job, parts, by_name))
  announce(f"report: python launch/report.py {shlex.quote(str(directory))} --out=report")
  if failures:
    listed = "; ".join(f"part {name}: {why}" for name, why in failures.items())
    raise StorageError(
      f"{len(failures)} of {len(parts)} parts did not end ({listed}); what they printed is in "
      f"{directory / state.LOGS}; to go on: {run_directory.command(words)}"
    )


def uses_ray(options: Options, announce: Callable[[str], None]) -> bool:
  """Whether the parts go to a Ray cluster; says so where Ray is missing and they stay here.

  Raises:
    UserError: for options that exclude each other, or need Ray where it is not installed.
  """
  asked = options.address is not None
  if options.local and asked:
    raise UserError("--local and --address exclude each other; leave one of them out")
  if options.local or on_ray.installed():
    return not options.local
  if asked or options.gpus or options.others:
    raise UserError(f"the sweep asks for Ray, which is not installed; {on_ray.EXTRA}")
  announce(f"Ray is not installed ({on_ray.EXTRA}): the parts run here, one after another")
  return False


def _describe(job: Job, parts: Sequence[slices.Slice]) -> list[str]:
  short, shared = shorten((run.method, run.label) for run in job.plan.runs)
  lines = []
  for one in parts[:_LISTED]:
    runs = one.job.plan.runs
    where = ", ".join(task.name for task in one.job.plan.tasks)
    lines.append(f"part {one.name}: {len(runs)} runs of {jobs.labels(runs, short)} on {where}")
  if len(parts) > _LISTED:
    lines.append(f"and {len(parts) - _LISTED} more parts")
  if shared:
    lines.append(f"settings    {shared}")
  steps = job.settings["steps"]
  return [*lines, f"plan        {len(job.plan.runs)} runs of {steps:,} steps in {len(parts)} parts"]


def _train(
  directory: Path,
  parts: Sequence[slices.Slice],
  steps: int,
  options: Options,
  on_cluster: bool,
  announce: Callable[[str], None],
  lock: Any,
) -> dict[str, str]:
  """Trains the slices that are not finished; those that did not end, and why."""
  left = [one.name for one in parts if not state.finished(directory, one.name, steps)]
  for name in left:
    if why := state.lost(directory, name):
      announce(f"part {name}: {why}; it starts again")
  if not left:
    announce("finished already: all parts are")
    return {}
  if len(left) < len(parts):
    announce(f"continuing: {len(parts) - len(left)} of {len(parts)} parts are finished")
  usual = 1 if on_cluster else parts[0].job.settings["workers"]
  resources = Resources(options.cpus or usual, options.gpus, options.others)
  token = marker.write(directory)
  try:
    if on_cluster:
      on_ray.connect(options.address, resources)
      for line in on_ray.check(directory, token):
        announce(line)
      if line := on_ray.unplaced(resources):
        announce(line)
    runs = sum(len(one.job.plan.runs) for one in parts)
    with (
      Interruption() as stop,
      Progress(
        runs * steps, view.taken(directory, parts, steps), "step", f"{runs} runs"
      ) as progress,
    ):
      watched = view.View(directory, parts, steps, progress)
      common: dict[str, Any] = {
        "retries": options.retries,
        "stopped": lambda: stop.requested,
        "look": watched.look,
      }
      if on_cluster:
        failures = on_ray.run(directory, left, resources=resources, **common)
      else:
        failures = local.run(directory, left, workers=resources.cpus, closes=lock, **common)
      watched.look()
  finally:
    if on_cluster:
      on_ray.close()
  if stop.requested:
    done = sum(state.finished(directory, one.name, steps) for one in parts)
    command = run_directory.command(folder.read(directory).invocation)
    raise StoppedError(
      f"stopped with {done} of {len(parts)} parts finished, and the others saved; to go on: "
      f"{command}",
      stop.exit_code,
    )
  return failures


def _table(
  directory: Path,
  job: Job,
  parts: Sequence[slices.Slice],
  datasets: Mapping[str, Dataset],
) -> str:
  """The table of the runs whose slices are finished, as one job's."""
  rows: list[dict[str, Any]] = []
  frozen_at: dict[str, int] = {}
  for one in parts:
    path = state.part(directory, one.name)
    if state.finished(directory, one.name, job.settings["steps"]):
      rows += run_log.read(path, run_log.EVALUATIONS)
      frozen_at |= state.frozen_at(directory, one.name)
  config = job.config([])
  config["runs"] = [run for run in config["runs"] if run["id"] in frozen_at]
  if not config["runs"]:
    return "no part is finished"
  found = outcome.results(directory, config, datasets, frozen_at, rows)
  return "\n" + job_text.text(found) + "\n"
