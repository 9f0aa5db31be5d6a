"""Summaries of scores over seeds, with the uncertainty that few seeds leave."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


class Interval(NamedTuple):
  """A closed interval, in the unit of the scores."""

  low: float
  high: float


def interquartile_mean(scores: ArrayLike) -> float:
  """Mean of the middle half of the scores (Agarwal et al. 2021, arXiv 2108.13264).

  A quarter of the n scores, rounded down, is cut from each end: of five seeds
  the lowest and the highest, of fewer than four none.

  Args:
    scores: (n,) finite, n at least 1.

  Raises:
    ValueError: for an empty, nested or non-finite array.
  """
  values = np.sort(_finite(scores))
  cut = values.size // 4
  return float(np.mean(values[cut : values.size - cut]))


def mean_and_deviation(scores: ArrayLike) -> tuple[float, float]:
  """Mean and standard deviation over seeds.

  The deviation divides by n - 1 (ddof = 1): the seeds are a sample, and what is
  wanted is the spread of the seeds not run. With five seeds it is 1.12 times
  NumPy's default. One seed has no spread to estimate, and gets 0.

  Args:
    scores: (n,) finite, n at least 1.

  Raises:
    ValueError: for an empty, nested or non-finite array.
  """
  values = _finite(scores)
  deviation = np.std(values, ddof=1) if values.size > 1 else 0.0
  return float(np.mean(values)), float(deviation)


def bootstrap_interval(
  scores: ArrayLike,
  statistic: Callable[[np.ndarray], float],
  *,
  seed: int,
  resamples: int = 2000,
  confidence: float = 0.95,
) -> Interval:
  """Percentile-bootstrap interval of a statistic of independent runs.

  The runs are drawn with replacement, as many as there are. The same seed gives
  the same interval; a single run gives an interval of no width. With five runs
  it covers the truth less often than its nominal confidence, as any bootstrap of so few.

  Args:
    scores: (n,) finite, one for each run.
    statistic: from (n,) to a number, such as `interquartile_mean`.
    seed: of the resampling.
    resamples: how many draws of n runs.
    confidence: probability between the interval's ends, in (0, 1).

  Raises:
    ValueError: for an empty, nested or non-finite array.
  """
  values = _finite(scores)
  rows = np.random.default_rng(seed).integers(values.size, size=(resamples, values.size))
  draws = [statistic(values[row]) for row in rows]
  tail = (1 - confidence) / 2
  low, high = np.quantile(draws, [tail, 1 - tail])
  return Interval(float(low), float(high))


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
  half = float(deviation / np.sqrt(count) * stats.t.ppf((1 + confidence) / 2, count - 1))
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
  first, second = _finite(a), _finite(b)
  if min(first.size, second.size) < 2:
    raise ValueError("a difference of means needs at least two runs in each group")
  difference = float(first.mean() - second.mean())
  parts = [np.var(group, ddof=1) / group.size for group in (first, second)]
  error = np.sqrt(sum(parts))
  if error == 0:
    return Interval(difference, difference)
  # Welch and Satterthwaite's degrees of freedom, from shares so that nothing underflows.
  shares = [part / sum(parts) for part in parts]
  freedom = 1 / (shares[0] ** 2 / (first.size - 1) + shares[1] ** 2 / (second.size - 1))
  half = float(error * stats.t.ppf((1 + confidence) / 2, freedom))
  return Interval(difference - half, difference + half)


def _finite(scores: ArrayLike) -> np.ndarray:
  values = np.asarray(scores, np.float64)
  if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
    raise ValueError(f"scores must be a non-empty 1-D array of finite numbers, not {scores!r}")
  return values
