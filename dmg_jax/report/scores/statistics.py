"""Summaries of scores over seeds, and over seeds and tasks together.

After Agarwal et al. (2021, arXiv 2108.13264). Scores of a method are the seeds' scores
on one task, (n,); a mapping from each task to its seeds' scores; or an array
(seeds, tasks). Tasks may differ in their number of seeds and still count alike: each
task has the same share of an average, each seed an equal part of its task's. With equal
numbers this is the paper's definition.

In a mapping, a task's seeds may have leading axes of resamples, (..., n); the result
then has those axes. That is how `intervals` bootstraps.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

TaskScores = Mapping[str, ArrayLike] | Sequence[float] | np.ndarray


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
  values = finite(scores)
  deviation = np.std(values, ddof=1) if values.size > 1 else 0.0
  return float(np.mean(values)), float(deviation)


def mean(scores: TaskScores) -> np.ndarray:
  """Mean over tasks of the tasks' means over seeds.

  Raises:
    ValueError: if there is no task, or one without seeds or with a number that is not finite.
  """
  return np.mean([group.mean(axis=-1) for group in grouped(scores).values()], axis=0)


def interquartile_mean(scores: TaskScores) -> np.ndarray:
  """IQM: mean of the middle half of all runs of all tasks.

  With n seeds on each of m tasks, n m / 4 runs, rounded down, are cut from each
  end: of five seeds on one task the lowest and the highest, of fewer than four none.
  Unequal tasks are counted as if each one's runs were repeated until all had the same
  number.

  Raises:
    ValueError: as for `mean`.
  """
  groups = list(grouped(scores).values())
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
  return mean({task: np.maximum(target - group, 0.0) for task, group in grouped(scores).items()})


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
    [np.mean(group[..., None] > levels, axis=-2) for group in grouped(scores).values()], axis=0
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
  ours, theirs = same_tasks(first, second)
  wins = []
  for task, group in ours.items():
    a, b = group[..., :, None], theirs[task][..., None, :]
    wins.append(np.mean((a > b) + 0.5 * (a == b), axis=(-2, -1)))
  return np.mean(wins, axis=0)


def grouped(scores: TaskScores) -> dict[str, np.ndarray]:
  """Each task's finite (..., n); the task of a plain list of seeds is called "".

  Raises:
    ValueError: if there is no task, or one without seeds or with a number that is not finite.
  """
  if isinstance(scores, Mapping):
    groups = {task: np.asarray(values, np.float64) for task, values in scores.items()}
  else:
    array = np.asarray(scores, np.float64)
    if array.ndim not in (1, 2):
      raise ValueError(f"scores must be (seeds,) or (seeds, tasks), not {array.shape}")
    columns = {"": array} if array.ndim == 1 else {str(t): c for t, c in enumerate(array.T)}
    groups = dict(columns)
  if not groups:
    raise ValueError("there are no tasks to summarise")
  for task, group in groups.items():
    if group.ndim == 0 or group.shape[-1] == 0 or not np.isfinite(group).all():
      where = f" of task {task!r}" if task else ""
      raise ValueError(f"the scores{where} must be finite numbers, at least one")
  return groups


def same_tasks(
  first: TaskScores, second: TaskScores
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  """Both as `grouped`.

  Raises:
    ValueError: as for `grouped`, or if the tasks differ.
  """
  ours, theirs = grouped(first), grouped(second)
  if different := ours.keys() ^ theirs.keys():
    raise ValueError(f"only one of the two methods has scores on {', '.join(sorted(different))}")
  return ours, theirs


def finite(scores: ArrayLike) -> np.ndarray:
  """Scores of one task, (n,) float64.

  Raises:
    ValueError: for an empty, nested or non-finite array.
  """
  values = np.asarray(scores, np.float64)
  if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
    raise ValueError(f"scores must be a non-empty 1-D array of finite numbers, not {scores!r}")
  return values
