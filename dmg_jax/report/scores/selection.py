"""Which number of a score enters a report, and that no seed enters twice."""

from collections.abc import Iterable

import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.report.scores.score import Score

# The best evaluation of a run is known only by looking at all: it says what a
# lucky stop would have got, and stands in a report only where its name does.
COLUMNS = ("last", "last_ten", "best")


def join(*parts: Iterable[Score]) -> list[Score]:
  """The scores of several sources as one list.

  Args:
    parts: each of one source that may fill a cell: all run directories, or one
      file of scores.

  Raises:
    UserError: if a method on a dataset is in two parts, or in a run of ours and
      elsewhere; if one seed of it is there twice; or if its seeds were trained
      for different numbers of steps.
  """
  placed = [(place, score) for place, part in enumerate(parts) for score in part]
  seeds: dict[tuple[str, str, int], Score] = {}
  cells: dict[tuple[str, str], tuple[int, Score]] = {}
  for place, score in placed:
    what = f"{score.method} on {score.dataset}"
    first_place, first = cells.setdefault((score.method, score.dataset), (place, score))
    # Names that a table holds alike meet within one part.
    if first_place != place or (first.job is None) != (score.job is None):
      raise UserError(
        f"{what} is in {first.source} and in {score.source}, which cannot share a cell; give one"
        " method another name"
      )
    if first.steps != score.steps:
      raise UserError(
        f"{what} has seeds of different lengths: {_steps(first)}, {_steps(score)}; leave one of"
        " them out, or give one method another name"
      )
    first = seeds.setdefault((score.method, score.dataset, score.seed), score)
    if first is not score:
      raise UserError(
        f"seed {score.seed} of {what} is in {first.source} and again in {score.source}; leave one"
        " of them out, or give one method another name"
      )
  return [score for _, score in placed]


def by_task(scores: Iterable[Score], column: str = "last") -> dict[str, dict[str, np.ndarray]]:
  """method -> dataset -> (seeds,) numbers, seeds ascending; datasets and methods as they come.

  A cell in which the column is not known for every seed is left out: `last_ten`
  and `best` are not known where only final scores are.

  Args:
    scores: joined.
    column: "last" evaluation, mean of the "last_ten", or the "best" evaluation,
      which is picked by its score and has to be named so.

  Raises:
    ValueError: for any other column.
  """
  if column not in COLUMNS:
    raise ValueError(f"scores have the columns {COLUMNS}, not {column!r}")
  cells: dict[str, dict[str, dict[int, float]]] = {}
  for score in scores:
    seeds = cells.setdefault(score.method, {}).setdefault(score.dataset, {})
    seeds[score.seed] = _number(score, column)
  known = {
    method: {
      dataset: np.array([seeds[seed] for seed in sorted(seeds)])
      for dataset, seeds in datasets.items()
      if np.isfinite(list(seeds.values())).all()
    }
    for method, datasets in cells.items()
  }
  return {method: datasets for method, datasets in known.items() if datasets}


def _number(score: Score, column: str) -> float:
  if column == "best":
    return max(score.evaluation_scores, default=float("nan"))
  return score.last if column == "last" else score.last_ten


def _steps(score: Score) -> str:
  steps = f"{score.steps:,} steps" if score.steps else "an unknown number of steps"
  return f"{steps} in {score.source}"
