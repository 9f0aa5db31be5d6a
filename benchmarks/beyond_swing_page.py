"""The section of docs/beyond.md on scores that swing between evaluations."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import beyond_second
from beyond_jobs import (
  BASE,
  CALM,
  CALM_DATA,
  CALM_OPTIONS,
  NORMALISED,
  PLUS,
  REPORT,
  SEARCH,
  SECOND,
  TITLES,
)
from beyond_scores import Side, report_sides, searched, searched_measures, side
from beyond_words import wrapped
from family_pages import row

from dmg_jax.report.scores.intervals import mean_difference_interval

_OPTIONS = {
  "average": "averaged policy evaluated",
  "constant": "constant rate of the actor, not a cosine over the run",
}
_METHODS = {BASE: "DMG", PLUS: "`dmg_plus`"}
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
    "Does a setting calm a run's scores? Swings are means over seeds and data sets; differences "
    "are of what is named less its reference, with 95 % intervals over seeds. The cosine covers "
    "each run's own length, as the paper's covers a million steps; at its end the policy stands "
    "still."
  )
  yield ""
  yield row(
    "what", "less", "on", "swing, reference", "swing", "difference, 95 %", "measure, 95 %"
  )  # fmt: skip
  yield row("---", "---", "---", *["---:"] * 4)
  for pair in filter(_whole, pairs(result)):
    yield row(
      pair.name,
      pair.reference,
      pair.where,
      *(f"{_mean(sides):.1f}" for sides in (pair.theirs, pair.ours)),
      *(_difference(pair, what) for what in ("swings", "measures")),
    )
  yield ""


def pairs(result: Mapping[str, Any]) -> Iterator[Pair]:
  """What was measured with and without something, where both are there."""
  found = searched(result[SEARCH])
  for name, reference in ((NORMALISED, BASE), *((f"norm_{one}", NORMALISED) for one in _OPTIONS)):
    if {name, reference} <= {*found}:
      title = _OPTIONS.get(name.removeprefix("norm_"), "LayerNorm")
      yield Pair(
        title, _METHODS.get(reference, "LayerNorm"), "first search", found[name], found[reference]
      )
  if SECOND in result and (chosen := beyond_second.chosen(searched_measures(result))):
    found = searched(result[SECOND])
    yield Pair(TITLES[chosen], _METHODS[BASE], "second search", found[chosen], found[BASE])
  if REPORT not in result:
    return
  unseen = report_sides(result[REPORT])
  plain, plus = ({task: one[name] for task, one in unseen.items()} for name in (BASE, PLUS))
  yield Pair(_METHODS[PLUS], _METHODS[BASE], "data of the report", plus, plain)
  (task,) = CALM_DATA
  jobs = result[CALM]["jobs"] if CALM in result else {}
  for option in CALM_OPTIONS:
    for method, title in _METHODS.items():
      if (job := jobs.get(f"{option}_{method}")) and task in unseen:
        ours = {task: side(job["data"][task][method])}
        yield Pair(_OPTIONS[option], title, f"`{task}`", ours, {task: unseen[task][method]})


def _whole(pair: Pair) -> bool:
  """Whether no run diverged: those that are left would look calmer than the setting is."""
  return not any(one.diverged for sides in (pair.ours, pair.theirs) for one in sides.values())


def _mean(sides: _Sides) -> float:
  return sum(one.swing for one in sides.values()) / len(sides)


def _difference(pair: Pair, what: str) -> str:
  """Of the means over the data sets, with its interval."""
  both = [(getattr(pair.ours[task], what), getattr(pair.theirs[task], what)) for task in pair.ours]
  low, high = mean_difference_interval(both)
  mean = sum(sum(ours) / len(ours) - sum(theirs) / len(theirs) for ours, theirs in both)
  return f"{mean / len(both):+.1f} [{low:.1f}, {high:.1f}]"
