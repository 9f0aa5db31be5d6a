"""What the study found, as sentences made from its numbers, whatever they say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from dmg_jax.probe import measures, shift, summary
from dmg_jax.probe.measures import Interval

_MILD = 0.25


def findings(results: Mapping[str, Any]) -> Iterator[str]:
  """One sentence for each question that the runs can answer."""
  yield from _away(results)
  yield from _propagation(results)
  yield from _regularisation(results)
  yield from _shift(results)


def counted(intervals: Iterable[Interval]) -> str:
  """How many intervals lie above 0, below 0, or on both sides."""
  signs = [interval.sign for interval in intervals]
  return (
    f"higher in {signs.count(1)} of {len(signs)}, lower in {signs.count(-1)}, "
    f"undecided in {signs.count(0)}"
  )


def _groups(results: Mapping[str, Any]) -> Iterator[tuple[str, str, summary.Rows]]:
  """(Task, name, rows) of all that have critics."""
  for task in results["tasks"]:
    for name in dict.fromkeys(row["name"] for row in results["runs"] if row["task"] == task):
      rows = summary.runs(results, task, name)
      if "q" in rows[0]:
        yield task, name, rows


def _away(results: Mapping[str, Any]) -> Iterator[str]:
  """Whether Q's error grows with the distance, and whether Q knows which moves help."""
  groups = list(_groups(results))
  if not groups:
    return
  arrays = [summary.arrays(rows) for _, _, rows in groups]
  for title, measure in (("mean", measures.bias), ("deviation", measures.deviation)):
    grown = [measures.intervals(_grown(measure), *pair)[-1] for pair in arrays]
    yield (
      f"**Off the data.** The {title} of Q - G at distance 1, against that at the data's actions, "
      f"is {counted(grown)} (pairs of data set and method)."
    )
  place = results["settings"]["epsilons"].index(0.5)
  ranks = [measures.intervals(measures.rank_of_effects, *pair)[place] for pair in arrays]
  middle = np.median([interval.value for interval in ranks])
  yield (
    "**Which moves help.** The rank correlation of what Q and G change by along a move of 0.5 is "
    f"{middle:.2f} in the median, and against 0 {counted(ranks)}."
  )


def _grown(measure: measures.Measure) -> measures.Measure:
  """A measure less its value at distance 0."""

  def grown(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
    found = measure(values, returns)
    return found - found[..., :1]

  return grown


def _propagation(results: Mapping[str, Any]) -> Iterator[str]:
  for low, high in ((0.0, _MILD), (_MILD, 1.0), (0.0, 1.0)):
    found = summary.contrasts(results, "lam", low, high, measures.bias)
    if found:
      pairs = [intervals[0] for _, _, intervals in found]
      q, g = (
        _median(summary.contrasts(results, "lam", low, high, part)) for part in (_mean_q, _mean_g)
      )
      yield (
        f"**Propagation.** The mean of Q - G at the data's actions with lambda {high:g}, against "
        f"lambda {low:g}, is {counted(pairs)} (pairs of data set and nu), by {_median(found)} "
        f"units of return in the median; that of Q alone differs by {q}, that of G by {g}."
      )


def _mean_q(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  return values.mean(axis=-1)


def _mean_g(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  return returns.mean(axis=-1)


def _median(contrasts: summary.Contrasts) -> str:
  """Of what differs at the data's actions."""
  return signed(np.median([intervals[0].value for _, _, intervals in contrasts]))


def signed(value: float) -> str:
  """With one decimal and its sign; 0 has none."""
  return f"{round(value, 1):+.1f}" if round(value, 1) else "0.0"


def _regularisation(results: Mapping[str, Any]) -> Iterator[str]:
  values = sorted({row["nu"] for row in results["runs"] if row["method"] == "dmg"})
  if len(values) < 2:
    return
  low, high = values[0], values[-1]
  found = summary.contrasts(results, "nu", low, high, measures.bias)
  if not found:
    return
  pairs = [intervals[0] for _, _, intervals in found]
  yield (
    f"**Regularisation.** The mean of Q - G at the data's actions with nu {high:g}, against nu "
    f"{low:g}, is {counted(pairs)} (pairs of data set and lambda)."
  )
  changes = _distance_ratios(results, low, high)
  yield (
    f"The distance to the nearest data action with nu {high:g} is {np.median(changes):.2f} of that "
    f"with nu {low:g} in the median, from {min(changes):.2f} to {max(changes):.2f}."
  )


def _distance_ratios(results: Mapping[str, Any], low: float, high: float) -> list[float]:
  distances: dict[tuple[str, float], dict[float, list[float]]] = {}
  for row in results["runs"]:
    if row["method"] == "dmg" and row["nu"] in (low, high):
      of_nu = distances.setdefault((row["task"], row["lam"]), {})
      of_nu.setdefault(row["nu"], []).append(row["distance"]["nearest"])
  return [
    float(np.mean(pair[high]) / np.mean(pair[low])) for pair in distances.values() if len(pair) == 2
  ]


def _shift(results: Mapping[str, Any]) -> Iterator[str]:
  """DMG at lambda 0.25 against each other method, on the mean of all changed worlds."""
  differences: dict[str, list[Interval]] = {}
  for task in results["tasks"]:
    rows = [row for row in results["runs"] if row["task"] == task]
    names = dict.fromkeys(row["name"] for row in rows)
    groups = {name: [row for row in rows if row["name"] == name] for name in names}
    for mild in groups.values():
      if (mild[0]["method"], mild[0]["lam"]) != ("dmg", _MILD):
        continue
      for name, other in groups.items():
        is_dmg = other[0]["method"] == "dmg"
        if is_dmg and (other is mild or other[0]["nu"] != mild[0]["nu"]):
          continue
        label = f"DMG with lambda {other[0]['lam']:g}" if is_dmg else name
        difference = measures.difference(measures.bias, _changed(mild), _changed(other))[0]
        differences.setdefault(label, []).append(difference)
  for label, found in differences.items():
    yield (
      f"**Changed worlds.** The score of DMG with lambda {_MILD:g} over all changed worlds, "
      f"against {label}, is {counted(found)} (pairs of data set and nu), by "
      f"{signed(np.median([one.value for one in found]))} points in the median."
    )


def _changed(rows: summary.Rows) -> tuple[np.ndarray, np.ndarray]:
  """(R, 1, E) scores of each episode, averaged over the changed worlds; and zeros."""
  scores = np.array(
    [
      np.mean([one["scores"] for one in row["shift"] if one["what"] != shift.SAME], axis=0)
      for row in rows
    ]
  )
  return scores[:, None], np.zeros_like(scores[:, None])
