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


def maze(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on the same settings in a maze."""
  sides = searched(part)
  yield "## The search in a maze, at the paper's rates"
  yield ""
  yield from _introduced(
    part,
    "at the paper's learning and target rates, with layers of 64 and normalised observations. "
    "Scores are episodes in 100 that reach the goal.",
  )
  yield from _settings(part)
  # The search's target rate is the paper's, which these runs have anyway.
  if lacking := [name for name in search_jobs() if name not in sides and name != "norm_rate"]:
    yield from wrapped(f"Not run here: {titles(lacking)}.")
    yield ""


def choice(found: Measures) -> Iterator[str]:
  """Lines on the rule, and on what it takes.

  Args:
    found: variant -> data set -> measures, over all that was searched.
  """
  gains = beyond_choice.gains(found)
  yield "## The choice"
  yield ""
  yield "The rule, written before the search ran, but for what it says was added"
  yield "(`benchmarks/beyond_choice.py`):"
  yield ""
  yield (beyond_choice.__doc__ or "").split("\n\n", 1)[1].rstrip()
  yield ""
  yield f"Gains over all {len(next(iter(found.values())))} data sets:"
  yield ""
  yield row("setting", "gain, ± standard error", "in errors", "95 %", "higher mean on")
  yield row("---", *["---:"] * 4)
  for name, one in gains.items():
    reference = NORMALISED if name.startswith(f"{NORMALISED}_") else BASE
    low, high = gain_interval(found, name, reference)
    pairs = [(found[name][task], found[reference][task]) for task in found[name]]
    higher = sum(statistics.mean(ours) > statistics.mean(theirs) for ours, theirs in pairs)
    yield row(
      TITLES[name],
      f"{one.mean:+.1f} ± {one.error:.1f}",
      f"{one.ratio:+.1f}",
      f"[{low:.1f}, {high:.1f}]",
      f"{higher} of {len(pairs)}",
    )
  yield ""
  names = beyond_choice.chosen(found)
  if not names:
    yield "By this rule nothing is chosen: there is no `dmg_plus`."
    yield ""
    return
  changed = ", ".join(f"`{name}` {value}" for name, value in beyond_choice.fields(names).items())
  yield from wrapped(f"It chooses: {titles(names)}. That is {changed}.")
  yield ""
  if "norm_scale" in names:
    yield from wrapped(
      "A scale of the rewards is also one of the advantages: the regression's weights are as with "
      "a smaller inverse temperature. Which of the two helps was not measured."
    )
    yield ""


def combination(part: Mapping[str, Any]) -> Iterator[str]:
  """Lines on what was chosen, trained together, and without each ingredient."""
  yield "## What was chosen, together and each left out"
  yield ""
  yield from _introduced(
    part, "at the search's rates, with layers of 64; measured after the choice."
  )
  yield from _settings(part)
  yield from _left_out(measures(searched(part)))


def _introduced(part: Mapping[str, Any], how: str) -> Iterator[str]:
  base = part["jobs"][BASE]
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(searched(part)[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}, {how}"
  )
  yield ""


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


def _robots(data: Mapping[str, Any]) -> dict[str, list[str]]:
  found: dict[str, list[str]] = {}
  for name in data:
    found.setdefault(name.split("/")[1], []).append(name)
  return {robot: sorted(names, key=len) for robot, names in found.items()}
