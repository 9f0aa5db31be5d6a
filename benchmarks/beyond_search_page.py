"""Sections of docs/beyond.md on the settings that were tried, and on what was chosen of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import beyond_choice
import beyond_second
import numpy as np
from beyond_choice import Measures
from beyond_jobs import (
  BASE,
  COMBINED,
  FACTORS,
  NORMALISED,
  TITLES,
  VARIANTS,
  maze_jobs,
  search_jobs,
)
from beyond_scores import gain_interval, measures, searched
from beyond_words import seeds, steps, titles, wrapped
from family_pages import row

from dmg_jax.report.scores import statistics

_SHORT = {BASE: "DMG", NORMALISED: "LayerNorm"}


def search(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the part that `dmg_plus` was chosen by."""
  sides = searched(part)
  base = part["jobs"][BASE]
  yield "## The search"
  yield ""
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(sides[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}. A gain is over the setting named beside it. Intervals "
    "are 95 %: what other seeds would give on these data. Cost: floating-point operations of a "
    "gradient step over DMG's, in Hopper's sizes. Only matrix products are counted, so LayerNorm's "
    "own cost is not included."
  )
  yield ""
  yield from _settings(part)
  if part["cut"]:
    yield f"Stopped before this step, for lack of time: {titles(part['cut'])}."
    yield ""
  yield from _not_begun(part, search_jobs())
  yield "The rule of choice, written before the search ran (`benchmarks/beyond_choice.py`):"
  yield ""
  yield (beyond_choice.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  complete = measures(sides)
  names = beyond_choice.chosen(complete)
  if not names:
    yield "By this rule nothing is chosen."
  else:
    low, high = gain_interval(complete, NORMALISED)
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
  yield from _not_begun(part, maze_jobs())


def second(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """Lines on the search that decides.

  Args:
    part: the robots' jobs.
    found: setting -> data set -> measures, with the maze's.
  """
  yield "## The second search"
  yield ""
  yield from _why_again(part, found)
  yield from _introduced(part, "at the first search's rates, with layers of 64.")
  yield from _settings(part)
  yield "The rule (`benchmarks/beyond_second.py`), written before a run of it on the robots began:"
  yield ""
  yield (beyond_second.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  yield from _compared(part, found)
  yield from _chosen(part, found)


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


def _why_again(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  if first := _in_the_maze(part, found, COMBINED):
    yield from wrapped(
      f"The first choice's gain over DMG in the maze is {first}: it did not stand."
    )
  yield from wrapped(
    "The ingredients of the first choice were measured again in all eight combinations, for longer "
    "and on one kind of device."
  )
  yield ""


def _in_the_maze(part: Mapping[str, Any], found: Measures, name: str) -> str:
  """A setting's gain there with its interval; nothing, if either is not there."""
  mazes = [task for task in found[BASE] if task not in part["data"]]
  if not mazes or name not in found:
    return ""
  alone = {one: {task: found[one][task] for task in mazes} for one in (name, BASE)}
  return " ".join(_difference(beyond_second.gain(alone, name)))


def _chosen(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """What the rule takes, what speaks against it, and its gain over less."""
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
  if alone := _in_the_maze(part, found, name):
    yield from wrapped(f"In the maze alone its gain over DMG is {alone}.")
    yield ""
  if others := [other for other in FACTORS if other in found and other not in (BASE, name)]:
    next_one = max(others, key=lambda other: beyond_second.gain(found, other).mean)
    less = " ".join(_difference(beyond_second.gain(found, name, next_one)))
    yield from wrapped(
      f"The gain is the largest of {len(others) + 1}, so it is too large on average, which its "
      f"interval does not correct. Over the next best ({TITLES[next_one]}) it is {less}."
    )
    yield ""
  rest = {
    ingredient: other for ingredient, other in beyond_second.without(name).items() if other in found
  }
  if len(rest) > 1:
    yield "Its gain over the same setting without one ingredient:"
    yield ""
    yield row("without", "difference", "95 %")
    yield row("---", "---:", "---:")
    for ingredient, other in rest.items():
      title = beyond_second.INGREDIENTS[ingredient]
      yield row(title, *_difference(beyond_second.gain(found, name, other)))
    yield ""
  if "scale" in FACTORS[name]:
    yield from wrapped(
      "Scaling the rewards also scales the advantages, so that it acts like a smaller inverse "
      "temperature. Whether the smaller rewards or the weights help was not measured."
    )
    yield ""


def _difference(one: beyond_second.Difference) -> list[str]:
  low, high = one.interval
  return [f"{one.mean:+.1f} ± {one.error:.1f}", f"[{low:.1f}, {high:.1f}]"]


def _introduced(part: Mapping[str, Any], how: str) -> Iterator[str]:
  base = part["jobs"][BASE]
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(searched(part)[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}, {how} A gain is over the setting named beside it."
  )
  yield ""


def _not_begun(part: Mapping[str, Any], planned: Iterable[str]) -> Iterator[str]:
  if names := [name for name in planned if name not in {*part["jobs"], *part["cut"]}]:
    yield from wrapped(f"Planned, and not begun: {titles(names)}.")
    yield ""


def _settings(part: Mapping[str, Any]) -> Iterator[str]:
  """The table: a row for each setting."""
  sides = searched(part)
  complete = measures(sides)
  gains = beyond_choice.gains(complete)
  robots = _by_environment(part["data"])
  yield row(
    "setting", "mean", "over", "gain, ± standard error", "95 %", "last", "swing", "cost", *robots
  )
  yield row("---", "---:", "---", *["---:"] * (5 + len(robots)))
  for name, tasks in sides.items():
    diverged = sum(one.diverged for one in tasks.values())
    title = TITLES[name] + (f" ({diverged} runs diverged)" if diverged else "")
    if not all(one.measures for one in tasks.values()):
      yield row(title, *[""] * (7 + len(robots)))
      continue
    means = {task: statistics.mean_and_deviation(one.measures)[0] for task, one in tasks.items()}
    lasts = [statistics.mean_and_deviation(one.lasts)[0] for one in tasks.values()]
    cells = ["", "", ""]
    if name in gains:
      low, high = gain_interval(complete, name)
      cells = [
        _SHORT[beyond_choice.reference(name)],
        f"{gains[name].mean:+.1f} ± {gains[name].error:.1f}",
        f"[{low:.1f}, {high:.1f}]",
      ]
    flops = {one: part["jobs"][one]["step_flops"][BASE] for one in (name, BASE)}
    yield row(
      title,
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
