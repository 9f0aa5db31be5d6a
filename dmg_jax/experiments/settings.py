"""From a config, as the user gave it, to a plan and settings without gaps."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import plan, run_config, run_log, tasks
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.envs.workers import available_cores
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields
from dmg_jax.plan import Plan, Request
from dmg_jax.tasks import Task

_INTERVALS = ("evaluation_interval", "log_interval", "checkpoint_interval")
_LARGEST_SEED = 2**32 - 2
_MAY_DIFFER = ("steps", "workers")


class Job(NamedTuple):
  """A job, fully determined.

  Attributes:
    plan: its tasks and runs.
    settings: field -> value of what all runs share.
    reasons: lines on values that were chosen because of the data.
  """

  plan: Plan
  settings: dict[str, Any]
  reasons: tuple[str, ...]

  def config(self, invocation: list[str]) -> dict[str, Any]:
    """What `config.json` holds.

    Args:
      invocation: script and arguments that started the job.
    """
    return {
      "format": run_config.FORMAT,
      "kind": run_config.OFFLINE,
      "invocation": invocation,
      "settings": self.settings,
      **plan.to_json(self.plan),
    }

  def digest(self) -> str:
    """Ten hexadecimal digits that name the job, but for what may differ when it goes on."""
    return digest(self.config([]))


def digest(config: Mapping[str, Any]) -> str:
  """Ten hexadecimal digits of what `config.json` holds, but for what may differ later."""
  settings = {name: v for name, v in config["settings"].items() if name not in _MAY_DIFFER}
  named = [task | {"source": ""} for task in config["tasks"]]
  content = {**config, "settings": settings, "tasks": named}
  if content.get("source"):
    content["source"] = content["source"] | {"directory": ""}
  return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def check(config: Mapping[str, Any]) -> None:
  """Refuses values that no job can have, before any data is read.

  Raises:
    UserError: naming the field, what is wrong with it and what it may be.
  """
  fields.check(config)
  sources = data_sets(config)
  if not sources:
    raise UserError(
      "no data set is named, and none comes with this package for these settings; name one, "
      "as in --config=configs/antmaze.py:antmaze-umaze-v2 or with --config.dataset=FILE"
    )
  for place, source in enumerate(sources):
    if source in sources[:place]:
      raise UserError(f"config.dataset names {source!r} twice; name each data set once")
    if not source and len(sources) > 1:
      raise UserError(
        "config.dataset has an empty name among several; the embedded data set is called "
        f"{catalog.EMBEDDED}"
      )
  mazes = [source for source in sources if tasks.is_antmaze(source)]
  if mazes and len(mazes) < len(sources):
    raise UserError(
      f"config.dataset names AntMaze's {mazes[0]!r} beside other data, whose settings differ; "
      "train them in two jobs"
    )
  for name in fields.POINT:
    if config[name] is not None:
      fields.values(name, config[name])
  if config["first_seed"] + config["seeds"] - 1 > _LARGEST_SEED:
    raise UserError(
      f"config.first_seed {config['first_seed']} with {config['seeds']} seeds goes beyond the "
      f"largest seed, {_LARGEST_SEED}; lower one of them"
    )


def data_sets(config: Mapping[str, Any]) -> list[str]:
  """The data sets that a config names; "" is the embedded one."""
  value = config["dataset"]
  if value is None:
    return []
  # A path may hold a comma itself.
  if isinstance(value, str):
    return [value] if os.path.exists(value) else _parts(value)
  return list(value)


def _parts(text: str) -> list[str]:
  return [part.strip() for part in text.split(",")]


def resolve(
  config: Mapping[str, Any],
  datasets: Mapping[str, Dataset],
  named: Collection[str] | None = None,
) -> Job:
  """Fills in what depends on the data, from the paper's settings (`tasks`).

  Args:
    config: checked.
    datasets: by source, as `data_sets` names them.
    named: the fields that the user named, see `plan.Request`; all, if not given.

  Raises:
    UserError: for a combination that no job can have.
  """
  family = config["family"]
  jobs = [_task(config, source, dataset) for source, dataset in datasets.items()]
  overrides = {
    name: fields.values(name, config[name]) for name in fields.POINT if config[name] is not None
  }
  methods = config["methods"]
  request = Request(
    methods=_parts(methods) if isinstance(methods, str) else list(methods),
    overrides=overrides,
    seeds=range(config["first_seed"], config["first_seed"] + config["seeds"]),
    family=family,
    precision=config["precision"],
    named=named,
  )
  sizes = {
    dataset.name: (
      dataset.transitions.observations.shape[1],
      dataset.transitions.actions.shape[1],
    )
    for dataset in datasets.values()
  }
  made = plan.make(request, jobs, sizes)
  settings, reasons = _settings(config, jobs)
  if "nu" not in overrides and "dmg" in request.methods:
    for job in jobs:
      value, reason = tasks.nu(job.name, family)
      reasons.append(f"nu of {job.name}: {value:g} ({reason})")
  if "target_rate" not in overrides and any(job.name == catalog.EMBEDDED for job in jobs):
    paper = tasks.paper_point("")["target_rate"]
    reasons.append(
      f"target_rate of {catalog.EMBEDDED}: {tasks.EMBEDDED_TARGET_RATE:g} (for so few steps; the "
      f"paper's is {paper:g} for {tasks.SCHEDULES[family]['steps']:,})"
    )
  _check_plan(made, settings, {dataset.name: dataset for dataset in datasets.values()})
  return Job(made, settings, tuple(reasons))


def _task(config: Mapping[str, Any], source: str, dataset: Dataset) -> Task:
  preparation = tasks.PREPARATION[config["family"]]

  def chosen(name: str) -> Any:
    return preparation[name] if config[name] is None else config[name]

  env = config["env"] or dataset.env_id or tasks.NO_ENVIRONMENT
  elsewhere = dataset.env_id is not None and env not in (dataset.env_id, tasks.NO_ENVIRONMENT)
  usual = {} if elsewhere else dict(dataset.env_kwargs)
  kwargs = usual if config["env_kwargs"] is None else dict(config["env_kwargs"])
  # Another simulator's rewards are on no scale of the data's; arguments may change them as well.
  reference = catalog.reference_returns(env) or (None if elsewhere else dataset.reference)
  if run_log.encode(kwargs) != run_log.encode(usual):
    reference = None
  return Task(
    name=dataset.name,
    source=str(Path(source).expanduser().absolute()) if _is_path(source) else source,
    kind=dataset.kind,
    sha256=dataset.sha256,
    env=env,
    env_kwargs=kwargs,
    step_limit=config["step_limit"],
    normalise_observations=chosen("normalise_observations"),
    clip_actions=config["clip_actions"],
    reward_shift=float(chosen("reward_shift")),
    reference=None if reference is None else (float(reference[0]), float(reference[1])),
  )


def _is_path(source: str) -> bool:
  return bool(source) and Path(source).expanduser().exists()


def _settings(config: Mapping[str, Any], jobs: list[Task]) -> tuple[dict[str, Any], list[str]]:
  """What all runs share, and the reasons for what the data decided."""
  embedded = all(job.kind == "embedded" for job in jobs)
  schedule = tasks.EMBEDDED_SCHEDULE if embedded else tasks.SCHEDULES[config["family"]]
  settings = {
    name: config[name]
    for name in ("evaluation_seed", "log_interval", "checkpoint_interval", "precision")
  }
  reasons = []
  for name, value in schedule.items():
    settings[name] = value if config[name] is None else config[name]
  if embedded and config["steps"] is None:
    paper = tasks.SCHEDULES[config["family"]]["steps"]
    reasons.append(f"steps: {settings['steps']:,} (the embedded data; the paper's is {paper:,})")
  settings["workers"] = config["workers"] or available_cores()
  reasons += [
    f"env of {job.name}: none (the data name no simulator; --config.env=ID would evaluate)"
    for job in jobs
    if job.env == tasks.NO_ENVIRONMENT and config["env"] is None
  ]
  return settings, reasons


def _check_plan(made: Plan, settings: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> None:
  for run in made.runs:
    rows = len(datasets[run.task].transitions.rewards)
    if run.point["batch_size"] > rows:
      raise UserError(
        f"config.batch_size is {run.point['batch_size']}, more than the {rows} transitions of "
        f"{run.task}; lower it or bring more data"
      )
  for delay in {run.point["policy_delay"] for run in made.runs}:
    for name in ("steps", *_INTERVALS):
      if settings[name] % delay:
        raise UserError(
          f"config.{name} is {settings[name]}, but it must be a multiple of config.policy_delay "
          f"({delay})"
        )
