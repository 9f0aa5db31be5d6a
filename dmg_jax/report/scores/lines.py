"""Runs that differ in one or two settings alone, point by point of these."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.report import learned
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task

SYMBOLS = {"lam": r"$\lambda$", "nu": r"$\nu$"}


class Point(NamedTuple):
  """The seeds of one method at one value of the settings.

  Attributes:
    scores: (n,) of the seeds that have one.
    q: (m,) mean Q(s, a) of the data, as last logged, of the seeds that have one.
    diverged: how many seeds did: numbers stopped being finite, or |Q| is beyond
      `learned.Q_BOUND_FACTOR` times what any policy could earn.
    q_bound: what any policy could earn; NaN where unknown.
  """

  scores: np.ndarray
  q: np.ndarray
  diverged: int
  q_bound: float


# (value of each setting) -> point
Line = Mapping[tuple[float, ...], Point]


def lines(
  scores: Sequence[Score], diverged: Sequence[Score], settings: tuple[str, ...], statistic: str
) -> dict[str, dict[str, Line]]:
  """Data set -> label -> line.

  Runs on a line differ in the settings alone: same method, steps and other settings.
  Only lines with two or more values of each setting are there.

  Args:
    scores: joined; those without the settings, as all from elsewhere, are left out.
    diverged: runs without a score.
    settings: keys of `SYMBOLS`.
    statistic: a column of `selection.by_task`.

  Raises:
    ValueError: if two methods would be one point of a line.
  """
  numbers = by_task(scores, statistic)
  known = [score for score in scores if score.dataset in numbers.get(score.method, {})]
  groups: dict[str, dict[tuple, dict[tuple[float, ...], list[Score]]]] = {}
  for score in on_lines([*known, *diverged], settings):
    points = groups.setdefault(score.dataset, {}).setdefault(_key(score, settings), {})
    runs = points.setdefault(_values(score, settings), [])
    if runs and runs[0].method != score.method:
      raise ValueError(
        f"{runs[0].method} and {score.method} on {score.dataset} differ in no setting"
      )
    runs.append(score)
  return {
    dataset: {
      _label(key, list(found)): {
        values: _point(points[values], numbers) for values in sorted(points)
      }
      for key, points in found.items()
    }
    for dataset, found in groups.items()
  }


def on_lines(scores: Iterable[Score], settings: tuple[str, ...]) -> list[Score]:
  """The scores of runs that share a line with some of another value of each setting."""
  having = [
    score
    for score in scores
    if score.job is not None and all(setting in score.settings for setting in settings)
  ]
  found: dict[tuple, set[tuple[float, ...]]] = {}
  for score in having:
    line = found.setdefault((score.dataset, _key(score, settings)), set())
    line.add(_values(score, settings))
  places = range(len(settings))
  varied = {
    key
    for key, points in found.items()
    if all(len({values[place] for values in points}) > 1 for place in places)
  }
  return [score for score in having if (score.dataset, _key(score, settings)) in varied]


def _point(runs: Sequence[Score], numbers: Mapping[str, Mapping[str, np.ndarray]]) -> Point:
  first = runs[0]
  bounds = [run.learned["q_bound"] for run in runs if "q_bound" in run.learned]
  return Point(
    scores=numbers.get(first.method, {}).get(first.dataset, np.zeros(0)),
    q=np.array([run.learned["q"] for run in runs if "q" in run.learned]),
    diverged=sum(bool(np.isnan(run.last)) or learned.is_beyond_bound(run.learned) for run in runs),
    q_bound=max(bounds, default=np.nan),
  )


def _values(score: Score, settings: tuple[str, ...]) -> tuple[float, ...]:
  return tuple(score.settings[setting] for setting in settings)


def _key(score: Score, settings: tuple[str, ...]) -> tuple:
  """What the runs of a line have in common."""
  others = sorted((k, v) for k, v in score.settings.items() if k not in settings)
  return (_shared(score), score.steps, *others)


def _shared(score: Score) -> str:
  """The method without what `settings` tell: of "DMG (lam 0.5, batch_size 32)", all but lambda."""
  rest = score.method.removesuffix(")").partition(" (")[2]
  parts = [part for part in rest.split(", ") if part and part.split()[0] not in score.settings]
  return f"{score.member} ({', '.join(parts)})" if parts else score.member


def _label(key: tuple, keys: Sequence[tuple]) -> str:
  """The method, and in what else its line differs from the others."""
  parts = [key[0]]
  if len({other[1] for other in keys}) > 1:
    parts.append(f"{key[1]:,} steps")
  for name, number in key[2:]:
    if any((name, number) not in other[2:] for other in keys):
      parts.append(f"{SYMBOLS.get(name, name)} = {_shown(number)}")
  return ", ".join(parts)


def _shown(value: Any) -> str:
  if isinstance(value, tuple):
    return "x".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)
