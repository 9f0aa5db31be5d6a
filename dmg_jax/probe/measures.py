"""What tells how good Q is off the data, and the uncertainty of it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

_RESAMPLES = 1000
_TAIL = 2.5  # percent, at each end


class Interval(NamedTuple):
  """A value with its 95 % bootstrap interval."""

  value: float
  low: float
  high: float

  @property
  def sign(self) -> int:
    """1 or -1 where the interval is on one side of 0, else 0."""
    return int(self.low > 0) - int(self.high < 0)


# From values and returns (..., D, N), at D distances from N states, to a number for each distance.
Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]


def bias(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(..., D) mean of Q - G: positive where Q promises too much."""
  return (values - returns).mean(axis=-1)


def deviation(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(..., D) standard deviation of Q - G over states."""
  return (values - returns).std(axis=-1, ddof=1)


def rank_of_values(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(..., D) Spearman's correlation of Q and G over states; 0 where one of them is constant."""
  first, second = (stats.rankdata(array, axis=-1) for array in (values, returns))
  first, second = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (first, second))
  scale = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
  products = (first * second).sum(axis=-1)
  return np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0)


def rank_of_effects(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(..., D) the same of what the move changes: Q - Q(0) and G - G(0); 0 at distance 0.

  It tells whether Q knows which moves help, whatever the state is worth.
  """
  return rank_of_values(values - values[..., :1, :], returns - returns[..., :1, :])


def intervals(measure: Measure, values: np.ndarray, returns: np.ndarray) -> list[Interval]:
  """A measure of several runs, averaged over them, at each distance.

  The interval is that of other states and other seeds: states are drawn with
  replacement, the same for all runs and distances, and so are runs where there
  are several. One run alone leaves the seeds out.

  Args:
    measure: of one run.
    values, returns: (R, D, N) of R runs in the same N states.
  """
  centre = measure(values, returns).mean(axis=0)
  return _between(centre, _drawn(measure, values, returns))


def difference(
  measure: Measure,
  first: tuple[np.ndarray, np.ndarray],
  second: tuple[np.ndarray, np.ndarray],
) -> list[Interval]:
  """measure(first) - measure(second) at each distance; both in the same states, drawn alike.

  Args:
    measure: of one run.
    first, second: values and returns, (R, D, N) each.
  """
  centre = measure(*first).mean(axis=0) - measure(*second).mean(axis=0)
  return _between(centre, _drawn(measure, *first) - _drawn(measure, *second))


def mean_interval(samples: np.ndarray) -> Interval:
  """The mean of samples (R, N): R runs, N episodes or states that are the same for all."""
  columns = samples[:, None]
  return intervals(bias, columns, np.zeros_like(columns))[0]


def _drawn(measure: Measure, values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(draws, D): the measure where states and runs are drawn.

  The same states are drawn, whatever the runs are.
  """
  runs, _, states = values.shape
  chosen = np.random.default_rng(0).integers(states, size=(_RESAMPLES, states))
  drawn = np.random.default_rng(1).integers(runs, size=(_RESAMPLES, runs))
  of_runs = [
    measure(*(np.moveaxis(array[:, chosen], 1, 0) for array in run))
    for run in zip(values, returns, strict=True)
  ]
  return np.array(of_runs)[drawn, np.arange(_RESAMPLES)[:, None]].mean(axis=1)


def _between(centre: np.ndarray, draws: np.ndarray) -> list[Interval]:
  low, high = np.percentile(draws, [_TAIL, 100 - _TAIL], axis=0)
  return [Interval(*map(float, row)) for row in zip(centre, low, high, strict=True)]
