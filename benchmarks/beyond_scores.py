"""What benchmarks/beyond.py says of stored curves: measures, swings, gains, and the verdict."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import beyond_choice
import beyond_read
import numpy as np
from beyond_choice import Measures
from beyond_jobs import BASE, MAZE, PLUS, SECOND, VARIANTS

from dmg_jax.report.scores import intervals, statistics

# Of the resampling.
_SEED = 0
# Of a run that diverged in the report: that of D4RL's random policy, on the robots.
_DIVERGED = 0.0


class Side(NamedTuple):
  """A method on a data set.

  Attributes:
    measures: of each seed: mean of the evaluations past half of the steps.
    lasts: of each seed: the last evaluation.
    swings: of each seed: standard deviation of the evaluations past half of the steps.
    diverged: how many seeds did.
    evaluations: how many are past half of the steps.
  """

  measures: list[float]
  lasts: list[float]
  swings: list[float]
  diverged: int
  evaluations: int

  @property
  def swing(self) -> float:
    """Mean over seeds."""
    return statistics.mean_and_deviation(self.swings)[0] if self.swings else float("nan")


def side(stored: Mapping[str, Any]) -> Side:
  """From a job's stored curves of one method on one data set."""
  halves = [beyond_read.last_half(stored["steps"], curve) for curve in stored["scores"]]
  return Side(
    [float(np.mean(half)) for half in halves],
    [half[-1] for half in halves],
    [float(np.std(half, ddof=1)) if len(half) > 1 else 0.0 for half in halves],
    len(stored["diverged"]),
    len(halves[0]) if halves else 0,
  )


def searched(result: Mapping[str, Any]) -> dict[str, dict[str, Side]]:
  """Variant -> data set -> `Side`, of the finished jobs in the order of the plan."""
  jobs = result["jobs"]
  return {
    name: {task: side(found[BASE]) for task, found in jobs[name]["data"].items()}
    for name in VARIANTS
    if name in jobs
  }


def report_sides(part: Mapping[str, Any]) -> dict[str, dict[str, Side]]:
  """Data set -> method -> `Side`, of the data sets that have both.

  A run that diverged counts as one that scored 0: to leave it out would favour its method.
  """
  found: dict[str, dict[str, Side]] = {}
  for job in part["jobs"].values():
    for task, methods in job["data"].items():
      found.setdefault(task, {}).update({name: _whole(side(one)) for name, one in methods.items()})
  return {task: found[task] for task in sorted(found) if {BASE, PLUS} <= {*found[task]}}


def _whole(one: Side) -> Side:
  added = [_DIVERGED] * one.diverged
  return one._replace(measures=[*one.measures, *added], lasts=[*one.lasts, *added])


def measures(sides: Mapping[str, Mapping[str, Side]]) -> dict[str, dict[str, list[float]]]:
  """Of the variants that are complete: no run diverged."""
  return {
    name: {task: one.measures for task, one in tasks.items()}
    for name, tasks in sides.items()
    if not any(one.diverged for one in tasks.values())
  }


def searched_measures(result: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
  """Setting -> data set -> measures, of those that the second search and the maze both have."""
  parts = [measures(searched(result[part])) for part in (SECOND, MAZE) if part in result]
  return {
    name: {task: values for part in parts for task, values in part[name].items()}
    for name in parts[0]
    if all(name in part for part in parts)
  }


def gain_interval(found: Measures, name: str) -> intervals.Interval:
  """Of a variant's gain over its reference, 95 %; other seeds, the same data."""
  reference = beyond_choice.reference(name)
  pairs = [(found[name][task], found[reference][task]) for task in found[name]]
  return intervals.mean_difference_interval(pairs)


class Verdict(NamedTuple):
  """The two methods over all data sets of the report.

  Attributes:
    iqm: method -> interquartile mean.
    difference: of the IQMs, dmg_plus minus DMG.
    mean_difference: of the means over data sets, dmg_plus minus DMG.
    improvement: probability that a run of dmg_plus scores more than one of DMG.
    worse: data sets on which dmg_plus is below DMG by more than its standard deviation.
  """

  iqm: dict[str, intervals.Estimate]
  difference: intervals.Estimate
  mean_difference: intervals.Estimate
  improvement: intervals.Estimate
  worse: list[str]

  @property
  def better(self) -> bool:
    """Whether the goal is reached: a better IQM, beyond the interval, and worse nowhere."""
    return bool(self.difference.low > 0) and not self.worse


def verdict(sides: Mapping[str, Mapping[str, Side]]) -> Verdict:
  """Of data set -> method -> `Side`."""
  plain, plus = (
    {task: np.array(one[name].measures) for task, one in sides.items()} for name in (BASE, PLUS)
  )
  worse = []
  for task in plain:
    mean, deviation = statistics.mean_and_deviation(plus[task])
    if mean + deviation < plain[task].mean():
      worse.append(task)
  iqm = {
    name: intervals.estimate(tasks, statistics.interquartile_mean, seed=_SEED)
    for name, tasks in ((BASE, plain), (PLUS, plus))
  }
  return Verdict(
    iqm,
    intervals.estimate_difference(plus, plain, statistics.interquartile_mean, seed=_SEED),
    intervals.estimate_difference(plus, plain, statistics.mean, seed=_SEED),
    intervals.estimate_improvement(plus, plain, seed=_SEED),
    worse,
  )
