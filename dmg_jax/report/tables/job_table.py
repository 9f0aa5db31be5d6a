"""The table at the end of a job, and the same numbers for `summary.json`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.report.scores.statistics import (
  bootstrap_interval,
  interquartile_mean,
  mean_and_deviation,
)

SCORE = "D4RL-normalised score"
RETURN = "return"
WINDOW = 10
_BOOTSTRAP_SEED = 0


class Results(NamedTuple):
  """What R seeds of one method on one dataset scored, at K evaluations.

  Attributes:
    method: what the runs are called in headings, such as "dmg".
    dataset: its name.
    seeds: (R,) integers.
    steps: (K,) gradient steps at the evaluations, ascending; (0,) without a simulator.
    scores: (R, K) mean over an evaluation's episodes, in `unit`; NaN where a run was not
      evaluated or its policy gave no number.
    unit: `SCORE` or `RETURN`.
    episodes: of each evaluation of each seed.
    frozen_at: (R,) gradient step at which a run diverged, negative if it did not.
    data_return: mean return of the data's own episodes, or None if unknown.
    data_score: the same as a score, or None where there is no scale.
    paper: from `paper.paper_row`, or None.
  """

  method: str
  dataset: str
  seeds: np.ndarray
  steps: np.ndarray
  scores: np.ndarray
  unit: str
  episodes: int
  frozen_at: np.ndarray
  data_return: float | None = None
  data_score: float | None = None
  paper: Mapping[str, Any] | None = None

  @property
  def active(self) -> np.ndarray:
    """(R,) bool, true for the runs that did not diverge."""
    return np.asarray(self.frozen_at) < 0

  @property
  def data_mean(self) -> float | None:
    """The data's own mean, in `unit`."""
    return self.data_score if self.unit == SCORE else self.data_return


def summarise(results: Results) -> dict[str, Any]:
  """Every number of `summary_table`, as a dict that JSON can hold (None for "there is none").

  A seed is averaged only if it did not diverge and all its last `WINDOW`
  evaluations are finite; the others are listed with the reason.

  Raises:
    ValueError: if the arrays' shapes do not belong together.
  """
  runs, evaluations = len(results.seeds), len(results.steps)
  if np.shape(results.scores) != (runs, evaluations) or np.shape(results.frozen_at) != (runs,):
    raise ValueError(
      f"{runs} seeds and {evaluations} steps need scores ({runs}, {evaluations}) and frozen_at"
      f" ({runs},), not {np.shape(results.scores)} and {np.shape(results.frozen_at)}"
    )
  rows = [_seed_row(results, run) for run in range(runs)]
  averaged = [row for row in rows if row["last"] is not None]
  return {
    "method": results.method,
    "dataset": results.dataset,
    "unit": results.unit,
    "evaluations": evaluations,
    "episodes_per_evaluation": results.episodes,
    "last_step": int(results.steps[-1]) if evaluations else None,
    "window": min(WINDOW, evaluations),
    "seeds": rows,
    "last": _over_seeds([row["last"] for row in averaged]),
    "mean_of_window": _over_seeds([row["mean_of_window"] for row in averaged]),
    "data_return": _number(results.data_return),
    "data_score": _number(results.data_score),
    "paper": dict(results.paper) if results.paper and results.unit == SCORE else None,
  }


def _seed_row(results: Results, run: int) -> dict[str, Any]:
  frozen_at = int(results.frozen_at[run])
  diverged = frozen_at >= 0
  window = np.asarray(results.scores[run], np.float64)[-WINDOW:]
  missing = np.asarray(results.steps)[-WINDOW:][~np.isfinite(window)]
  usable = window.size > 0 and not diverged and missing.size == 0
  return {
    "seed": int(results.seeds[run]),
    "diverged_at": frozen_at if diverged else None,
    "no_score_at": None if diverged or missing.size == 0 else int(missing[0]),
    "last": float(window[-1]) if usable else None,
    "mean_of_window": float(np.mean(window)) if usable else None,
  }


def _over_seeds(scores: list[float]) -> dict[str, Any]:
  """Statistics over the seeds averaged; no spread is claimed from a single one."""
  if not scores:
    return {"seeds": 0, "mean": None, "sd": None, "iqm": None, "iqm_interval": None}
  mean, deviation = mean_and_deviation(scores)
  several = len(scores) > 1
  interval = bootstrap_interval(scores, interquartile_mean, seed=_BOOTSTRAP_SEED)
  return {
    "seeds": len(scores),
    "mean": mean,
    "sd": deviation if several else None,
    "iqm": interquartile_mean(scores),
    "iqm_interval": list(interval) if several else None,
  }


def _number(value: float | None) -> float | None:
  return float(value) if value is not None and np.isfinite(value) else None


def summary_table(results: Results) -> str:
  """The plain-text table of a finished job, at most 100 columns wide.

  Per seed the last evaluation and the mean of the last `WINDOW`; over seeds
  mean, standard deviation and interquartile mean with its interval; the data's
  own mean; the paper's row; and what all of these are.

  Raises:
    ValueError: if the arrays' shapes do not belong together.
  """
  summary = summarise(results)
  body = _evaluated(summary) if summary["evaluations"] else _not_evaluated(summary)
  heading = _clip(f"{summary['method']} on {summary['dataset']}")
  return "\n".join(line.rstrip() for line in [heading, "", *body])


_LABEL, _COLUMN = 30, 32


def _clip(text: str, width: int = 100) -> str:
  return text if len(text) <= width else text[: width - 3] + "..."


def _line(label: str, *cells: str) -> str:
  return f"{label:<{_LABEL}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)


def _decimals(summary: dict[str, Any]) -> int:
  """One for scores and for returns in the tens; three for tasks of small returns."""
  lasts = [abs(row["last"]) for row in summary["seeds"] if row["last"] is not None]
  return 1 if summary["unit"] == SCORE or max(lasts, default=0) >= 10 else 3


def _format(value: float | None, decimals: int) -> str:
  return "-" if value is None else f"{value:.{decimals}f}"


def _not_evaluated(summary: dict[str, Any]) -> list[str]:
  lines = ["No evaluations: there was no simulator, so these policies have no score."]
  lines += [
    _line(f"seed {row['seed']}", f"diverged at step {row['diverged_at']}")
    for row in summary["seeds"]
    if row["diverged_at"] is not None
  ]
  return lines + _data_lines(summary)


def _evaluated(summary: dict[str, Any]) -> list[str]:
  columns = ("last", "mean_of_window")
  decimals = _decimals(summary)
  window, episodes = summary["window"], summary["episodes_per_evaluation"]
  lines = [
    _line(summary["unit"], "last evaluation", f"mean of last {window}"),
    _line("episodes per seed", str(episodes), str(episodes * window)),
    "-" * (_LABEL + 2 * _COLUMN),
  ]
  for row in summary["seeds"]:
    label = f"seed {row['seed']}"
    if row["diverged_at"] is not None:
      lines.append(_line(label, f"diverged at step {row['diverged_at']}"))
    elif row["no_score_at"] is not None:
      lines.append(_line(label, f"no score at step {row['no_score_at']}"))
    else:
      lines.append(_line(label, *(_format(row[column], decimals) for column in columns)))
  lines.append("-" * (_LABEL + 2 * _COLUMN))
  count, total = summary["last"]["seeds"], len(summary["seeds"])
  if count == 0:
    lines.append("no seed is left to average")
  else:
    over = [summary[column] for column in columns]
    seeds = f"{count} of {total} seeds" if count < total else f"{count} seed{'s' * (count > 1)}"
    lines += [
      _line(
        f"mean ± sd, {seeds}", *(_plus_minus(cell["mean"], cell["sd"], decimals) for cell in over)
      ),
      _line("interquartile mean (IQM)", *(_format(cell["iqm"], decimals) for cell in over)),
      _line(
        "  95 % interval of the IQM", *(_range(cell["iqm_interval"], decimals) for cell in over)
      ),
    ]
  return lines + _data_lines(summary) + _paper_lines(summary) + ["", *_footer(summary)]


def _plus_minus(mean: float, spread: float | None, decimals: int) -> str:
  plain = _format(mean, decimals)
  return plain if spread is None else f"{plain} ± {_format(spread, decimals)}"


def _range(interval: list[float] | None, decimals: int) -> str:
  if interval is None:
    return "-"
  low, high = (_format(end, decimals) for end in interval)
  return f"[{low}, {high}]"


def _data_lines(summary: dict[str, Any]) -> list[str]:
  mean, score = summary["data_return"], summary["data_score"]
  if mean is None:
    return []
  cells = [f"return {_format(mean, 1 if abs(mean) >= 10 else 3)}"]
  if score is not None:
    cells.append(f"score {_format(score, 1)}")
  return [_line("the data's own mean", *cells)]


def _paper_lines(summary: dict[str, Any]) -> list[str]:
  paper = summary["paper"]
  if paper is None:
    return []
  sd, interval = paper["table_2"], paper["table_6"]
  return [
    _line("the paper's DMG, Table 2", f"{sd['mean']} ± {sd['sd']}")
    + f"   (sd over {sd['seeds']} seeds)",
    _line("the paper's DMG, Table 6", f"{interval['mean']} ± {interval['ci95']}")
    + f"   (95 % interval, {interval['seeds']} seeds)",
  ]


def _footer(summary: dict[str, Any]) -> list[str]:
  lines = [
    f"last evaluation: at gradient step {summary['last_step']}, mean over a fixed number of"
    f" {summary['episodes_per_evaluation']} episodes per seed.",
    f"mean of last {summary['window']}: over the last {summary['window']} of"
    f" {summary['evaluations']} evaluations; neither column is picked by its score.",
    "sd: over seeds, with n - 1. IQM: mean of the middle half; its interval: bootstrap over seeds.",
  ]
  if summary["last"]["seeds"] < len(summary["seeds"]):
    lines.append("Seeds without a number are in no average.")
  if summary["paper"] is not None:
    lines.append("The paper does not say which evaluation of a run its tables show.")
  return lines
