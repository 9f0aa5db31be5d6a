"""Summaries over seeds and tasks together, after Agarwal et al. (2021, arXiv 2108.13264).

Scores of a method are a mapping from each task to its seeds' scores, or an
array (seeds, tasks). Tasks may differ in their number of seeds and still count
alike: each task has the same share of an average, each seed an equal part of
its task's. With equal numbers this is the paper's definition.

Every function also takes resamples, as leading axes of a task's seeds, (..., n);
its result then has those axes. That is how `estimate` bootstraps.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

TaskScores = Mapping[str, ArrayLike] | np.ndarray


class Estimate(NamedTuple):
  """A statistic and its bootstrap interval; each () or, for a profile, (thresholds,)."""

  value: np.ndarray
  low: np.ndarray
  high: np.ndarray


def mean(scores: TaskScores) -> np.ndarray:
  """Mean over tasks of the tasks' means over seeds.

  Raises:
    ValueError: if there is no task, or one without seeds or with a number that is not finite.
  """
  return np.mean([group.mean(axis=-1) for group in _groups(scores).values()], axis=0)


def interquartile_mean(scores: TaskScores) -> np.ndarray:
  """IQM: mean of the middle half of all runs of all tasks.

  With n seeds on each of m tasks, n m / 4 runs, rounded down, are cut from each
  end. Unequal tasks are counted as if each one's runs were repeated until all
  had the same number.

  Raises:
    ValueError: as for `mean`.
  """
  groups = list(_groups(scores).values())
  sizes = [group.shape[-1] for group in groups]
  runs = len(sizes) * math.lcm(*sizes)
  cut = (runs // 4) / runs
  values = np.concatenate(groups, axis=-1)
  weights = np.concatenate([np.full(size, 1 / (size * len(sizes))) for size in sizes])
  order = np.argsort(values, axis=-1)
  ends = np.clip(np.cumsum(weights[order], axis=-1), cut, 1 - cut)
  shares = np.diff(ends, axis=-1, prepend=cut)
  return np.sum(shares * np.take_along_axis(values, order, axis=-1), axis=-1) / (1 - 2 * cut)


def optimality_gap(scores: TaskScores, target: float = 100.0) -> np.ndarray:
  """By how much runs miss a target on average; runs beyond it miss it by 0.

  Args:
    scores: of the tasks.
    target: in their unit; 100 is D4RL's expert.

  Raises:
    ValueError: as for `mean`.
  """
  return mean({task: np.maximum(target - group, 0.0) for task, group in _groups(scores).items()})


def performance_profile(scores: TaskScores, thresholds: ArrayLike) -> np.ndarray:
  """Share of runs that score more than each threshold, averaged over tasks.

  This is the paper's run-score distribution.

  Args:
    scores: of the tasks.
    thresholds: (K,), in their unit.

  Returns:
    (..., K) in [0, 1].

  Raises:
    ValueError: as for `mean`.
  """
  levels = np.asarray(thresholds, np.float64)
  return np.mean(
    [np.mean(group[..., None] > levels, axis=-2) for group in _groups(scores).values()], axis=0
  )


def probability_of_improvement(first: TaskScores, second: TaskScores) -> np.ndarray:
  """P(a run of `first` scores more than one of `second`), averaged over tasks; ties count half.

  On each task it is the Mann-Whitney U statistic over the number of pairs.

  Args:
    first: scores of one method.
    second: scores of the other, on the same tasks.

  Raises:
    ValueError: as for `mean`, or if the tasks differ.
  """
  ours, theirs = _same_tasks(first, second)
  wins = []
  for task, group in ours.items():
    a, b = group[..., :, None], theirs[task][..., None, :]
    wins.append(np.mean((a > b) + 0.5 * (a == b), axis=(-2, -1)))
  return np.mean(wins, axis=0)


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
  A task of one seed adds no width.

  Args:
    scores: of the tasks, without leading axes.
    statistic: a function of this module that takes one method's scores.
    seed: of the resampling; the same seed gives the same interval.
    resamples: how many draws.
    confidence: probability between the ends, in (0, 1).

  Raises:
    ValueError: as for `mean`.
  """
  groups = _groups(scores)
  draws = statistic(_resampled(groups, np.random.default_rng(seed), resamples))
  return _interval(statistic(groups), draws, confidence)


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
  ours, theirs = _same_tasks(first, second)
  generator = np.random.default_rng(seed)
  draws = probability_of_improvement(
    _resampled(ours, generator, resamples), _resampled(theirs, generator, resamples)
  )
  return _interval(probability_of_improvement(ours, theirs), draws, confidence)


def _groups(scores: TaskScores) -> dict[str, np.ndarray]:
  """Each task's finite (..., n)."""
  if isinstance(scores, np.ndarray):
    if scores.ndim != 2:
      raise ValueError(f"an array of scores must be (seeds, tasks), not {scores.shape}")
    scores = {str(task): column for task, column in enumerate(scores.T)}
  groups = {task: np.asarray(values, np.float64) for task, values in scores.items()}
  if not groups:
    raise ValueError("there are no tasks to summarise")
  for task, group in groups.items():
    if group.ndim == 0 or group.shape[-1] == 0 or not np.isfinite(group).all():
      raise ValueError(f"the scores of task {task!r} must be finite numbers, at least one")
  return groups


def _same_tasks(
  first: TaskScores, second: TaskScores
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  ours, theirs = _groups(first), _groups(second)
  if different := ours.keys() ^ theirs.keys():
    raise ValueError(f"only one of the two methods has scores on {', '.join(sorted(different))}")
  return ours, theirs


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
