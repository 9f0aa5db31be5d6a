"""What a job trains: runs, grouped into populations of one compiled program each."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from dmg_jax import methods, tasks
from dmg_jax.errors import UserError
from dmg_jax.methods import METHODS
from dmg_jax.tasks import Task
from dmg_jax.types import Agent

INFINITE = "inf"  # JSON has no number for it


class Run(NamedTuple):
  """One training: a task, a method, a point of its hyperparameters and a seed.

  Attributes:
    id: unique in its job, and safe as a file name.
    task: name of the data set.
    method: a key of `methods.METHODS`.
    label: what tables call the method: its title and, in brackets, every field in
      which the point differs from the method's usual one on the task.
    point: a value for each of `tasks.FIELDS`.
    seed: of the run.
    population: number of the compiled program that trains it.
  """

  id: str
  task: str
  method: str
  label: str
  point: Mapping[str, Any]
  seed: int
  population: int


class Plan(NamedTuple):
  """The runs of a job.

  Attributes:
    tasks: each once.
    runs: in the order of logs and tables; those of a population keep it.
  """

  tasks: tuple[Task, ...]
  runs: tuple[Run, ...]

  def populations(self) -> list[list[Run]]:
    """The runs of each population, by its number."""
    count = 1 + max(run.population for run in self.runs)
    return [[run for run in self.runs if run.population == place] for place in range(count)]

  def task(self, name: str) -> Task:
    """The task of a name."""
    return next(task for task in self.tasks if task.name == name)


class Request(NamedTuple):
  """What a user asks a job to train.

  Attributes:
    methods: keys of `methods.METHODS`.
    overrides: field -> the values that were named; several give a grid.
    seeds: of the runs.
    family: row of the paper's settings, see `tasks`.
    precision: of matrix products.
    named: the overrides that are refused where a method fixes or does not use them:
      those of the user. A config file's own leave such methods as they are. All of
      them, if not given.
  """

  methods: Sequence[str]
  overrides: Mapping[str, Sequence[Any]]
  seeds: Sequence[int]
  family: str
  precision: str = "float32"
  named: Collection[str] | None = None


def make(request: Request, jobs: Sequence[Task], sizes: Mapping[str, tuple[int, int]]) -> Plan:
  """The product of tasks, methods, points and seeds.

  Args:
    request: see `Request`.
    jobs: the tasks.
    sizes: name of a task -> numbers of an observation and of an action.

  Raises:
    UserError: for an unknown method, a name or value that is there twice, a field
      that is fixed or without effect.
  """
  for name, values in (("methods", request.methods), *request.overrides.items()):
    for place, value in enumerate(values):
      if value in list(values)[:place]:
        raise UserError(f"config.{name} names {_shown(value)} twice; name each value once")
  names = [task.name for task in jobs]
  if len(set(names)) < len(names):
    raise UserError(f"the data sets are not all different: {', '.join(names)}; name each once")
  if not request.methods:
    raise UserError(f"config.methods names none; name one or several of {', '.join(METHODS)}")
  _check_fields(request)
  varied = [name for name, values in request.overrides.items() if len(values) > 1]
  runs: list[Run] = []
  programs: dict[tuple[Agent, int, tuple[int, int]], int] = {}
  for task, method in itertools.product(jobs, request.methods):
    usual = _usual(task, method, request.family)
    fields = [name for name in request.overrides if _effective(method, name)]
    for values in itertools.product(*(request.overrides[name] for name in fields)):
      point = usual | dict(zip(fields, values, strict=True))
      agent = methods.agent(method, point, sizes[task.name][1], request.precision)
      program = (agent, point["batch_size"], sizes[task.name])
      population = programs.setdefault(program, len(programs))
      parts = [task.name.replace("/", "-")] if len(jobs) > 1 else []
      parts += [method, *(f"{name}={_shown(point[name])}" for name in varied)]
      label = _label(task, method, point, usual, request)
      runs += [
        Run(",".join([*parts, f"seed={seed}"]), task.name, method, label, point, seed, population)
        for seed in request.seeds
      ]
  return Plan(tuple(jobs), tuple(runs))


def _usual(task: Task, method: str, family: str) -> dict[str, Any]:
  """A method's usual point on a task."""
  found = methods.find(method)
  temperature = {"value_temperature": tasks.value_temperature(found.learner, task.name)}
  return tasks.paper_point(task.name, family) | temperature | dict(found.usual) | dict(found.fixed)


def _effective(method: str, name: str) -> bool:
  """Whether a field is free and has an effect in a method."""
  found = methods.find(method)
  return name not in found.fixed and name not in found.unused


def _check_fields(request: Request) -> None:
  """Refuses fields without effect, alone or in a grid."""
  for name, values in request.overrides.items():
    if request.named is not None and name not in request.named:
      continue
    without = [method for method in request.methods if not _effective(method, name)]
    if without and (len(values) > 1 or len(without) == len(request.methods)):
      titles = ", ".join(methods.find(method).title for method in without)
      what = "would repeat runs" if len(values) > 1 else "has no effect"
      raise UserError(
        f"config.{name} {what}: {titles} {'fixes' if len(without) == 1 else 'fix'} or does not use "
        f"it; leave it out, or leave out {', '.join(without)}"
      )


def _label(
  task: Task, method: str, point: Mapping[str, Any], usual: Mapping[str, Any], request: Request
) -> str:
  """A method's title, and how it departs from its usual settings on the task."""
  preparation = {**tasks.PREPARATION[request.family], "clip_actions": False}
  theirs = task._asdict()
  different = [
    f"{name} {_shown(point[name])}"
    for name in point
    if _effective(method, name) and point[name] != usual[name]
  ]
  different += [
    f"{name} {_shown(theirs[name])}" for name, value in preparation.items() if theirs[name] != value
  ]
  if request.family != tasks.family(task.name):
    different.append(f"{request.family} settings")
  if request.precision != "float32":
    different.append(request.precision)
  title = methods.find(method).title
  return f"{title} ({', '.join(different)})" if different else title


def _shown(value: Any) -> str:
  if isinstance(value, tuple | list):
    return "x".join(str(width) for width in value)
  # Six digits where they say it all: two values never look alike.
  short = f"{value:g}" if isinstance(value, float) else str(value)
  return short if not isinstance(value, float) or float(short) == value else repr(value)


def to_json(plan: Plan) -> dict[str, Any]:
  """The plan as `config.json` holds it: "tasks" and "runs"."""
  return {
    "tasks": [task._asdict() for task in plan.tasks],
    "runs": [
      run._asdict() | {"point": {name: _stored(value) for name, value in run.point.items()}}
      for run in plan.runs
    ],
  }


def from_json(config: Mapping[str, Any]) -> Plan:
  """The plan of a `config.json`; the inverse of `to_json`."""
  return Plan(
    tuple(Task(**task) for task in config["tasks"]),
    tuple(
      Run(**(run | {"point": {**tasks.LATER, **_point(run["point"])}})) for run in config["runs"]
    ),
  )


def _point(stored: Mapping[str, Any]) -> dict[str, Any]:
  return {name: _read(value) for name, value in stored.items()}


def _stored(value: Any) -> Any:
  if isinstance(value, float) and math.isinf(value):
    return INFINITE
  return list(value) if isinstance(value, tuple) else value


def _read(value: Any) -> Any:
  if value == INFINITE:
    return math.inf
  return tuple(value) if isinstance(value, list) else value
