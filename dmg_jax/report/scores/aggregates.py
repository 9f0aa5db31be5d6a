"""Methods compared over several data sets at once, after Agarwal et al. (2021, arXiv 2108.13264).

Intervals are of the stratified bootstrap over seeds, at 95 %; the data sets stay.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dmg_jax.report.scores.intervals import Estimate, estimate, estimate_improvement
from dmg_jax.report.scores.statistics import interquartile_mean, optimality_gap

# method -> data set -> scores of its seeds, the same data sets for all.
Population = Mapping[str, Mapping[str, Sequence[float]]]
SEED, DRAWS = 0, 2000


class Aggregates(NamedTuple):
  """Numbers over all data sets of a population, each with its interval.

  Attributes:
    iqm: method -> interquartile mean of its runs.
    gap: method -> optimality gap to 100.
    first: the method that `improvement` is about, the population's first.
    improvement: other method -> probability that a run of `first` scores more.
  """

  iqm: dict[str, Estimate]
  gap: dict[str, Estimate]
  first: str
  improvement: dict[str, Estimate]


def aggregate(population: Population) -> Aggregates:
  """The numbers of a population of one or more methods.

  Raises:
    ValueError: if a method has no scores, or methods have different data sets.
  """
  (first, tasks), *others = population.items()

  def all_methods(statistic) -> dict[str, Estimate]:
    return {
      method: estimate(arrays(numbers), statistic, seed=SEED, resamples=DRAWS)
      for method, numbers in population.items()
    }

  return Aggregates(
    all_methods(interquartile_mean),
    all_methods(optimality_gap),
    first,
    {
      method: estimate_improvement(arrays(tasks), arrays(theirs), seed=SEED, resamples=DRAWS)
      for method, theirs in others
    },
  )


def arrays(tasks: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
  """Each data set's (seeds,) float64."""
  return {task: np.asarray(scores, np.float64) for task, scores in tasks.items()}
