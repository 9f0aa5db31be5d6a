"""Sections of docs/beyond.md on the settings that were tried, and on what was chosen of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import beyond_choice
from beyond_choice import Measures
from beyond_jobs import BASE, COMBINED, LEFT_OUT, NORMALISED, TITLES, search_jobs
from beyond_scores import gain_interval, measures, searched
from beyond_words import seeds, steps, titles, wrapped
from family_pages import row

from dmg_jax.report.scores import statistics


def search(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the part that `dmg_plus` was chosen by."""
  sides = searched(part)
  complete = measures(sides)
  base = part["jobs"][BASE]
  yield "## The search"
  yield ""
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(sides[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}. LayerNorm's gain is over DMG, that of "
    "what is added to LayerNorm over LayerNorm alone. Intervals are 95 %: what other seeds would "
    "give on these data. Cost: floating-point operations of a gradient step over DMG's, in "
    "Hopper's sizes; products alone, so that LayerNorm itself costs nothing here."
  )
  yield ""
  yield from _settings(part)
  if part["cut"]:
    yield f"Did not come so far in the time that there was: {titles(part['cut'])}."
    yield ""
  if lacking := [name for name in search_jobs() if name not in {*part["jobs"], *part["cut"]}]:
    yield from wrapped(f"Planned, and not begun: {titles(lacking)}.")
    yield ""
  yield "The rule of choice, written before the search ran (`benchmarks/beyond_choice.py`):"
  yield ""
  yield (beyond_choice.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  names = beyond_choice.chosen(complete)
  if not names:
    yield "By this rule nothing is chosen: there is no `dmg_plus`."
  else:
    changed = ", ".join(f"`{name}` {value}" for name, value in beyond_choice.fields(names).items())
    yield from wrapped(f"It chooses: {titles(names)}. That is {changed}.")
    yield ""
    yield from _limits(complete, names)
  yield ""


def combination(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on what was chosen, trained together, and without each ingredient."""
  yield "## What was chosen, together and each left out"
  yield ""
  yield from _measured_after(
    part, "at the search's rates, with layers of 64, each job on the same device."
  )


def maze(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the same settings in a maze."""
  yield "## The same in a maze, at the paper's rates"
  yield ""
  yield from _measured_after(
    part,
    "at the paper's learning and target rates, with layers of 64 and normalised observations. "
    "Scores are episodes in 100 that reach the goal.",
  )
  if lacking := [name for name in TITLES if name not in part["jobs"]]:
    yield from wrapped(f"Not measured here: {titles(lacking)}.")
    yield ""


def _measured_after(part: Mapping[str, Any], how: str) -> Iterator[str]:
  sides = searched(part)
  base = part["jobs"][BASE]
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}, measured after the choice, which it "
    f"did not change: {seeds(sides[BASE])} seeds, {steps([base])}, {base['precision']}, {how}"
  )
  yield ""
  yield from _settings(part)
  yield from _left_out(measures(sides))


def _settings(part: Mapping[str, Any]) -> Iterator[str]:
  """The table: a row for each setting."""
  sides = searched(part)
  complete = measures(sides)
  gains = beyond_choice.gains(complete)
  robots = _robots(part["data"])
  yield row("setting", "mean", "gain, ± standard error", "95 %", "last", "swing", "cost", *robots)
  yield row("---", *["---:"] * (6 + len(robots)))
  for name, tasks in sides.items():
    means = {task: statistics.mean_and_deviation(one.measures)[0] for task, one in tasks.items()}
    lasts = [statistics.mean_and_deviation(one.lasts)[0] for one in tasks.values()]
    cells = ["", ""]
    if name in gains:
      reference = NORMALISED if name.startswith(f"{NORMALISED}_") else BASE
      low, high = gain_interval(complete, name, reference)
      cells = [
        f"{gains[name].mean:+.1f} ± {gains[name].error:.1f}", f"[{low:.1f}, {high:.1f}]"
      ]  # fmt: skip
    diverged = sum(one.diverged for one in tasks.values())
    flops = (part["jobs"][one]["step_flops"][BASE] for one in (name, BASE))
    yield row(
      TITLES[name] + (f" ({diverged} runs diverged)" if diverged else ""),
      f"{sum(means.values()) / len(means):.1f}",
      *cells,
      f"{sum(lasts) / len(lasts):.1f}",
      f"{sum(one.swing for one in tasks.values()) / len(tasks):.1f}",
      f"{next(flops) / next(flops):.2f}",
      *(" / ".join(f"{means[task]:.0f}" for task in robots[robot]) for robot in robots),
    )
  yield ""
  tiers = [task.split("/")[2] for task in next(iter(robots.values()))]
  if len(tiers) > 1:
    yield f"The robots' columns: {' / '.join(tiers)}."
    yield ""


def _left_out(complete: Measures) -> Iterator[str]:
  """The combination against what is left of it without one ingredient; nothing before it ran."""
  rest = {ingredient: name for ingredient, name in LEFT_OUT.items() if name in complete}
  if COMBINED not in complete or not rest:
    return
  yield "What the combination has more than the same without one ingredient, in points of score:"
  yield ""
  yield row("without", "that is", "difference", "95 %")
  yield row("---", "---", "---:", "---:")
  for ingredient, name in rest.items():
    low, high = gain_interval(complete, COMBINED, name)
    mean = beyond_choice.gain(complete[COMBINED], complete[name]).mean
    yield row(ingredient, TITLES[name], f"{mean:+.1f}", f"[{low:.1f}, {high:.1f}]")
  yield ""


def _limits(complete: Measures, names: list[str]) -> Iterator[str]:
  """What the choice does not say."""
  low, high = gain_interval(complete, NORMALISED, BASE)
  yield "What the choice does not say:"
  yield ""
  yield f"* The interval of LayerNorm's gain {_holds(low, high)}."
  for name in names:
    reference = BASE if name == NORMALISED else NORMALISED
    pairs = [(complete[name][task], complete[reference][task]) for task in complete[name]]
    higher = sum(statistics.mean(ours) > statistics.mean(theirs) for ours, theirs in pairs)
    yield f"* {TITLES[name]}: a higher mean on {higher} of {len(pairs)} data sets."
  if len(names) > 2:
    yield "* What is chosen was not trained together in the search."
  if "norm_scale" in names:
    yield "* A scale of the rewards is also one of the advantages: the regression's weights are as"
    yield "  with a smaller inverse temperature. Which of the two helps was not measured."


def _holds(low: float, high: float) -> str:
  return f"[{low:.1f}, {high:.1f}] {'holds' if low <= 0 <= high else 'does not hold'} zero"


def _robots(data: Mapping[str, Any]) -> dict[str, list[str]]:
  found: dict[str, list[str]] = {}
  for name in data:
    found.setdefault(name.split("/")[1], []).append(name)
  return {robot: sorted(names, key=len) for robot, names in found.items()}
