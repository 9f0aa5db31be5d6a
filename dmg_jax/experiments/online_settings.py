"""From a config of fine-tuning to a plan and settings without gaps.

The rules are those of the paper's App. C.2 and of its code; what they leave open for
tasks other than AntMaze is chosen here, and the reason is printed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dmg_jax import methods, run_config, run_log, tasks
from dmg_jax.data.dataset import Dataset
from dmg_jax.envs.workers import available_cores
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields, online_fields, settings
from dmg_jax.experiments.online_fields import ONLINE, SYMMETRIC, UNIFORM
from dmg_jax.experiments.sources import Source
from dmg_jax.plan import Plan, Run
from dmg_jax.report.scores.labels import FINE_TUNED, FROM_SCRATCH

STEPS, EVALUATION_INTERVAL = 1_000_000, 50_000
_LOG_INTERVAL, _CHECKPOINT_INTERVAL = 500, 10_000
LAMBDA_END, NU_SHARE, LARGE_MAZE_DISCOUNT = 0.5, 0.01, 0.995
_OF_SETTINGS = (
  "evaluation_seed", "precision", "exploration_noise", "updates_per_step", "learn_every",
  "random_steps",
)  # fmt: skip
_OF_DATA = ("normalise_observations", "reward_shift", "clip_actions")
# Settings that a label names where they are not the usual ones.
_LABELLED = {"exploration_noise": 0.1, "updates_per_step": 1, "learn_every": 1, "random_steps": 0}


class OnlineJob(NamedTuple):
  """A job of fine-tuning, fully determined.

  Attributes:
    plan, settings, reasons: as of `settings.Job`.
    source: what `config.json` holds of the source; None from scratch.
  """

  plan: Plan
  settings: dict[str, Any]
  reasons: tuple[str, ...]
  source: dict[str, Any] | None

  def config(self, invocation: list[str]) -> dict[str, Any]:
    """What `config.json` holds.

    Args:
      invocation: script and arguments that started the job.
    """
    offline = settings.Job(self.plan, self.settings, self.reasons).config(invocation)
    return offline | {"kind": run_config.ONLINE, "source": self.source}

  def digest(self) -> str:
    """Ten hexadecimal digits that name the job, but for what may differ when it goes on."""
    return settings.digest(self.config([]))


def from_source(config: Mapping[str, Any], source: Source) -> OnlineJob:
  """Continues the runs of a source.

  Raises:
    UserError: for a field that the source says otherwise, or a combination that no job has.
  """
  run = source.plan.runs[0]
  static = {name: run.point[name] for name in fields.POINT if name not in tasks.TRACED}
  task = source.plan.tasks[0]
  kept = {name: getattr(task, name) for name in _OF_DATA}
  # What a config does not name is False here.
  ours = {**config, "clip_actions": config["clip_actions"] or None}
  online_fields.refuse_beside_source(ours, kept | static)
  chosen = tuple(_task(one, config) for one in source.plan.tasks)
  traced = {
    name: fields.values(name, config[name]) for name in tasks.TRACED if config[name] is not None
  }
  for name, values in traced.items():
    if len(values) > 1:
      raise UserError(f"config.{name} names {len(values)} values; fine-tuning takes one for all")
  changes = {name: values[0] for name, values in traced.items()}
  for method in dict.fromkeys(run.method for run in source.plan.runs):
    if fixed := [name for name in changes if name in methods.find(method).fixed]:
      raise UserError(f"config.{fixed[0]} is fixed by {methods.find(method).title}; leave it out")
  made = _settings(config, source.settings["evaluation_episodes"], UNIFORM)
  reasons = _learns_nothing(made)
  _refuse_without_effect(config, source.plan.runs)
  runs = tuple(_online(run, changes, config, made, FINE_TUNED, reasons) for run in source.plan.runs)
  return _checked(
    OnlineJob(Plan(chosen, runs), made, tuple(dict.fromkeys(reasons)), source.stored())
  )


def from_scratch(config: Mapping[str, Any], datasets: Mapping[str, Dataset]) -> OnlineJob:
  """Trains online from fresh agents; the data say the task, and may be sampled too.

  Raises:
    UserError: as `settings.resolve`.
  """
  offline = settings.resolve(
    {**config, **dict.fromkeys(("steps", "evaluation_interval", "log_interval"), None)}
    | {"log_interval": _LOG_INTERVAL, "checkpoint_interval": _CHECKPOINT_INTERVAL},
    datasets,
  )
  made = _settings(config, offline.settings["evaluation_episodes"], ONLINE)
  reasons = _learns_nothing(made)
  _refuse_without_effect(config, offline.plan.runs)
  runs = tuple(_online(run, {}, config, made, FROM_SCRATCH, reasons) for run in offline.plan.runs)
  return _checked(
    OnlineJob(Plan(offline.plan.tasks, runs), made, tuple(dict.fromkeys(reasons)), None)
  )


def _refuse_without_effect(config: Mapping[str, Any], runs: Sequence[Run]) -> None:
  """Refuses fields that none of the runs uses."""
  titles = ", ".join(dict.fromkeys(methods.find(run.method).title for run in runs))
  for name in ("lam", "nu"):
    if config[f"{name}_end"] is not None and not any(name in _free(run.method) for run in runs):
      raise UserError(
        f"config.{name}_end has no effect: {titles} fixes or does not use {name}; leave it out"
      )
  noise = config["exploration_noise"]
  if noise != _LABELLED["exploration_noise"] and all(methods.find(r.method).soft for r in runs):
    raise UserError(
      f"config.exploration_noise has no effect: {titles} explores by its own policy's randomness;"
      " leave it out"
    )


def _task(task: tasks.Task, config: Mapping[str, Any]) -> tasks.Task:
  """A source's task; the simulator's arguments may be another's."""
  env = config["env"] or task.env
  elsewhere = env != task.env
  usual = {} if elsewhere else dict(task.env_kwargs)
  kwargs = usual if config["env_kwargs"] is None else dict(config["env_kwargs"])
  # Arguments may change rewards, as another simulator does.
  on_scale = not elsewhere and run_log.encode(kwargs) == run_log.encode(usual)
  return task._replace(
    env=env,
    env_kwargs=kwargs,
    step_limit=task.step_limit if config["step_limit"] is None else config["step_limit"],
    reference=task.reference if on_scale else None,
  )


def _settings(config: Mapping[str, Any], episodes: int, sampling: str) -> dict[str, Any]:
  def chosen(name: str, usual: Any) -> Any:
    return usual if config[name] is None else config[name]

  made = {name: config[name] for name in _OF_SETTINGS}
  return made | {
    "steps": chosen("steps", STEPS),
    "evaluation_interval": chosen("evaluation_interval", EVALUATION_INTERVAL),
    "evaluation_episodes": chosen("evaluation_episodes", episodes),
    "log_interval": chosen("log_interval", _LOG_INTERVAL),
    "checkpoint_interval": chosen("checkpoint_interval", _CHECKPOINT_INTERVAL),
    "sampling": chosen("sampling", sampling),
    "workers": config["workers"] or available_cores(),
  }


def _learns_nothing(made: Mapping[str, Any]) -> list[str]:
  """A line, where all steps are random."""
  if made["random_steps"] < made["steps"]:
    return []
  return [f"random_steps {made['random_steps']:,}: no gradient step in {made['steps']:,} steps"]


def _online(
  run: Run,
  changes: Mapping[str, Any],
  config: Mapping[str, Any],
  made: Mapping[str, Any],
  what: str,
  reasons: list[str],
) -> Run:
  """A run of the online phase: its point, label and the reasons."""
  point = {**run.point, "actor_schedule_steps": math.inf, **changes}
  different = [f"{name} {value:g}" for name, value in changes.items() if value != run.point[name]]
  if config["discount"] is None and _is_large_maze(run.task):
    point["discount"] = LARGE_MAZE_DISCOUNT
    reasons.append(
      f"discount of {run.task}: {LARGE_MAZE_DISCOUNT:g} (the released code's, on large mazes)"
    )
  point |= _ends(run, point, config, reasons)
  decays = _free(run.method)
  if decays and not config["decay"]:
    different.append(f"{' and '.join(decays)} kept")
  for name in decays:
    if config[f"{name}_end"] is not None:
      different.append(f"{name}_end {point[f'{name}_end']:g}")
  if made["sampling"] != (UNIFORM if what == FINE_TUNED else ONLINE):
    different.append(f"{made['sampling']} sampling")
  different += [
    f"{name} {made[name]:g}"
    for name, usual in _LABELLED.items()
    if made[name] != usual and not (name == "exploration_noise" and methods.find(run.method).soft)
  ]
  if made["precision"] != "float32" and made["precision"] not in run.label:
    different.append(made["precision"])
  title, _, inside = run.label.partition(" (")
  inside = ", ".join(filter(None, [inside.removesuffix(")"), *different]))
  label = f"{title} {what}" + (f" ({inside})" if inside else "")
  return run._replace(label=label, point=point)


def _free(method: str) -> list[str]:
  """Which of lambda and nu a method neither fixes nor leaves unused."""
  found = methods.find(method)
  return [name for name in ("lam", "nu") if name not in {*found.fixed, *found.unused}]


def _ends(
  run: Run, point: Mapping[str, Any], config: Mapping[str, Any], reasons: list[str]
) -> dict[str, float]:
  """What lambda and nu move to; where a method fixes them, they stay."""
  free = _free(run.method)
  usual = {"lam": max(point["lam"], LAMBDA_END), "nu": NU_SHARE * point["nu"]}
  ends = {}
  for name, value in usual.items():
    given = config[f"{name}_end"]
    if name not in free or not config["decay"]:
      ends[f"{name}_end"] = point[name]
      continue
    ends[f"{name}_end"] = value if given is None else float(given)
    if given is None:
      why = "the paper's for AntMaze"
      if not tasks.is_antmaze(run.task):
        why = "as the paper's for AntMaze; it has none for other tasks"
      reasons.append(
        f"{name} of {methods.find(run.method).title} on {run.task}: {point[name]:g} to {value:g} "
        f"({why})"
      )
  return ends


def _is_large_maze(name: str) -> bool:
  return "maze" in name.lower() and "large" in name.lower()


def _checked(job: OnlineJob) -> OnlineJob:
  """Refuses combinations that no job can have."""
  made = job.settings
  for task in job.plan.tasks:
    if task.env == tasks.NO_ENVIRONMENT:
      raise UserError(f"{task.name} has no simulator to learn in; name one with --config.env=ID")
  for name in ("steps", "evaluation_interval", "log_interval", "checkpoint_interval"):
    if made[name] % made["learn_every"]:
      raise UserError(
        f"config.{name} is {made[name]}, but it must be a multiple of config.learn_every "
        f"({made['learn_every']})"
      )
  if made["random_steps"] % made["learn_every"]:
    raise UserError("config.random_steps must be a multiple of config.learn_every; change one")
  if made["sampling"] == SYMMETRIC and job.plan.runs[0].point["batch_size"] < 2:
    raise UserError("symmetric sampling halves config.batch_size, which is 1; take at least 2")
  return job
