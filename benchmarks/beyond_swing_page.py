"""The section of docs/beyond.md on scores that swing between evaluations."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import beyond_second
from beyond_jobs import (
  BASE,
  COSTLY,
  METHODS,
  NORMALISED,
  PLUS,
  REPORT,
  ROBOTS,
  SEARCH,
  SECOND,
  TITLES,
)
from beyond_scores import Side, report_sides, searched, searched_measures
from beyond_words import bounds, wrapped
from family_pages import row

from dmg_jax.report.scores.intervals import mean_difference_interval

_OPTIONS = {
  "average": "averaged policy evaluated",
  "constant": "constant rate of the actor, not a cosine over the run",
}
_TEN = "norm_ten_critics"
# Data set -> side.
_Sides = Mapping[str, Side]


class Pair(NamedTuple):
  """Runs with something, and without it, on the same data sets.

  Attributes:
    name: of what the first have.
    reference: of the second.
    where: they were measured.
    ours, theirs: data set -> side.
  """

  name: str
  reference: str
  where: str
  ours: _Sides
  theirs: _Sides


def section(result: Mapping[str, Any]) -> Iterator[str]:
  """Lines on what calms, or not: swings of all that was measured in pairs."""
  yield "## Swings between evaluations"
  yield ""
  yield from wrapped(
    "Does a setting make a run's scores calmer? Swings are means over seeds and data sets. A "
    "difference is the setting's value minus the reference's, with a 95 % interval over seeds "
    "(Welch's). A swing also contains what a run still learns, and low scores swing little."
  )
  yield ""
  yield row(
    "setting", "reference", "on", "evaluations", "swing: reference", "setting",
    "difference of swings", "difference of measures",
  )  # fmt: skip
  yield row("---", "---", "---", *["---:"] * 5)
  calmer = []
  for pair in pairs(result):
    whole = _whole(pair)
    numbers = _numbers(pair) if whole else ["a run diverged", *[""] * 4]
    yield row(pair.name, pair.reference, pair.where, *numbers)
    if whole and mean_difference_interval(_both(pair, "swings")).high < 0:
      calmer.append(f"{pair.name} ({pair.where})")
  yield ""
  yield from wrapped(
    f"Calmer than its reference, by an interval below zero: {'; '.join(calmer) or 'none'}."
  )
  yield ""
  yield from wrapped(
    "Evaluations: past half of a run's steps. The first search was cut before the end of the "
    "actor's cosine; elsewhere it covers the run, as the paper's covers a million steps."
  )
  yield ""


def pairs(result: Mapping[str, Any]) -> Iterator[Pair]:
  """What was measured with and without something, where both are there."""
  found = searched(result[SEARCH])
  for name, reference in ((NORMALISED, BASE), *((f"norm_{one}", NORMALISED) for one in _OPTIONS)):
    if {name, reference} <= {*found}:
      title = _OPTIONS.get(name.removeprefix("norm_"), "LayerNorm")
      yield Pair(
        title, METHODS.get(reference, "LayerNorm"), "first search", found[name], found[reference]
      )
  if SECOND in result and (chosen := beyond_second.chosen(searched_measures(result))):
    for part, where in ((SECOND, "second search"), (ROBOTS, "robots, the paper's rates")):
      found = searched(result[part]) if part in result else {}
      if {chosen, BASE} <= {*found}:
        yield Pair(TITLES[chosen], METHODS[BASE], where, found[chosen], found[BASE])
  found = searched(result[COSTLY]) if COSTLY in result else {}
  if {_TEN, NORMALISED} <= {*found}:
    yield Pair("10 critics", "LayerNorm", "the other ingredients", found[_TEN], found[NORMALISED])
  if REPORT not in result:
    return
  unseen = report_sides(result[REPORT])
  if unseen:
    plain, plus = ({task: one[name] for task, one in unseen.items()} for name in (BASE, PLUS))
    yield Pair(METHODS[PLUS], METHODS[BASE], "data of the report", plus, plain)


def _whole(pair: Pair) -> bool:
  """Whether no run diverged: those that are left would look calmer than the setting is."""
  return not any(one.diverged for sides in (pair.ours, pair.theirs) for one in sides.values())


def _numbers(pair: Pair) -> list[str]:
  counts = dict.fromkeys(one.evaluations for one in (*pair.ours.values(), *pair.theirs.values()))
  return [
    " or ".join(map(str, counts)),
    *(f"{_mean(sides):.1f}" for sides in (pair.theirs, pair.ours)),
    *(_difference(pair, what) for what in ("swings", "measures")),
  ]


def _mean(sides: _Sides) -> float:
  return sum(one.swing for one in sides.values()) / len(sides)


def _both(pair: Pair, what: str) -> list[tuple[list[float], list[float]]]:
  """Of each data set the seeds' numbers of both."""
  return [(getattr(pair.ours[task], what), getattr(pair.theirs[task], what)) for task in pair.ours]


def _difference(pair: Pair, what: str) -> str:
  """Of the means over the data sets, with its interval."""
  both = _both(pair, what)
  low, high = mean_difference_interval(both)
  mean = sum(sum(ours) / len(ours) - sum(theirs) / len(theirs) for ours, theirs in both)
  return f"{mean / len(both):+z.1f} {bounds(low, high)}"
