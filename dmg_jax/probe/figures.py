"""The pictures of the study, each from its stored numbers alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.envs.robots import PHYSICS
from dmg_jax.probe import shift
from dmg_jax.probe.measures import Interval
from dmg_jax.report.figures.style import DASHES, Looks, appearance, legend_above, style

Summary = Mapping[str, Mapping[str, Mapping[str, Any]]]
_INCHES_PER_PANEL = 1.9
_RESOLUTION = 150
_LARGEST_LINEAR = 2000.0
_MEASURES = {
  "bias": "mean of Q - G",
  "deviation": "deviation of Q - G",
  "rank_of_values": "rank correlation\nof Q and G",
  "rank_of_effects": "rank correlation\nof the changes",
}


def draw_all(results: Mapping[str, Any], summary: Summary, folder: Path) -> dict[str, list[str]]:
  """Writes all pictures as PNG; the same numbers give the same bytes.

  Args:
    results: of the study.
    summary: of `summary.summarise`.
    folder: to write in.

  Returns:
    Robot -> the names of its files.
  """
  robots: dict[str, list[str]] = {}
  for task in summary:
    robots.setdefault(results["tasks"][task]["env"].partition("-")[0], []).append(task)
  looks = _looks(summary)
  files: dict[str, list[str]] = {}
  for robot, tasks in robots.items():
    drawings: dict[str, Callable[[], Figure]] = {
      "rays": lambda: _rays(results, summary, tasks, looks),  # noqa: B023 - called at once
      "chain": lambda: _chain(results, summary, tasks, looks),  # noqa: B023
      "shift": lambda: _shift(summary, tasks, looks),  # noqa: B023
    }
    for kind, draw in drawings.items():
      with style():
        figure = draw()
        if figure.axes:
          name = f"generalisation_{kind}_{robot.lower()}.png"
          figure.savefig(folder / name, dpi=_RESOLUTION)
          files.setdefault(robot, []).append(name)
  return files


def _looks(summary: Summary) -> Looks:
  """A colour for each method and lambda, dashes for each nu, the same in all pictures."""
  rows = {name: row for task in summary.values() for name, row in task.items()}
  points = {name: _curve(row) for name, row in rows.items()}
  kinds = list(dict.fromkeys(point[:2] for point in points.values()))
  nus = sorted({nu for _, _, nu in points.values()})
  return {
    name: (appearance(kinds.index(point[:2]))[0], DASHES[nus.index(point[2]) % len(DASHES)])
    for name, point in points.items()
  }


def _curve(row: Mapping[str, Any]) -> tuple[str, float, float]:
  """Method, lambda and nu; those of DMG alone, which other methods fix or hardly vary."""
  is_dmg = row["method"] == "dmg"
  return row["method"], row["lam"] if is_dmg else 0.0, row["nu"] if is_dmg else 0.0


def _grid(rows: int, tasks: list[str]) -> tuple[Figure, np.ndarray]:
  size = (_INCHES_PER_PANEL * max(2, len(tasks)), 1.5 * rows + 0.6)
  figure = Figure(figsize=size, layout="constrained")
  axes = figure.subplots(rows, len(tasks), squeeze=False, sharex="row")
  for column, task in enumerate(tasks):
    axes[0, column].set_title("/".join(task.split("/")[-2:]))
  return figure, axes


def _band(axes: Axes, x: Any, intervals: list[Interval], look: tuple[str, Any]) -> Any:
  value, low, high = np.array(intervals).T
  axes.fill_between(x, low, high, color=look[0], alpha=0.12, linewidth=0)
  return axes.plot(x, value, linestyle=look[1], color=look[0])[0]


def _magnitudes(axes: Axes) -> None:
  """A scale on which values of very different size can be seen, only where there are such."""
  if max(map(abs, axes.get_ylim())) > _LARGEST_LINEAR:
    axes.set_yscale("symlog", linthresh=_LARGEST_LINEAR / 10)


def _rays(results: Mapping[str, Any], summary: Summary, tasks: list[str], looks: Looks) -> Figure:
  """Bias, spread and rank correlation of Q against the distance from the data's actions."""
  with_critic = [task for task in tasks if any("bias" in row for row in summary[task].values())]
  if not with_critic:
    return Figure()
  figure, grid = _grid(len(_MEASURES), with_critic)
  handles = {}
  for place, (name, title) in enumerate(_MEASURES.items()):
    grid[place, 0].set_ylabel(title)
    for axes, task in zip(grid[place], with_critic, strict=True):
      for label, row in summary[task].items():
        if name in row:
          # At distance 0 nothing changes, so nothing correlates.
          first = int(name == "rank_of_effects")
          x = results["settings"]["epsilons"][first:]
          handles[label] = _band(axes, x, row[name][first:], looks[label])
      if name in ("bias", "deviation"):
        _magnitudes(axes)
      else:
        axes.set_ylim(-1, 1)
  for axes in grid[-1]:
    axes.set_xlabel("distance")
  legend_above(figure, handles)
  return figure


def _chain(results: Mapping[str, Any], summary: Summary, tasks: list[str], looks: Looks) -> Figure:
  """Overestimation gathered along the chain, and what it is in all against lambda."""
  with_critic = [task for task in tasks if any("gaps" in row for row in summary[task].values())]
  if not with_critic:
    return Figure()
  figure, grid = _grid(2, with_critic)
  handles = {}
  for (above, below), task in zip(grid.T, with_critic, strict=True):
    points: dict[str, list[tuple[float, Interval]]] = {}
    for label, row in summary[task].items():
      if "gaps" not in row:
        continue
      depths = results["settings"]["depths"]
      handles[label] = _band(above, depths, row["gaps"], looks[label])
      curve = f"nu {row['nu']:g}" if row["method"] == "dmg" else label
      points.setdefault(curve, []).append((row["lam"], row["bias"][0]))
    above.set(xscale="symlog", xlabel="steps k")
    _magnitudes(above)
    for place, (curve, dots) in enumerate(points.items()):
      lams, intervals = zip(*sorted(dots), strict=True)
      value, low, high = np.array(intervals).T
      colour, dashes = appearance(place)
      errors = [value - low, high - value]
      below.errorbar(lams, value, errors, fmt="o", ls=dashes, ms=3, color=colour, label=curve)
    below.set(xlabel="lambda")
    _magnitudes(below)
    below.legend()
  grid[0, 0].set_ylabel("gathered in k steps")
  grid[1, 0].set_ylabel("mean of Q - G\nat the data's actions")
  legend_above(figure, handles)
  return figure


def _shift(summary: Summary, tasks: list[str], looks: Looks) -> Figure:
  """Scores against the change of each quantity."""
  figure, grid = _grid(len(PHYSICS) + 1, tasks)
  handles = {}
  for place, what in enumerate((*PHYSICS, shift.START)):
    unit = "noise" if what == shift.START else "change, %"
    grid[place, 0].set_ylabel(f"score\n({what})")
    for axes, task in zip(grid[place], tasks, strict=True):
      for label, row in summary[task].items():
        found = {amount: one for (name, amount), one in row["shift"].items() if name == what}
        if what != shift.START:
          found[0.0] = row["shift"][shift.SAME, 0.0]
        amounts = sorted(found)
        x = np.array(amounts) * (1 if what == shift.START else 100)
        handles[label] = _band(axes, x, [found[amount] for amount in amounts], looks[label])
      axes.set_xlabel(f"{what}: {unit}")
  legend_above(figure, handles)
  return figure
