"""Sections of docs/beyond.md on the settings that were tried, and on what was chosen of them."""

from collections.abc import Iterator, Mapping
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
from beyond_settings import (
  by_environment,
  difference,
  introduced,
  left_out,
  measured,
  not_begun,
  settings,
)
from beyond_words import bounds, seeds, steps, titles, wrapped
from family_pages import row


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
  yield from settings(part)
  if part["cut"]:
    yield f"Stopped before this step, for lack of time: {titles(part['cut'])}."
    yield ""
  yield from not_begun(part, search_jobs())
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
      f"It chooses: {titles(names)}. The interval of LayerNorm's gain is {bounds(low, high)}."
    )
  yield ""


def maze(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the same settings in a maze."""
  yield "## In a maze, at the paper's rates"
  yield ""
  yield "Measured after the first choice, which was made without a maze."
  yield ""
  yield from measured(
    part,
    "at the paper's learning and target rates, with layers of 64 and normalised observations. "
    "Scores are episodes in 100 that reach the goal.",
    maze_jobs(),
  )


def second(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """Lines on the search that decides.

  Args:
    part: the robots' jobs.
    found: setting -> data set -> measures, with the maze's.
  """
  yield "## The second search"
  yield ""
  yield from _why_again(part, found)
  yield from introduced(part, "at the first search's rates, with layers of 64.")
  yield from settings(part)
  yield "The rule (`benchmarks/beyond_second.py`), written before a run of it on the robots began:"
  yield ""
  yield (beyond_second.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  yield from _compared(part, found)
  yield from _chosen(part, found)


def _compared(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  """Each setting beside DMG, over all environments and on the robots, and each ingredient."""
  environments = by_environment(found[BASE])
  robots = {one: {task: found[one][task] for task in part["data"]} for one in found}
  yield row("setting", "mean", "gain over DMG", "95 %", *environments, "on the robots", "95 %")
  yield row("---", *["---:"] * (5 + len(environments)))
  for one in (one for one in FACTORS if one in found):
    mean = beyond_second.contrast(found, {one: 1.0}).mean
    over_dmg, on_robots = (
      ["", ""] if one == BASE else difference(beyond_second.gain(all_of_it, one))
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
      yield row(title, *difference(beyond_second.effect(found, ingredient)))
    yield ""


def _why_again(part: Mapping[str, Any], found: Measures) -> Iterator[str]:
  if first := _in_the_maze(part, found, COMBINED):
    yield from wrapped(
      f"The first choice's gain over DMG in the maze is {first}. Its mean is below zero, so the "
      "search was made again."
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
  return " ".join(difference(beyond_second.gain(alone, name)))


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
    f"{'contains' if low <= 0 <= high else 'does not contain'} zero."
  )
  yield ""
  if alone := _in_the_maze(part, found, name):
    yield from wrapped(f"In the maze alone its gain over DMG is {alone}.")
    yield ""
  if others := [other for other in FACTORS if other in found and other not in (BASE, name)]:
    next_one = max(others, key=lambda other: beyond_second.gain(found, other).mean)
    less = " ".join(difference(beyond_second.gain(found, name, next_one)))
    yield from wrapped(
      f"The gain is the largest of {len(others) + 1}, so it is too large on average, which its "
      f"interval does not correct. Over the next best ({TITLES[next_one]}) it is {less}."
    )
    yield ""
  yield from left_out(found, name)
  if "scale" in FACTORS[name]:
    yield from wrapped(
      "Scaling the rewards also scales the advantages, so that it acts like a smaller inverse "
      "temperature. Whether the smaller rewards or the weights help was not measured."
    )
    yield ""
