"""What a job leaves for people: events, summary, plot and table, all from its logs."""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from tensorboardX import SummaryWriter

from dmg_jax import run_directory, run_log
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.report import diagnostics
from dmg_jax.report.figures import job_curves
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.tables import job_table

_PACKAGES = (
  "dmg_jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "gymnasium", "mujoco",
  "minari", "numpy",
)  # fmt: skip
_REPORTED_METRICS = ("policy_q", "v", "clipped_weights")


class Outcome(NamedTuple):
  """The end of a job, for the terminal.

  Attributes:
    table: plain text.
    hints: sentences, where there are signs of trouble.
    curves: path of the plot.
  """

  table: str
  hints: list[str]
  curves: Path


class Events:
  """TensorBoard events, derived: opening writes again what the logs hold.

  Args:
    directory: of the run, its logs already cut back to its checkpoint.
  """

  def __init__(self, directory: Path):
    folder = directory / "tensorboard"
    for path in folder.glob("*/events.*"):
      path.unlink()
    self._folder = folder
    self._writers: dict[int, SummaryWriter] = {}
    for name in (run_log.METRICS, run_log.EVALUATIONS):
      self.add(name, run_log.read(directory, name))

  def add(self, name: str, rows: list[dict[str, Any]]) -> None:
    """Adds the rows of a log."""
    for row in rows:
      writer = self._writer(row["seed"])
      if name == run_log.METRICS:
        for key, value in row.items():
          if key not in ("step", "run", "seed"):
            writer.add_scalar(f"training/{key}", value, row["step"])
    if name == run_log.EVALUATIONS:
      for (step, seed), mean in _means(rows, "return").items():
        self._writer(seed).add_scalar("evaluation/return", mean, step)

  def _writer(self, seed: int) -> SummaryWriter:
    if seed not in self._writers:
      self._writers[seed] = SummaryWriter(str(self._folder / f"seed_{seed}"))
    return self._writers[seed]

  def close(self) -> None:
    """Flushes and closes the event files."""
    for writer in self._writers.values():
      writer.close()


def _means(rows: list[dict[str, Any]], field: str) -> dict[tuple[int, int], float]:
  """(step, seed) -> mean of a field over episodes."""
  values: dict[tuple[int, int], list[float]] = {}
  for row in rows:
    values.setdefault((row["step"], row["seed"]), []).append(row[field])
  return {key: float(np.mean(group)) for key, group in values.items()}


def conclude(
  directory: Path,
  config: Mapping[str, Any],
  dataset: Dataset,
  frozen_at: np.ndarray,
  reference: tuple[float, float] | None,
) -> Outcome:
  """Reads a job's logs, writes `summary.json` and `curves.png`, and makes the table.

  Args:
    directory: of the run.
    config: of the job.
    dataset: raw.
    frozen_at: (R,) step at which a run diverged, or a negative number.
    reference: returns that score 0 and 100, if there are any.
  """
  seeds = np.arange(config["first_seed"], config["first_seed"] + config["seeds"])
  results = _results(directory, config, dataset, seeds, frozen_at, reference)
  metrics = _matrix(run_log.read(directory, run_log.METRICS), seeds)
  hints = diagnostics.diagnose(
    results,
    metrics,
    largest_reward=float(np.abs(dataset.transitions.rewards).max()),
    discount=config["discount"],
    inverse_temperature=config["inverse_temperature"],
  )
  curves = directory / run_directory.CURVES
  job_curves.curves(curves, results, metrics)
  summary = {
    "results": job_table.summarise(results),
    "hints": hints,
    "config": dict(config),
    "frozen_at": [int(step) if step >= 0 else None for step in frozen_at],
    "seconds": _seconds(directory),
    "devices": [str(device.device_kind) for device in jax.devices()],
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
  }
  run_log.write_json(directory / run_directory.SUMMARY, summary)
  return Outcome(job_table.summary_table(results), hints, curves)


def _results(directory, config, dataset, seeds, frozen_at, reference) -> job_table.Results:
  field = "return" if reference is None else "score"
  rows = run_log.read(directory, run_log.EVALUATIONS)
  means = _means(rows, field)
  steps = np.array(sorted({row["step"] for row in rows}), np.int64)
  scores = [[means.get((int(step), int(seed)), np.nan) for step in steps] for seed in seeds]
  data_return = float(np.mean(dataset.episode_returns)) if len(dataset.episode_returns) else None
  data_score = None
  if reference is not None and data_return is not None:
    data_score = float(catalog.normalised_score(data_return, reference))
  return job_table.Results(
    method="DMG",
    dataset=dataset.name,
    seeds=seeds,
    steps=steps,
    scores=np.array(scores).reshape(len(seeds), len(steps)),
    unit=job_table.RETURN if reference is None else job_table.SCORE,
    episodes=config["evaluation_episodes"],
    frozen_at=frozen_at,
    data_return=data_return,
    data_score=data_score,
    paper=paper_scores.paper_row(dataset.name) if dataset.kind == "d4rl" else None,
  )


def _matrix(rows: list[dict[str, Any]], seeds: np.ndarray) -> dict[str, np.ndarray]:
  """What is drawn and diagnosed: metric -> (R, M), NaN where not logged; "step" -> (M,)."""
  steps = np.array(sorted({row["step"] for row in rows}), np.int64)
  columns = {int(step): column for column, step in enumerate(steps)}
  places = {int(seed): place for place, seed in enumerate(seeds)}
  matrix = {name: np.full((len(seeds), len(steps)), np.nan) for name in _REPORTED_METRICS}
  for row in rows:
    for name in _REPORTED_METRICS:
      matrix[name][places[row["seed"]], columns[row["step"]]] = row[name]
  return {"step": steps, **matrix}


def _seconds(directory: Path) -> dict[str, float]:
  """Wall-clock seconds of each kind of work."""
  total: dict[str, float] = {}
  for row in run_log.read(directory, run_log.TIMING):
    total[row["what"]] = total.get(row["what"], 0.0) + row["seconds"]
  return total
