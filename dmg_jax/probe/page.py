"""The page on the study, docs/generalisation.md, from the stored numbers alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dmg_jax.probe import shift
from dmg_jax.probe.figures import Summary
from dmg_jax.probe.findings import findings
from dmg_jax.probe.measures import Interval

_ENOUGH_SEEDS = 10
_SHOWN_DISTANCES = (0.0, 0.5, 1.0)
_CAPTIONS = {
  "rays": "Q against returns G, by the distance from the data's action",
  "chain": "how Q - G gathers along the chain, and its whole against lambda",
  "shift": "scores in changed worlds",
}


def page(
  results: Mapping[str, Any],
  summary: Summary,
  pictures: Mapping[str, Sequence[str]],
  numbers_link: str,
) -> str:
  """The page in Markdown.

  Args:
    results: of the study, with "command", "device", "versions" and "seconds".
    summary: of `summary.summarise`.
    pictures: robot -> links to its pictures.
    numbers_link: from the page to the numbers.
  """
  lines = [
    "# Generalisation off the data: what finished runs know",
    "",
    "<!-- Made by benchmarks/generalisation.py from stored numbers; not to be edited. -->",
    "",
    *_head(results, numbers_link),
    "## What was found",
    "",
    *(f"* {sentence}" for sentence in findings(results)),
    "",
    "An interval that contains 0 counts as undecided. Counts are over pairs that share data and",
    "states, so they are not independent, and no correction for many comparisons is made.",
    "",
    "## Off the data: Q against the return",
    "",
    *_explained(results),
    *_values(results, summary),
    *_shown("rays", pictures),
    "## Along the chain",
    "",
    *_chain_explained(),
    *_chain(results, summary),
    *_shown("chain", pictures),
    "## Distance to the data's actions",
    "",
    *_distances(results, summary),
    "## Changed worlds",
    "",
    *_shift(results, summary),
    *_shown("shift", pictures),
    "## Limits",
    "",
    *_limits(results),
  ]
  return "\n".join(lines) + "\n"


def _head(results: Mapping[str, Any], numbers_link: str) -> Iterator[str]:
  versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
  steps = sorted({row["step"] for row in results["runs"]})
  yield (
    f"{len(results['runs'])} runs on {_count(results['tasks'])}, trained for "
    f"{' or '.join(f'{step:,}' for step in steps)} steps, were measured by "
    f"`{results['command']}` in {results['seconds']:,.0f} s on {results['device']} ({versions})."
  )
  yield f"All numbers, for each run and state: [`{numbers_link}`]({numbers_link})."
  names = ", ".join(f"`{name}`" for name in results["tasks"])
  yield f"Data sets: {names}; those called `dmg/...` are made by this package and not D4RL's."
  for line in results["left_out"]:
    yield f"Left out: {line}."
  without = dict.fromkeys(row["name"] for row in results["runs"] if "q" not in row)
  if without:
    yield f"Without critics, so without Q: {', '.join(without)}."
  yield ""


def _count(tasks: Mapping[str, Any]) -> str:
  return f"{len(tasks)} data set{'s' if len(tasks) > 1 else ''}"


def _explained(results: Mapping[str, Any]) -> Iterator[str]:
  settings = results["settings"]
  discounts = sorted({row["discount"] for row in results["runs"] if "q" in row})
  bounds = ", ".join(f"{100 * gamma ** settings['horizon']:.2g} %" for gamma in discounts)
  yield (
    f"In {settings['starts']} states of each data set, the same for all its runs, the data's "
    "action is moved by a distance along a random direction that stays in the box [-1, 1]^A. Q is "
    "the smallest of the run's critics there. G is the discounted return of the simulator, set to "
    "that state, with that first action, and the run's own policy from then on. Simulator and "
    "policy are deterministic, so one rollout is exact, but for what follows after "
    f"{settings['horizon']} steps: at most {bounds} of the largest reward / (1 - gamma), for gamma "
    f"{', '.join(f'{gamma:g}' for gamma in discounts)}. States whose observation cuts a velocity "
    "are not used."
  )
  yield ""
  yield (
    "With lambda below 1, Q does not aim at the policy's own return: it bootstraps in part from V, "
    "an in-sample value. Q - G is thus how far Q is from what the policy really gets, not only an "
    "error of estimation. Brackets are 95 % bootstrap intervals over states, and over seeds where "
    "there are several."
  )
  yield ""


def _values(results: Mapping[str, Any], summary: Summary) -> Iterator[str]:
  epsilons = results["settings"]["epsilons"]
  places = [epsilons.index(distance) for distance in _SHOWN_DISTANCES]
  yield _row(
    "data set",
    "method",
    "seeds",
    "G at the data",
    *(f"Q - G at {distance:g}" for distance in _SHOWN_DISTANCES),
    "deviation at 0",
    "at 1",
    "rank of Q at 0",
    "rank of changes at 0.5",
  )
  yield _row(*["---"] * 11)
  half = epsilons.index(0.5)
  for task, rows in summary.items():
    for name, row in rows.items():
      if "bias" in row:
        yield _row(
          f"`{task}`",
          name,
          row["seeds"],
          f"{row['returns']:.1f}",
          *(_interval(row["bias"][place]) for place in places),
          f"{row['deviation'][0].value:.1f}",
          f"{row['deviation'][-1].value:.1f}",
          _interval(row["rank_of_values"][0], 2),
          _interval(row["rank_of_effects"][half], 2),
        )
  yield ""


def _chain_explained() -> Iterator[str]:
  yield (
    "From a data action, follow the policy in the simulator. The first k rewards, and Q where the "
    "rollout then is, make a value that has k true steps in it; Q at the start less that value is "
    "the overestimation gathered in k steps of bootstrapping. At the horizon, where little is left "
    "of the last Q, it is Q - G up to that remainder, so the curve tells at which depth the whole "
    "error arises. Where the simulator ended a rollout, what follows is worth 0."
  )
  yield ""


def _chain(results: Mapping[str, Any], summary: Summary) -> Iterator[str]:
  depths = results["settings"]["depths"]
  shown = [depths.index(depth) for depth in (1, 10, 50, depths[-1])]
  yield _row("data set", "method", *(f"k = {depths[place]}" for place in shown), "Q - G")
  yield _row(*["---"] * 7)
  for task, rows in summary.items():
    for name, row in rows.items():
      if "gaps" in row:
        gaps = [_interval(row["gaps"][place]) for place in shown]
        yield _row(f"`{task}`", name, *gaps, _interval(row["bias"][0]))
  yield ""


def _distances(results: Mapping[str, Any], summary: Summary) -> Iterator[str]:
  settings = results["settings"]
  yield (
    f"Euclidean, in the box [-1, 1]^A, at {settings['rows']:,} rows of each data set. Nearest: "
    f"among the actions of the {settings['neighbours']} rows whose standardised observations are "
    "nearest, the row itself among them. The data's own: of the row's action to the nearest of "
    "the other rows'."
  )
  yield ""
  yield _row(
    "data set", "method", "to the row's action", "to the nearest", "90 % are within", "own"
  )
  yield _row(*["---"] * 6)
  for task, rows in summary.items():
    for name, row in rows.items():
      distance = row["distance"]
      yield _row(
        f"`{task}`",
        name,
        f"{distance['same_row']:.3f}",
        f"{distance['nearest']:.3f}",
        f"{distance['nearest_90_percent']:.3f}",
        f"{results['tasks'][task]['own_nearest']:.3f}",
      )
  yield ""


def _shift(results: Mapping[str, Any], summary: Summary) -> Iterator[str]:
  settings = results["settings"]
  yield (
    "Gravity, all masses with their inertias, all friction coefficients, or the motors' strength "
    f"are changed, one at a time; or starts have more noise. {settings['episodes']} undiscounted "
    "episodes for each run and world, seeded alike for all. Scores are normalised by the data "
    "set's reference returns, where it has them. The columns are means over the four quantities, "
    "changed up and down."
  )
  yield ""
  yield _row("data set", "method", "unchanged", "10 %", "25 %", "50 %", "perturbed starts")
  yield _row(*["---"] * 7)
  for task, rows in summary.items():
    for name, row in rows.items():
      yield _row(
        f"`{task}`",
        name,
        _interval(row["shift"][shift.SAME, 0.0]),
        *(f"{_average(row['shift'], amount):.1f}" for amount in (0.1, 0.25, 0.5)),
        f"{_average(row['shift'], None):.1f}",
      )
  yield ""


def _average(shifted: Mapping[tuple[str, float], Interval], amount: float | None) -> float:
  """Mean score over the quantities changed by +-amount; over perturbed starts if None."""
  return float(
    np.mean(
      [
        interval.value
        for (what, change), interval in shifted.items()
        if (what == shift.START if amount is None else what not in (shift.START, shift.SAME))
        and (amount is None or abs(change) == amount)
      ]
    )
  )


def _limits(results: Mapping[str, Any]) -> Iterator[str]:
  seeds = len({row["seed"] for row in results["runs"]})
  if seeds == 1:
    yield "* One seed of each run: intervals say nothing about other seeds."
  elif seeds < _ENOUGH_SEEDS:
    yield f"* {seeds} seeds or fewer of each run: a bootstrap of so few covers less than 95 %."
  yield "* Directions are random, one for each state; the policy's own moves are not random."
  yield "* Q is compared with the return of a policy that moves on from there as it does anywhere:"
  yield "  a bad first action may be repaired, so G changes less than Q may believe."
  yield "* The robots' time limit of 1000 steps is not part of G, as it is not of Q."


def _shown(kind: str, pictures: Mapping[str, Sequence[str]]) -> Iterator[str]:
  for robot, links in pictures.items():
    for link in links:
      if f"_{kind}_" in link:
        yield f"![{robot}: {_CAPTIONS[kind]}]({link})"
        yield ""


def _interval(interval: Interval, digits: int = 1) -> str:
  value, low, high = (f"{number:.{digits}f}" for number in interval)
  return f"{value} [{low}, {high}]"


def _row(*cells: object) -> str:
  return f"| {' | '.join(map(str, cells))} |"
