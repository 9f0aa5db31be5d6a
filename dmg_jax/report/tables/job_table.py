"""What the runs of a job scored, group by group, for its table and `summary.json`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.report.scores.intervals import estimate
from dmg_jax.report.scores.statistics import interquartile_mean, mean_and_deviation
from dmg_jax.report.units import GRADIENT_STEPS, SCORE, WINDOW

_BOOTSTRAP_SEED = 0


class Results(NamedTuple):
  """What R runs of one group scored at K evaluations.

  The runs of a group share data set, method and hyperparameters, and differ in the seed.

  Attributes:
    task: name of the data set.
    method: key of the method, such as "dmg".
    label: what tables call the group, such as "DMG (lam 0.5)".
    point: every hyperparameter of the group, by name.
    runs: (R,) ids of the runs.
    seeds: (R,) integers.
    steps: (K,) steps at the evaluations, ascending; (0,) without a simulator.
    scores: (R, K) mean over an evaluation's episodes, in `unit`; NaN where a run was not
      evaluated or its policy gave a non-finite action.
    unit: `SCORE` or `RETURN`.
    episodes: of each evaluation of each run.
    frozen_at: (R,) gradient step at which a run diverged, negative if it did not.
    simulator: whether the group was to be evaluated.
    data_return: mean return of the data's own episodes, or None if unknown.
    data_score: the same as a score, or None where there is no scale.
    paper: from `paper_scores.paper_row`, or None.
    counted: what `steps` are, `units.GRADIENT_STEPS` or, online, `units.ENVIRONMENT_STEPS`.
  """

  task: str
  method: str
  label: str
  point: Mapping[str, Any]
  runs: tuple[str, ...]
  seeds: np.ndarray
  steps: np.ndarray
  scores: np.ndarray
  unit: str
  episodes: int
  frozen_at: np.ndarray
  simulator: bool = True
  data_return: float | None = None
  data_score: float | None = None
  paper: Mapping[str, Any] | None = None
  counted: str = GRADIENT_STEPS

  @property
  def active(self) -> np.ndarray:
    """(R,) bool, true for the runs that did not diverge."""
    return np.asarray(self.frozen_at) < 0

  @property
  def data_mean(self) -> float | None:
    """The data's own mean, in `unit`."""
    return self.data_score if self.unit == SCORE else self.data_return


def summarise(results: Results) -> dict[str, Any]:
  """Every number of a group's table, as a dict that JSON can hold (None for "there is none").

  A run is averaged only if it did not diverge and all its last `WINDOW`
  evaluations are finite; the others are listed with the reason.

  Returns:
    "task", "method", "label", "point"; "runs": a dict for each run, see `_run_row`;
    "last" and "mean_of_window": "seeds", "mean", "sd", "iqm", "iqm_interval" over the runs
    averaged; the data's mean and the paper's row.

  Raises:
    ValueError: if the arrays' shapes do not belong together.
  """
  runs, evaluations = len(results.runs), len(results.steps)
  if (
    np.shape(results.scores) != (runs, evaluations)
    or np.shape(results.frozen_at) != (runs,)
    or np.shape(results.seeds) != (runs,)
  ):
    raise ValueError(
      f"{runs} runs and {evaluations} steps need scores ({runs}, {evaluations}), seeds and"
      f" frozen_at ({runs},), not {np.shape(results.scores)}, {np.shape(results.seeds)} and"
      f" {np.shape(results.frozen_at)}"
    )
  rows = [_run_row(results, run) for run in range(runs)]
  averaged = [row for row in rows if row["last"] is not None]
  return {
    "task": results.task,
    "method": results.method,
    "label": results.label,
    "point": dict(results.point),
    "unit": results.unit,
    "simulator": results.simulator,
    "evaluations": evaluations,
    "episodes_per_evaluation": results.episodes,
    "last_step": int(results.steps[-1]) if evaluations else None,
    "window": min(WINDOW, evaluations),
    "runs": rows,
    "last": _over_runs([row["last"] for row in averaged]),
    "mean_of_window": _over_runs([row["mean_of_window"] for row in averaged]),
    "data_return": _number(results.data_return),
    "data_score": _number(results.data_score),
    "paper": dict(results.paper) if results.paper and results.unit == SCORE else None,
  }


def _run_row(results: Results, run: int) -> dict[str, Any]:
  frozen_at = int(results.frozen_at[run])
  diverged = frozen_at >= 0
  window = np.asarray(results.scores[run], np.float64)[-WINDOW:]
  missing = np.asarray(results.steps)[-WINDOW:][~np.isfinite(window)]
  usable = window.size > 0 and not diverged and missing.size == 0
  return {
    "id": results.runs[run],
    "seed": int(results.seeds[run]),
    "diverged_at": frozen_at if diverged else None,
    "no_score_at": None if diverged or missing.size == 0 else int(missing[0]),
    "last": float(window[-1]) if usable else None,
    "mean_of_window": float(np.mean(window)) if usable else None,
  }


def _over_runs(scores: list[float]) -> dict[str, Any]:
  """Statistics over the runs averaged; no spread is claimed from a single one."""
  if not scores:
    return {"seeds": 0, "mean": None, "sd": None, "iqm": None, "iqm_interval": None}
  mean, deviation = mean_and_deviation(scores)
  several = len(scores) > 1
  found = estimate(scores, interquartile_mean, seed=_BOOTSTRAP_SEED)
  return {
    "seeds": len(scores),
    "mean": mean,
    "sd": deviation if several else None,
    "iqm": float(found.value),
    "iqm_interval": [float(found.low), float(found.high)] if several else None,
  }


def _number(value: float | None) -> float | None:
  return float(value) if value is not None and np.isfinite(value) else None
