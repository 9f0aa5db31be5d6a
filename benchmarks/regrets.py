"""Regret of settings over grids of lambda and nu, and whether hints came where a setting fails."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dmg_jax import tasks

Setting = tuple[float, float]


class Cell(NamedTuple):
  """DMG at one lambda and nu on one data set.

  Attributes:
    scores: of the seeds that did not diverge.
    diverged: how many did, by numbers that are not finite.
    beyond_bound: how many of the others have a |Q| beyond `learned.Q_BOUND_FACTOR` times what
      any policy could earn.
    signs: of the hints that the job printed for it.
  """

  scores: tuple[float, ...]
  diverged: int
  beyond_bound: int
  signs: tuple[str, ...]

  @property
  def mean(self) -> float:
    """Of the scores; minus infinity where a seed diverged."""
    return float(np.mean(self.scores)) if self.scores and not self.diverged else -np.inf


Cells = Mapping[Setting, Cell]


def best(grid: Cells) -> Setting:
  """The setting of the largest mean."""
  return max(grid, key=lambda setting: grid[setting].mean)


def defaults(grid: Cells, dataset: str) -> Setting:
  """The point of the grid nearest to the paper's setting for the data, nu by factors."""
  usual = tasks.paper_point(dataset)
  return min(
    grid,
    key=lambda setting: (
      abs(setting[0] - usual["lam"]),
      abs(np.log(max(setting[1], 1e-12) / usual["nu"])),
    ),
  )


def chosen_by_other_seeds(grid: Cells) -> float:
  """Mean score of each seed at the setting that is best by the others.

  The largest of many means of few seeds is too high; this is not. Settings at which a
  seed diverged are not chosen.
  """
  whole = {setting: cell for setting, cell in grid.items() if not cell.diverged}
  count = min(len(cell.scores) for cell in whole.values())
  scores = []
  for seed in range(count):
    others = {
      setting: np.mean([s for place, s in enumerate(cell.scores) if place != seed])
      for setting, cell in whole.items()
    }
    scores.append(whole[max(others, key=lambda setting: others[setting])].scores[seed])
  return float(np.mean(scores))


def regret(grid: Cells, setting: Setting) -> float:
  """The best mean less this setting's, in points."""
  return grid[best(grid)].mean - grid[setting].mean


def mean_regrets(grids: Mapping[str, Cells]) -> dict[Setting, float]:
  """Setting -> its mean regret over the data sets, of the settings that all have."""
  shared = set.intersection(*(set(grid) for grid in grids.values()))
  return {
    setting: float(np.mean([regret(grid, setting) for grid in grids.values()]))
    for setting in sorted(shared)
  }


def one_for_all(grids: Mapping[str, Cells]) -> Setting:
  """The setting of the smallest mean regret."""
  regrets = mean_regrets(grids)
  return min(regrets, key=lambda setting: regrets[setting])


def warnings(grid: Cells, data_score: float, signs: Sequence[str] | None) -> dict[str, int]:
  """How often hints came where the method fails, and only there.

  A cell fails where its mean is below the data's own, or a seed diverged.

  Args:
    grid: of a data set.
    data_score: the data's own mean.
    signs: that count as a warning; None is any.
  """
  counts = dict.fromkeys(("hits", "misses", "false_alarms", "quiet"), 0)
  for cell in grid.values():
    fails = cell.mean < data_score
    warned = bool(cell.signs) if signs is None else any(sign in cell.signs for sign in signs)
    name = ("hits" if warned else "misses") if fails else ("false_alarms" if warned else "quiet")
    counts[name] += 1
  return counts
