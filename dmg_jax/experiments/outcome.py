"""What a job leaves for people: summary, plot, table and hints, all from its stored logs."""

import platform
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax import run_config, run_directory, run_log
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import StorageError, UserError
from dmg_jax.report import diagnostics, learned, units
from dmg_jax.report.figures import job_curves
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.scores.labels import shorten, table_label
from dmg_jax.report.tables import job_table, job_text, online_table
from dmg_jax.tasks import NO_ENVIRONMENT

_PACKAGES = (
  "dmg_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "gymnasium", "mujoco",
  "minari", "numpy",
)  # fmt: skip
_REPORTED_METRICS = (*learned.METRICS, "clipped_weights")

_Rows = Sequence[Mapping[str, Any]]


class Outcome(NamedTuple):
  """The end of a job.

  Attributes:
    table: plain text.
    hints: sentences, where there are signs of trouble.
    curves: path of the plot.
    groups: the scores behind the table, one entry for each (data set, label).
  """

  table: str
  hints: list[str]
  curves: Path
  groups: list[job_table.Results]

  @property
  def all_diverged(self) -> bool:
    """Whether no run is left; a launcher exits 1 then."""
    return not any(group.active.any() for group in self.groups)

  def checked(self, announce: Callable[[str], None]) -> "Outcome":
    """Itself, if a run is left.

    Args:
      announce: is shown the table, where none is.

    Raises:
      StorageError: if all runs diverged; it names the directory.
    """
    if self.all_diverged:
      announce(self.table)
      raise StorageError(f"all runs diverged; their last finite states are in {self.curves.parent}")
    return self

  def show(self) -> None:
    """Prints table, hints and where the plot is, as launchers do."""
    print(f"\n{self.table}\n")
    for hint in self.hints:
      print(f"hint: {hint}")
    print(f"curves: {self.curves}")


def conclude(
  directory: Path,
  config: Mapping[str, Any],
  datasets: Mapping[str, Dataset],
  frozen_at: Mapping[str, int],
) -> Outcome:
  """Reads a job's logs, writes `summary.json` and `curves.png`, and makes the table.

  Args:
    directory: of the job, trained to its last step.
    config: of the job.
    datasets: name of a task -> its data as they were trained on: shifted rewards, but
      `episode_returns` in the rewards of the file.
    frozen_at: id of a run -> step at which it diverged, or a negative number.

  Raises:
    UserError: if logs and config do not belong together.
    StorageError: if a log lacks the last evaluation of a run, or a file cannot be written;
      an older summary and plot are left as they are.
  """
  try:
    evaluated = run_log.read(directory, run_log.EVALUATIONS)
    groups = results(directory, config, datasets, frozen_at, evaluated)
    metrics = _metrics(run_log.read(directory, run_log.METRICS), groups)
  except UserError:
    raise
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(
      f"{directory}: its logs and its {run_directory.CONFIG} do not belong together"
      f" ({type(error).__name__}: {error}); restore them from a copy, or train again in another"
      " --run_dir"
    ) from error
  hints, summaries = [], []
  short, _ = shorten((group.method, group.label) for group in groups)
  for group, values in zip(groups, metrics, strict=True):
    dataset = datasets[group.task]
    largest = float(np.abs(dataset.transitions.rewards).max())
    bounded = _bounded(dataset)
    found = diagnostics.diagnose(group, values, largest_reward=largest, bounded_actions=bounded)
    ends = learned.at_the_end(group, values, largest)
    summaries.append({**job_table.summarise(group), "learned": ends, "hints": found})
    where = f"{short[group.label]} on {group.task}: " if len(groups) > 1 else ""
    hints += [where + hint for hint in found.values()]
  curves = directory / run_directory.CURVES
  job_curves.curves(curves, groups, metrics)
  online = config["kind"] == run_config.ONLINE
  summary = {
    "steps": config["settings"]["steps"],
    "groups": summaries,
    **({"online": [online_table.summarise(group) for group in groups]} if online else {}),
    "hints": hints,
    "frozen_at": {run: int(step) if step >= 0 else None for run, step in frozen_at.items()},
    "seconds": _seconds(directory),
    "devices": [str(device.device_kind) for device in jax.devices()],
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
  }
  run_log.write_json(directory / run_directory.SUMMARY, summary)
  text = online_table.text(groups) if online else job_text.text(groups)
  return Outcome(text, hints, curves, groups)


def results(
  directory: Path,
  config: Mapping[str, Any],
  datasets: Mapping[str, Dataset],
  frozen_at: Mapping[str, int],
  evaluated: _Rows,
) -> list[job_table.Results]:
  """What each group of a job scored, in the order of the job's runs.

  Args:
    directory: of the job, for messages.
    config, datasets, frozen_at: see `conclude`.
    evaluated: the rows of its evaluations.
  """
  tasks = {task["name"]: task for task in config["tasks"]}
  members: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
  for run in config["runs"]:
    members.setdefault((run["task"], run["label"]), []).append(run)
  rows: dict[str, list[Mapping[str, Any]]] = {run["id"]: [] for run in config["runs"]}
  for row in evaluated:
    rows[row["run"]].append(row)
  return [
    _group(directory, tasks[task], runs, config, datasets[task], rows, frozen_at)
    for (task, _), runs in members.items()
  ]


def _group(
  directory: Path,
  task: Mapping[str, Any],
  runs: Sequence[Mapping[str, Any]],
  config: Mapping[str, Any],
  dataset: Dataset,
  rows: Mapping[str, _Rows],
  frozen_at: Mapping[str, int],
) -> job_table.Results:
  settings, reference = config["settings"], task["reference"]
  field = "return" if reference is None else "score"
  means = {run["id"]: _means(rows[run["id"]], field) for run in runs}
  simulator = task["env"] != NO_ENVIRONMENT
  for run in runs:
    # Without this a lost log would pass for a job without a simulator.
    if simulator and frozen_at[run["id"]] < 0 and settings["steps"] not in means[run["id"]]:
      raise StorageError(
        f"{directory / run_log.EVALUATIONS} lacks the evaluation of {run['id']} at the last step,"
        f" {settings['steps']:,}; restore the file, or run the job again in another --run_dir"
      )
  steps = sorted({step for curve in means.values() for step in curve})
  data_return = float(np.mean(dataset.episode_returns)) if len(dataset.episode_returns) else None
  scores = [[means[run["id"]].get(step, np.nan) for step in steps] for run in runs]
  return job_table.Results(
    task=task["name"],
    method=runs[0]["method"],
    label=runs[0]["label"],
    point=runs[0]["point"],
    runs=tuple(run["id"] for run in runs),
    seeds=np.array([run["seed"] for run in runs]),
    steps=np.array(steps, np.int64),
    scores=np.array(scores, np.float64).reshape(len(runs), len(steps)),
    unit=units.RETURN if reference is None else units.SCORE,
    episodes=settings["evaluation_episodes"],
    frozen_at=np.array([frozen_at[run["id"]] for run in runs], np.int64),
    simulator=simulator,
    data_return=data_return,
    data_score=float(catalog.normalised_score(data_return, reference))
    if reference is not None and data_return is not None
    else None,
    paper=_paper(task, table_label(runs[0], task)),
    counted=units.ENVIRONMENT_STEPS
    if config["kind"] == run_config.ONLINE
    else units.GRADIENT_STEPS,
  )


def _paper(task: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
  """The paper's row for the very method, where the data are D4RL's and so is the simulator."""
  name = task["name"]
  if task["kind"] != "d4rl" or not catalog.is_d4rl_env(name, task["env"], task["env_kwargs"]):
    return None
  return paper_scores.paper_row(name, label)


def _bounded(dataset: Dataset) -> bool:
  bounds = [bound for bound in (dataset.action_low, dataset.action_high) if bound is not None]
  return all(np.isfinite(bound).all() for bound in bounds)


def _means(rows: _Rows, field: str) -> dict[int, float]:
  """Step -> mean of a field over the episodes of a run."""
  values: dict[int, list[float]] = {}
  for row in rows:
    values.setdefault(row["step"], []).append(row[field])
  return {step: float(np.mean(group)) for step, group in values.items()}


def _metrics(rows: _Rows, groups: Sequence[job_table.Results]) -> list[dict[str, np.ndarray]]:
  """What is drawn and diagnosed, for each group: metric -> (R, M), NaN where not logged.

  "step" is (M,), the same for all groups.
  """
  steps = np.array(sorted({row["step"] for row in rows}), np.int64)
  columns = {int(step): column for column, step in enumerate(steps)}
  places = {
    run: (group, place)
    for group, results in enumerate(groups)
    for place, run in enumerate(results.runs)
  }
  matrices = [
    {name: np.full((len(group.runs), len(steps)), np.nan) for name in _REPORTED_METRICS}
    for group in groups
  ]
  for row in rows:
    group, place = places[row["run"]]
    for name in _REPORTED_METRICS:
      matrices[group][name][place, columns[row["step"]]] = row.get(name, np.nan)
  return [{"step": steps, **matrix} for matrix in matrices]


def _seconds(directory: Path) -> dict[str, float]:
  """Wall-clock seconds of each kind of work."""
  total: dict[str, float] = {}
  for row in run_log.read(directory, run_log.TIMING):
    total[row["what"]] = total.get(row["what"], 0.0) + row["seconds"]
  return total
