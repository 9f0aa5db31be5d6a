"""Sections of docs/beyond.md on the settings that were tried, and on what was chosen of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import beyond_choice
import beyond_second
import numpy as np
from beyond_choice import Measures
from beyond_jobs import BASE, FACTORS, NORMALISED, TITLES, VARIANTS, search_jobs
from beyond_scores import gain_interval, measures, searched
from beyond_words import seeds, steps, titles, wrapped
from family_pages import row

from dmg_jax.report.scores import statistics


def search(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the part that `dmg_plus` was chosen by."""
  sides = searched(part)
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
  complete = measures(sides)
  names = beyond_choice.chosen(complete)
  if not names:
    yield "By this rule nothing is chosen."
  else:
    low, high = gain_interval(complete, NORMALISED, BASE)
    yield from wrapped(
      f"It chooses: {titles(names)}. The interval of LayerNorm's gain is [{low:.1f}, {high:.1f}]."
    )
  yield ""


def maze(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the same settings in a maze."""
  yield "## The same in a maze, at the paper's rates"
  yield ""
  yield "Measured after the first choice, which was made without a maze."
  yield ""
  yield from _introduced(
    part,
    "at the paper's learning and target rates, with layers of 64 and normalised observations. "
    "Scores are episodes in 100 that reach the goal.",
  )
  yield from _settings(part)


def second(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """Lines on the search that decides.

  Args:
    part: the robots' jobs.
    found: setting -> data set -> measures, with the maze's.
  """
  yield "## The second search"
  yield ""
  yield from wrapped(
    "The first choice is well below DMG in the maze, so it did not stand. Its ingredients were "
    "measured anew, in all eight sets of them, for longer and on one device."
  )
  yield ""
  yield from _introduced(part, "at the first search's rates, with layers of 64.")
  yield from _settings(part)
  yield "The rule (`benchmarks/beyond_second.py`), written before a run of it on the robots began:"
  yield ""
  yield (beyond_second.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  yield from _compared(part, found)
  yield from _chosen(found)


def _compared(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """Each setting beside DMG, over all environments and on the robots, and each ingredient."""
  environments = _by_environment(found[BASE])
  robots = {one: {task: found[one][task] for task in part["data"]} for one in found}
  yield row("setting", "mean", "gain over DMG", "95 %", *environments, "on the robots", "95 %")
  yield row("---", *["---:"] * (5 + len(environments)))
  for one in (one for one in FACTORS if one in found):
    mean = beyond_second.contrast(found, {one: 1.0}).mean
    over_dmg, on_robots = (
      ["", ""] if one == BASE else _difference(beyond_second.gain(all_of_it, one))
      for all_of_it in (found, robots)
    )
    means = (
      np.mean([np.mean(found[one][task]) for task in tasks]) for tasks in environments.values()
    )
    shown = (f"{value:.1f}" for value in means)
    yield row(TITLES[one], f"{mean:.1f}", *over_dmg, *shown, *on_robots)
  yield ""
  if {*FACTORS} <= {*found}:
    yield "What an ingredient brings, over all four sets of the others:"
    yield ""
    yield row("ingredient", "effect", "95 %")
    yield row("---", "---:", "---:")
    for ingredient, title in beyond_second.INGREDIENTS.items():
      yield row(title, *_difference(beyond_second.effect(found, ingredient)))
    yield ""


def _chosen(found: Measures) -> Iterator[str]:
  """What the rule takes, and what it has more than without each ingredient."""
  name = beyond_second.chosen(found)
  if name is None:
    yield "By the rule nothing is chosen: there is no `dmg_plus`."
    yield ""
    return
  changed = ", ".join(f"`{field}` {value}" for field, value in VARIANTS[name].items())
  low, high = beyond_second.gain(found, name).interval
  yield from wrapped(
    f"It chooses: {TITLES[name]}. That is {changed}. The interval of its gain "
    f"{'holds' if low <= 0 <= high else 'does not hold'} zero."
  )
  yield ""
  rest = {
    ingredient: other for ingredient, other in beyond_second.without(name).items() if other in found
  }
  if len(rest) > 1:
    yield "What it has more than the same without one ingredient:"
    yield ""
    yield row("without", "difference", "95 %")
    yield row("---", "---:", "---:")
    for ingredient, other in rest.items():
      title = beyond_second.INGREDIENTS[ingredient]
      yield row(title, *_difference(beyond_second.gain(found, name, other)))
    yield ""
  if "scale" in FACTORS[name]:
    yield from wrapped(
      "A scale of the rewards is also one of the advantages: the regression's weights are as with "
      "a smaller inverse temperature. Which of the two helps was not measured."
    )
    yield ""


def _difference(one: beyond_second.Difference) -> list[str]:
  low, high = one.interval
  return [f"{one.mean:+.1f} ± {one.error:.1f}", f"[{low:.1f}, {high:.1f}]"]


def _introduced(part: Mapping[str, Any], how: str) -> Iterator[str]:
  base = part["jobs"][BASE]
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(searched(part)[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}, {how} Gains are over DMG, those of LayerNorm with one "
    "more ingredient over LayerNorm."
  )
  yield ""


def _settings(part: Mapping[str, Any]) -> Iterator[str]:
  """The table: a row for each setting."""
  sides = searched(part)
  complete = measures(sides)
  gains = beyond_choice.gains(complete)
  robots = _by_environment(part["data"])
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
    flops = {one: part["jobs"][one]["step_flops"][BASE] for one in (name, BASE)}
    yield row(
      TITLES[name] + (f" ({diverged} runs diverged)" if diverged else ""),
      f"{sum(means.values()) / len(means):.1f}",
      *cells,
      f"{sum(lasts) / len(lasts):.1f}",
      f"{sum(one.swing for one in tasks.values()) / len(tasks):.1f}",
      f"{flops[name] / flops[BASE]:.2f}",
      *(" / ".join(f"{means[task]:.0f}" for task in robots[robot]) for robot in robots),
    )
  yield ""
  tiers = [task.split("/")[2] for task in next(iter(robots.values()))]
  if len(tiers) > 1:
    yield f"The robots' columns: {' / '.join(tiers)}."
    yield ""


def _by_environment(names: Iterable[str]) -> dict[str, list[str]]:
  """Data sets' names by the environment that is part of them."""
  found: dict[str, list[str]] = {}
  for name in names:
    found.setdefault(name.split("/")[1], []).append(name)
  return {environment: sorted(tasks, key=len) for environment, tasks in found.items()}
