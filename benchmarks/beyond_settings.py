"""What the sections of docs/beyond.md on settings that were tried have in common: their table."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import beyond_choice
import beyond_second
from beyond_choice import Measures
from beyond_jobs import BASE, NORMALISED, TITLES
from beyond_scores import gain_interval, measures, searched
from beyond_words import bounds, seeds, steps, titles, wrapped
from family_pages import row

from dmg_jax.report.scores import statistics

_SHORT = {BASE: "DMG", NORMALISED: "LayerNorm"}


def difference(one: beyond_second.Difference) -> list[str]:
  """Cells of a table: a difference with its standard error, and its interval."""
  low, high = one.interval
  return [f"{one.mean:+.1f} ± {one.error:.1f}", bounds(low, high)]


def measured(part: Mapping[str, Any], how: str, planned: Iterable[str]) -> Iterator[str]:
  """A part's data and runs, its table, and which of the planned jobs it lacks.

  Args:
    part: as stored.
    how: the runs were trained; the end of a sentence.
    planned: names of jobs.
  """
  yield from introduced(part, how)
  yield from settings(part)
  yield from not_begun(part, planned)


def introduced(part: Mapping[str, Any], how: str) -> Iterator[str]:
  """What the table of a part is of: data sets, seeds, steps, and how the runs were trained."""
  base = part["jobs"][BASE]
  yield from wrapped(
    f"On {', '.join(f'`{name}`' for name in part['data'])}: {seeds(searched(part)[BASE])} seeds, "
    f"{steps([base])}, {base['precision']}, {how} A gain is over the setting named beside it."
  )
  yield ""


def not_begun(part: Mapping[str, Any], planned: Iterable[str]) -> Iterator[str]:
  """Which of the planned jobs a part lacks."""
  if names := [name for name in planned if name not in {*part["jobs"], *part["cut"]}]:
    yield from wrapped(f"Planned, and not begun: {titles(names)}.")
    yield ""


def settings(part: Mapping[str, Any]) -> Iterator[str]:
  """The table: a row for each setting."""
  sides = searched(part)
  complete = measures(sides)
  gains = beyond_choice.gains(complete)
  robots = by_environment(part["data"])
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
        bounds(low, high),
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


def left_out(found: Measures, name: str) -> Iterator[str]:
  """A setting's gain over itself without each of its ingredients, where those were measured."""
  rest = {
    ingredient: other for ingredient, other in beyond_second.without(name).items() if other in found
  }
  if len(rest) < 2:
    return
  yield "Its gain over the same setting without one ingredient:"
  yield ""
  yield row("without", "difference", "95 %")
  yield row("---", "---:", "---:")
  for ingredient, other in rest.items():
    title = beyond_second.INGREDIENTS[ingredient]
    yield row(title, *difference(beyond_second.gain(found, name, other)))
  yield ""


def by_environment(names: Iterable[str]) -> dict[str, list[str]]:
  """Data sets' names by the environment that is part of them."""
  found: dict[str, list[str]] = {}
  for name in names:
    found.setdefault(name.split("/")[1], []).append(name)
  return {environment: sorted(tasks, key=len) for environment, tasks in found.items()}
