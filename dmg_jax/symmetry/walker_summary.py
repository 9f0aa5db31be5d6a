"""What the cells of `walker` say: the best use of a symmetry against the best nu without it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Cells = Mapping[str, Any]
# A use of the symmetry and a nu.
Point = tuple[str, str]
Points = Mapping[Point, np.ndarray]


class Comparison(NamedTuple):
  """The best points of two groups of points, and their difference.

  Attributes:
    best: the point with the largest mean over all seeds, and that mean: biased upwards, as it
      is chosen on the same seeds.
    gains: (S,) of each seed: the score of the point that the other seeds choose, less that of
      the one that they choose without the symmetry. No seed chooses its own point.
  """

  best: Point
  mean: float
  gains: np.ndarray


def sets(part: Mapping[str, Any]) -> list[str]:
  """Those that all uses were measured on, such as "medium 0.1", in order."""
  settings = part["settings"]
  names = [f"{tier} {share:g}" for tier in settings["tiers"] for share in settings["shares"]]
  return [
    name for name in names if all(f"{name} {use}" in part["cells"] for use in settings["uses"])
  ]


def points(cells: Cells, of: str, uses: Sequence[str]) -> dict[Point, np.ndarray]:
  """(S,) scores at each use and nu of a set; points at which a run diverged are left out."""
  return {
    (use, nu): np.array(scores)
    for use in uses
    for nu, scores in cells[f"{of} {use}"]["scores"].items()
    if None not in scores
  }


def compare(mine: Points, plain: Points) -> Comparison:
  """Points that use the symmetry against points without it.

  Args:
    mine, plain: (S,) scores at each point, of the same seeds; at least two seeds.
  """
  best = max(mine, key=lambda point: mine[point].mean())
  seeds = len(mine[best])
  gains = [_chosen(mine, seed) - _chosen(plain, seed) for seed in range(seeds)]
  return Comparison(best, float(mine[best].mean()), np.array(gains))


def _chosen(among: Points, seed: int) -> float:
  """A seed's score at the point that is best on the other seeds."""
  best = max(among.values(), key=lambda scores: np.delete(scores, seed).mean())
  return float(best[seed])
