"""Methods side by side as tables: where they stand, and what DMG adds."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from dmg_jax.report.numbers import fixed, interval, plus_minus, signed
from dmg_jax.report.scores.family import PAIRS, Difference, Place
from dmg_jax.report.scores.statistics import mean_and_deviation
from dmg_jax.report.tables.grids import Grid

_COLUMNS = ("dataset", "method", "seeds", "mean", "sd", "policy_distance", "generalised_share")


def places_grid(places: Sequence[Place], sentence: str) -> Grid:
  """A line for each method on each data set.

  Args:
    places: from `family.places`.
    sentence: what the scores are.
  """
  groups: dict[str, list[tuple[str, ...]]] = {}
  for place in places:
    groups.setdefault(place.dataset, []).append(
      (
        place.dataset,
        place.method,
        _mean(place.distance, 3),
        _mean(place.share, 3),
        plus_minus(*_score(place.scores)),
        str(len(place.scores)),
      )
    )
  return Grid(
    "Where the methods stand",
    (
      f"{sentence}.",
      "Action generalisation: root of the mean squared distance between the policy's actions and"
      " the data's, per dimension of the action. Propagation: share of the bootstrapped value"
      " that is of actions off the data; 0 for cloning, which bootstraps nothing. Both from the"
      " last row of the log, mean over seeds.",
    ),
    ("data set", "method", "action generalisation", "propagation", "score", "seeds"),
    2,
    tuple(map(tuple, groups.values())),
  )


def places_comma_separated(places: Sequence[Place]) -> str:
  """One line for each method on each data set, unrounded."""
  stream = io.StringIO()
  writer = csv.writer(stream, lineterminator="\n")
  writer.writerow(_COLUMNS)
  for place in places:
    mean, deviation = _score(place.scores)
    writer.writerow(
      (
        place.dataset, place.method, len(place.scores), mean, deviation,
        float(np.mean(place.distance)), float(np.mean(place.share)),
      )
    )  # fmt: skip
  return stream.getvalue()


def differences_grid(differences: Sequence[Difference], sentence: str) -> Grid:
  """A line for each learner on each data set, and over all.

  Args:
    differences: from `family.differences`.
    sentence: what the scores are.
  """
  groups: dict[str, list[tuple[str, ...]]] = {}
  for found in differences:
    groups.setdefault(found.alone, []).append(
      (
        f"{found.alone} -> {PAIRS[found.alone]}",
        found.dataset or "mean of these data sets",
        fixed(found.alone_mean),
        fixed(found.mean),
        signed(found.difference),
        "" if found.interval is None else interval(found.interval, 1),
      )
    )
  return Grid(
    "What DMG adds to each in-sample learner",
    (
      f"{sentence}.",
      "The interval holds the difference of the means with 95 % confidence: Student's t with"
      " Welch and Satterthwaite's degrees of freedom, seeds independent. It tells what other"
      " seeds would give on these data sets.",
    ),
    ("learner", "data set", "alone", "with DMG", "difference", "95 % interval"),
    2,
    tuple(map(tuple, groups.values())),
  )


def _mean(values: np.ndarray, decimals: int) -> str:
  return fixed(float(np.mean(values)), decimals)


def _score(scores: np.ndarray) -> tuple[float, float | None]:
  mean, deviation = mean_and_deviation(scores)
  return mean, deviation if len(scores) > 1 else None
