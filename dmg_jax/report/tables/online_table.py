"""What online training brought: the score before it, the score after it, and the regret."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmg_jax.report.numbers import fixed, plus_minus
from dmg_jax.report.scores.statistics import mean_and_deviation
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import SCORE, counts_successes

_LABEL, _CELL = 30, 22
# Of an episode that reaches its goal, where the reward is 1 there and 0 elsewhere.
_SUCCESS = 100.0


def summarise(results: Results) -> dict[str, Any]:
  """The score before and after of each run, and means over the runs that did not diverge.

  The regret of a run is 1 - score / 100, averaged over all its evaluations, the one
  before the first step included (Nakamoto et al. 2023, arXiv 2303.05479): 0 is success
  in every episode. It is given where a score is a share of successes.

  Returns:
    "task", "label", "unit", "steps"; "runs": "id", "seed", "start", "end", "regret", None where
    a run diverged; "start", "end", "regret": "mean" and "sd" over those runs.
  """
  rows = [_run(results, place) for place in range(len(results.runs))]
  return {
    "task": results.task,
    "label": results.label,
    "unit": results.unit,
    "steps": int(results.steps[-1]) if len(results.steps) else 0,
    "runs": rows,
    **{name: _over(rows, name) for name in ("start", "end", "regret")},
  }


def _run(results: Results, place: int) -> dict[str, Any]:
  curve = np.asarray(results.scores[place], np.float64)
  whole = bool(results.active[place]) and curve.size > 0 and bool(np.isfinite(curve).all())
  regret = whole and results.unit == SCORE and counts_successes(results.task)
  return {
    "id": results.runs[place],
    "seed": int(results.seeds[place]),
    "diverged_at": None if results.active[place] else int(results.frozen_at[place]),
    "start": float(curve[0]) if whole else None,
    "end": float(curve[-1]) if whole else None,
    "regret": float(np.mean(1 - curve / _SUCCESS)) if regret else None,
  }


def _over(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
  values = [row[name] for row in rows if row[name] is not None]
  if not values:
    return {"mean": None, "sd": None}
  mean, deviation = mean_and_deviation(values)
  return {"mean": mean, "sd": deviation if len(values) > 1 else None}


def text(groups: Sequence[Results]) -> str:
  """The plain-text table of a job: a line for each run, and means."""
  lines: list[str] = []
  for group in groups:
    found = summarise(group)
    lines += [f"{found['label']} on {found['task']}: {found['unit']}", ""]
    lines.append(_line("", "before", f"after {found['steps']:,} steps", "cumulative regret"))
    for row in found["runs"]:
      name = f"seed {row['seed']}"
      if row["end"] is None:
        lines.append(_line(name, f"diverged at gradient step {row['diverged_at']}"))
      else:
        lines.append(_line(name, fixed(row["start"]), fixed(row["end"]), _regret(row["regret"])))
    over = [found[name] for name in ("start", "end")]
    if over[0]["mean"] is not None:
      cells = [plus_minus(one["mean"], one["sd"]) for one in over]
      lines.append(_line("mean ± sd", *cells, _regret(found["regret"]["mean"])))
    lines.append("")
  lines += [
    "before: at environment step 0; after: at the last one; means over a fixed number of episodes.",
    "cumulative regret: 1 - share of successes, averaged over all evaluations; less is better.",
  ]
  return "\n".join(line.rstrip() for line in lines)


def _regret(value: float | None) -> str:
  return "-" if value is None else fixed(value, 3)


def _line(label: str, *cells: str) -> str:
  return f"{label:<{_LABEL}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)
