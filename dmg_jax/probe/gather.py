"""The runs to compare, from run directories, and the data that they learned from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dmg_jax import methods
from dmg_jax.data.dataset import Dataset, check_actions
from dmg_jax.data.load import load
from dmg_jax.envs.make import make, spaces
from dmg_jax.envs.robots import check_robot
from dmg_jax.errors import UserError
from dmg_jax.stored_runs import StoredRun, StoredRuns
from dmg_jax.tasks import NO_ENVIRONMENT


class Subject(NamedTuple):
  """A run of the comparison.

  Attributes:
    stored: the run.
    name: of its method with the coefficients that are free in it, such as
      "DMG, lambda 0.25, nu 0.1".
    step: of the checkpoint.
  """

  stored: StoredRun
  name: str
  step: int


class Selection(NamedTuple):
  """Which runs are taken; an empty field takes all.

  Attributes:
    lams, nus: of the methods in which both are free; others are taken whatever theirs.
    seeds: of all runs.
  """

  lams: Sequence[float] = ()
  nus: Sequence[float] = ()
  seeds: Sequence[float] = ()

  def takes(self, run: Mapping[str, Any]) -> bool:
    """Whether a run, as in `config.json`, is one of them."""
    point = run["point"]
    method = methods.find(run["method"])
    if not {"lam", "nu"} & {*method.fixed, *method.unused}:
      for name, values in (("lam", self.lams), ("nu", self.nus)):
        if values and point[name] not in values:
          return False
    return not self.seeds or run["seed"] in self.seeds


class Gathered(NamedTuple):
  """What several run directories hold.

  Attributes:
    subjects: the runs that did not diverge, by task and name.
    tasks: as in `config.json`, by name.
    datasets: by task, with actions inside the robot's box.
    left_out: lines on the runs that diverged, and on those that are there twice.
  """

  subjects: list[Subject]
  tasks: dict[str, Mapping[str, Any]]
  datasets: dict[str, Dataset]
  left_out: list[str]


_ALL = Selection()


def gather(
  run_dirs: Sequence[str], data: Sequence[str] = (), selection: Selection = _ALL
) -> Gathered:
  """Reads runs and data.

  Args:
    run_dirs: of trainings; several may hold runs on the same data.
    data: names or paths of data sets, for runs that were trained where the data lay
      elsewhere; they are known by their hash.
    selection: which runs are taken.

  Raises:
    UserError: for a directory, data set or simulator that cannot be read or used; if
      data are not those that a run learned from; for runs that differ in more than
      lambda, nu and seed; if every run diverged, or none is taken.
  """
  if not run_dirs:
    raise UserError("no run directory is given; name one or several")
  named = {dataset.sha256: dataset for dataset in map(load, data)}
  found = Gathered([], {}, {}, [])
  seen: set[tuple[str, str, int]] = set()
  labels: dict[tuple[str, str], str] = {}
  for run_dir in run_dirs:
    runs = StoredRuns(run_dir)
    taken = {run["id"] for run in runs.config["runs"] if selection.takes(run)}
    for task in runs.config["tasks"]:
      _add_task(found, task, named)
    for run_id, step in runs.frozen_at().items():
      if run_id not in taken:
        continue
      if step is not None:
        found.left_out.append(f"{run_id} in {runs.directory.name} diverged at step {step}")
        continue
      stored = runs.run(run_id)
      run, name = stored.run, _name(stored.run)
      identity = run["task"], name, run["seed"]
      if labels.setdefault(identity[:2], run["label"]) != run["label"]:
        raise UserError(
          f"{run_dir}: {run['label']} and {labels[identity[:2]]} differ in more than lambda, nu "
          "and seed; probe them apart"
        )
      if found.subjects and found.subjects[0].step != runs.step:
        raise UserError(
          f"{run_dir}: {run_id} was trained for {runs.step} steps, others for "
          f"{found.subjects[0].step}; probe them apart"
        )
      if identity in seen:
        found.left_out.append(f"{run_id} in {runs.directory.name} is in another directory too")
        continue
      seen.add(identity)
      found.subjects.append(Subject(stored, name, runs.step))
  if not found.subjects:
    raise UserError(
      f"no run in {', '.join(map(str, run_dirs))} is left: all diverged, or --lam, --nu and --seeds"
      " name none"
    )
  found.subjects.sort(key=lambda one: (one.stored.run["task"], _place(one), one.stored.run["seed"]))
  return found


def _add_task(found: Gathered, task: Mapping[str, Any], named: Mapping[str, Dataset]) -> None:
  name = task["name"]
  if name in found.tasks:
    if found.tasks[name]["sha256"] != task["sha256"]:
      raise UserError(f"two different data sets are called {name}; probe their runs apart")
    return
  if task["env"] == NO_ENVIRONMENT:
    raise UserError(f"{name} was trained without a simulator; there is none to play in")
  check_robot(task["env"])
  dataset = named.get(task["sha256"]) or _source(task)
  if dataset.sha256 != task["sha256"]:
    raise UserError(
      f"{task['source'] or name} holds other data than the runs on {name} learned from; name "
      "those with --data"
    )
  env = make(task["env"], task["env_kwargs"])
  _, low, high = spaces(env)
  env.close()
  found.tasks[name] = task
  found.datasets[name] = check_actions(dataset, low, high, task["clip_actions"])


def _source(task: Mapping[str, Any]) -> Dataset:
  """The data set from where it lay when the runs were trained."""
  try:
    return load(task["source"] or task["name"])
  except UserError as error:
    raise UserError(f"{error}; if the data lie elsewhere now, name them with --data") from error


def _name(run: Mapping[str, Any]) -> str:
  method = methods.find(run["method"])
  free = [
    f"{word} {run['point'][field]:g}"
    for field, word in (("lam", "lambda"), ("nu", "nu"))
    if field not in method.fixed and field not in method.unused
  ]
  return ", ".join([method.title, *free])


def _place(subject: Subject) -> tuple[int, float, float]:
  """Methods in the order of their list, each by lambda and nu."""
  run = subject.stored.run
  names = [*methods.METHODS, *methods.ONLINE]
  return names.index(run["method"]), run["point"]["lam"], run["point"]["nu"]
