"""Student's interval of a mean over seeds, where a symmetric one is wanted."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dmg_jax.report.statistics import Interval, mean_and_deviation


def mean_interval(scores: ArrayLike, confidence: float = 0.95) -> Interval:
  """The interval of the mean of independent runs, taken as normal.

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
  half = deviation / math.sqrt(count) * float(stats.t.ppf((1 + confidence) / 2, count - 1))
  return Interval(mean - half, mean + half)
