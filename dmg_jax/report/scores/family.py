"""Methods side by side on one data set: where they stand, and what DMG adds to each learner."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dmg_jax.report.scores.intervals import Interval, mean_difference_interval
from dmg_jax.report.scores.method_names import order
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task

# An in-sample learner alone, and the same with DMG (the paper's Table 3).
PAIRS = {"IQL": "DMG", "XQL": "XQL+DMG", "SQL": "SQL+DMG", "EQL": "EQL+DMG"}


class Place(NamedTuple):
  """A method on the two axes of the paper's Table 1, on one data set.

  Attributes:
    dataset, method: of the runs; the method without settings.
    scores: (n,) of the seeds.
    distance: (n,) action generalisation: root of the mean squared distance between the
      policy's actions and the data's, per dimension of the action, in [0, 2].
    share: (n,) propagation: share of the bootstrapped value that is of actions off the
      data, in [0, 1]; 0 for cloning, which bootstraps nothing.
  """

  dataset: str
  method: str
  scores: np.ndarray
  distance: np.ndarray
  share: np.ndarray


class Difference(NamedTuple):
  """What a learner scores with DMG, less what it scores alone.

  Attributes:
    dataset: its name, or "" for the mean over several.
    alone: the learner.
    alone_mean, mean: of the learner, and of the learner with DMG.
    difference: of the means.
    interval: 95 %, by Welch; None where a method has a single seed.
  """

  dataset: str
  alone: str
  alone_mean: float
  mean: float
  difference: float
  interval: Interval | None


def side_by_side(scores: Sequence[Score]) -> dict[str, dict[str, list[Score]]]:
  """Data set -> method -> its runs, where two or more methods have one point each.

  Data sets on which a method of ours has several points (a grid) are left out.
  """
  found: dict[str, dict[str, list[Score]]] = {}
  for score in scores:
    if score.job is not None:
      found.setdefault(score.dataset, {}).setdefault(score.member, []).append(score)
  return {
    dataset: {member: methods[member] for member in sorted(methods, key=order)}
    for dataset, methods in found.items()
    if len(methods) > 1 and all(len({run.method for run in runs}) == 1 for runs in methods.values())
  }


def places(scores: Sequence[Score], statistic: str) -> list[Place]:
  """The methods of each data set of `side_by_side` whose logs tell where they stand.

  Args:
    scores: joined.
    statistic: a column of `selection.by_task`.
  """
  numbers = by_task(scores, statistic)
  found = []
  for dataset, methods in side_by_side(scores).items():
    here = [
      Place(
        dataset,
        member,
        numbers[runs[0].method][dataset],
        np.sqrt([run.learned["policy_distance"] for run in runs]),
        np.array([run.learned.get("generalised_share", 0.0) for run in runs]),
      )
      for member, runs in methods.items()
      if dataset in numbers.get(runs[0].method, {})
      and all("policy_distance" in run.learned for run in runs)
    ]
    found += here if len(here) > 1 else []
  return found


def differences(scores: Sequence[Score], statistic: str) -> list[Difference]:
  """Of each pair of `PAIRS` on each data set that has both, and over all that have.

  Args:
    scores: joined.
    statistic: a column of `selection.by_task`.
  """
  numbers = by_task(scores, statistic)
  pairs: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
  for dataset, methods in side_by_side(scores).items():
    known = {
      member: numbers[runs[0].method][dataset]
      for member, runs in methods.items()
      if dataset in numbers.get(runs[0].method, {})
    }
    for alone, together in PAIRS.items():
      if alone in known and together in known:
        pairs.setdefault(alone, {})[dataset] = (known[together], known[alone])
  found = []
  for alone, datasets in pairs.items():
    found += [_difference(alone, {dataset: pair}) for dataset, pair in datasets.items()]
    found += [_difference(alone, datasets)] if len(datasets) > 1 else []
  return found


def _difference(alone: str, pairs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Difference:
  """Over the data sets, which count alike."""
  several = all(min(map(len, pair)) > 1 for pair in pairs.values())
  with_dmg, without = (
    float(np.mean([np.mean(pair[place]) for pair in pairs.values()])) for place in (0, 1)
  )
  return Difference(
    next(iter(pairs)) if len(pairs) == 1 else "",
    alone,
    without,
    with_dmg,
    with_dmg - without,
    mean_difference_interval([*pairs.values()]) if several else None,
  )
