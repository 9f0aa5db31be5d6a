"""Tables of the study, from its stored numbers alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dmg_jax.probe import measures
from dmg_jax.probe.measures import Interval

Rows = Sequence[Mapping[str, Any]]
# (Task, the coefficient that stays, the difference at each distance).
Contrasts = list[tuple[str, str, list[Interval]]]

MEASURES: Mapping[str, measures.Measure] = {
  "bias": measures.bias,
  "deviation": measures.deviation,
  "rank_of_values": measures.rank_of_values,
  "rank_of_effects": measures.rank_of_effects,
}


def summarise(results: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
  """Task -> name -> what its runs measured together, with intervals.

  A name has "lam", "nu", "method", "seeds", "distance", "own"; where there are
  critics, "returns" (the mean at the data's actions), each of `MEASURES` (an interval
  per distance) and "gaps" (one per depth); and "shift": (what, amount) -> interval of
  the scores.
  """
  found: dict[str, dict[str, dict[str, Any]]] = {}
  for task in results["tasks"]:
    names = dict.fromkeys(row["name"] for row in results["runs"] if row["task"] == task)
    found[task] = {name: _summary(runs(results, task, name)) for name in names}
  return found


def runs(results: Mapping[str, Any], task: str, name: str) -> Rows:
  """The rows of a name on a task: its seeds."""
  return [row for row in results["runs"] if (row["task"], row["name"]) == (task, name)]


def _summary(rows: Rows) -> dict[str, Any]:
  first = rows[0]
  found: dict[str, Any] = {
    "method": first["method"],
    "lam": first["lam"],
    "nu": first["nu"],
    "seeds": len(rows),
    "distance": {
      name: float(np.mean([row["distance"][name] for row in rows])) for name in first["distance"]
    },
    "shift": {
      (world["what"], world["amount"]): measures.mean_interval(
        np.array([row["shift"][place]["scores"] for row in rows])
      )
      for place, world in enumerate(first["shift"])
    },
  }
  if "q" in first:
    values, returns = arrays(rows)
    found["returns"] = float(returns[:, 0].mean())
    for name, measure in MEASURES.items():
      found[name] = measures.intervals(measure, values, returns)
    gaps = np.array([row["gaps"] for row in rows])
    found["gaps"] = measures.intervals(measures.bias, gaps, np.zeros_like(gaps))
  return found


def arrays(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
  """Values and returns of runs, (R, D, N) each."""
  return np.array([row["q"] for row in rows]), np.array([row["returns"] for row in rows])


def contrasts(
  results: Mapping[str, Any], field: str, low: float, high: float, measure: measures.Measure
) -> Contrasts:
  """What DMG gains in a measure where one coefficient goes from one value to another.

  Args:
    results: of the study.
    field: "lam" or "nu".
    low, high: its two values; the other coefficient stays.
    measure: of one run.

  Returns:
    (task, the other coefficient, measure at high - measure at low for each
    distance), for each task and other value that has both.
  """
  other = {"lam": "nu", "nu": "lam"}[field]
  found = []
  for task in results["tasks"]:
    rows = [row for row in results["runs"] if row["task"] == task and row["method"] == "dmg"]
    for value in sorted({row[other] for row in rows}):
      pair = [
        [row for row in rows if row[other] == value and row[field] == wanted]
        for wanted in (high, low)
      ]
      if all(pair):
        intervals = measures.difference(measure, arrays(pair[0]), arrays(pair[1]))
        found.append((task, f"{other} {value:g}", intervals))
  return found
