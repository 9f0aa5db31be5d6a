"""The uncertainty that few seeds leave: bootstrap and Student's intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from dmg_jax.report.scores.statistics import (
  TaskScores,
  finite,
  grouped,
  mean_and_deviation,
  probability_of_improvement,
  same_tasks,
)


class Interval(NamedTuple):
  """A closed interval, in the unit of the scores."""

  low: float
  high: float


class Estimate(NamedTuple):
  """A statistic and its bootstrap interval; each () or, for a profile, (thresholds,)."""

  value: np.ndarray
  low: np.ndarray
  high: np.ndarray


def estimate(
  scores: TaskScores,
  statistic: Callable[[TaskScores], np.ndarray],
  *,
  seed: int,
  resamples: int = 2000,
  confidence: float = 0.95,
) -> Estimate:
  """A statistic with its stratified percentile-bootstrap interval.

  Each task's seeds are drawn with replacement, as many as it has, and
  independently of the other tasks'; the tasks themselves stay. So the interval
  tells what other seeds would give on these tasks, nothing about other tasks.
  A task of one seed adds no width. With five seeds it covers the truth less often than
  its nominal confidence, as any bootstrap of so few.

  Args:
    scores: of the tasks, without leading axes; (n,) for the seeds of one.
    statistic: a function of `statistics` that takes one method's scores, and resamples.
    seed: of the resampling; the same seed gives the same interval.
    resamples: how many draws.
    confidence: probability between the ends, in (0, 1).

  Raises:
    ValueError: as for `mean`.
  """
  groups = grouped(scores)
  draws = statistic(_resampled(groups, np.random.default_rng(seed), resamples))
  return _interval(statistic(groups), draws, confidence)


def estimate_difference(
  first: TaskScores,
  second: TaskScores,
  statistic: Callable[[TaskScores], np.ndarray],
  *,
  seed: int,
  resamples: int = 2000,
  confidence: float = 0.95,
) -> Estimate:
  """A statistic of one method less that of another, with its interval; the seeds of both are drawn.

  Args:
    first: scores of one method.
    second: scores of the other, on the same tasks.
    statistic: as for `estimate`.
    seed: of the resampling.
    resamples: how many draws.
    confidence: probability between the ends, in (0, 1).

  Raises:
    ValueError: as for `mean`, or if the tasks differ.
  """
  return _compared(
    *same_tasks(first, second),
    lambda ours, theirs: statistic(ours) - statistic(theirs),
    np.random.default_rng(seed), resamples, confidence,
  )  # fmt: skip


def estimate_improvement(
  first: TaskScores,
  second: TaskScores,
  *,
  seed: int,
  resamples: int = 2000,
  confidence: float = 0.95,
) -> Estimate:
  """`probability_of_improvement` with its interval; both methods' seeds are drawn.

  Args:
    first: scores of one method.
    second: scores of the other, on the same tasks.
    seed: of the resampling.
    resamples: how many draws.
    confidence: probability between the ends, in (0, 1).

  Raises:
    ValueError: as for `probability_of_improvement`.
  """
  return _compared(
    *same_tasks(first, second), probability_of_improvement,
    np.random.default_rng(seed), resamples, confidence,
  )  # fmt: skip


def mean_interval(scores: ArrayLike, confidence: float = 0.95) -> Interval:
  """Student's interval of the mean of independent runs, taken as normal.

  A single run gives an interval of no width.

  Args:
    scores: (n,) finite, n at least 1.
    confidence: probability of covering the true mean, in (0, 1).

  Raises:
    ValueError: for an empty, nested or non-finite array.
  """
  mean, deviation = mean_and_deviation(scores)
  count = np.size(scores)
  if count == 1:
    return Interval(mean, mean)
  half = float(deviation / np.sqrt(count) * special.stdtrit(count - 1, (1 + confidence) / 2))
  return Interval(mean - half, mean + half)


def difference_interval(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Interval:
  """Welch's t interval for mean(a) - mean(b) of two independent groups of runs.

  The groups may differ in size and in variance. Two groups without any spread
  give an interval of no width.

  Args:
    a: (n,) finite, n at least 2.
    b: (m,) finite, m at least 2.
    confidence: probability of covering the true difference, in (0, 1).

  Raises:
    ValueError: for a nested or non-finite array, or a group of fewer than 2.
  """
  return mean_difference_interval([(a, b)], confidence=confidence)


def mean_difference_interval(
  pairs: Sequence[tuple[ArrayLike, ArrayLike]], *, confidence: float = 0.95
) -> Interval:
  """Interval for the mean over tasks of mean(a) - mean(b), all groups independent.

  Each task counts alike. Normal errors, with Welch and Satterthwaite's degrees of
  freedom; it tells what other seeds would give on these tasks, nothing about other tasks.

  Args:
    pairs: of each task the groups a, (n,), and b, (m,), finite, n and m at least 2.
    confidence: probability of covering the true mean difference, in (0, 1).

  Raises:
    ValueError: as for `difference_interval`, or without a task.
  """
  groups = [finite(group) for pair in pairs for group in pair]
  if not groups or min(group.size for group in groups) < 2:
    raise ValueError("a difference of means needs at least two runs in each group")
  means = np.array([group.mean() for group in groups]).reshape(-1, 2)
  difference = float(np.mean(means[:, 0] - means[:, 1]))
  parts = np.array([np.var(group, ddof=1) / group.size for group in groups])
  error = np.sqrt(parts.sum()) / len(means)
  if error == 0:
    return Interval(difference, difference)
  # From shares, so that nothing underflows.
  shares = parts / parts.sum()
  freedom = 1 / np.sum(shares**2 / (np.array([group.size for group in groups]) - 1))
  half = float(error * special.stdtrit(freedom, (1 + confidence) / 2))
  return Interval(difference - half, difference + half)


def _compared(
  ours: Mapping[str, np.ndarray],
  theirs: Mapping[str, np.ndarray],
  comparison: Callable[[TaskScores, TaskScores], np.ndarray],
  generator: np.random.Generator,
  resamples: int,
  confidence: float,
) -> Estimate:
  """A comparison of two methods with its interval; the seeds of both are drawn."""
  draws = comparison(
    _resampled(ours, generator, resamples), _resampled(theirs, generator, resamples)
  )
  return _interval(comparison(ours, theirs), draws, confidence)


def _resampled(
  groups: Mapping[str, np.ndarray], generator: np.random.Generator, resamples: int
) -> dict[str, np.ndarray]:
  """Each task's (resamples, n)."""
  return {
    task: group[generator.integers(group.size, size=(resamples, group.size))]
    for task, group in groups.items()
  }


def _interval(value: np.ndarray, draws: np.ndarray, confidence: float) -> Estimate:
  tail = (1 - confidence) / 2
  low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
  return Estimate(value, low, high)
