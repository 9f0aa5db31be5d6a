"""The figures of docs/beyond.md: what each ingredient brings, and both settings beside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import beyond_choice
from beyond_jobs import BASE, METHODS, PLUS, TITLES
from beyond_scores import Side, gain_interval, measures, searched


def draw_gains(part: Mapping[str, Any], path: Path) -> None:
  """Writes a PNG: the gain of each variant of the search with its 95 % interval.

  Args:
    part: the search, as benchmarks/beyond.py stores it.
    path: of the PNG.
  """
  # Here, and not above: the page is made without a figure.
  from matplotlib.figure import Figure

  from dmg_jax.report.figures import style

  complete = measures(searched(part))
  names = [*reversed(beyond_choice.gains(complete))]
  with style.style():
    figure = Figure(figsize=(style.WIDTHS["full"], 0.6 + 0.2 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(names):
      low, high = gain_interval(complete, name)
      colour, _ = style.appearance(beyond_choice.reference(name) == BASE)
      axes.plot([low, high], [place, place], color=colour)
      axes.plot((low + high) / 2, place, "o", color=colour, markersize=4)
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    axes.set_yticks(range(len(names)), [TITLES[name] for name in names])
    axes.set_xlabel("gain, points of score")
    figure.savefig(path, dpi=150)


def draw_runs(sides: Mapping[str, Mapping[str, Side]], path: Path) -> None:
  """Writes a PNG: the measures of all runs of both settings, a line for each data set."""
  from matplotlib.figure import Figure

  from dmg_jax.report.figures import style

  with style.style():
    figure = Figure(figsize=(style.WIDTHS["full"], 0.8 + 0.3 * len(sides)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(METHODS):
      points = [
        (score, line + (0.15 if name == PLUS else -0.15))
        for line, one in enumerate(sides.values())
        for score in one[name].measures
      ]
      colour, _ = style.appearance(place)
      label = METHODS[name].strip("`")
      axes.plot(*zip(*points, strict=True), "o", markersize=2.5, color=colour, label=label)
    axes.set_yticks(range(len(sides)), [task.removeprefix("dmg/") for task in sides])
    axes.invert_yaxis()
    axes.set_xlabel("measure of a run")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.15), ncols=2)
    figure.savefig(path, dpi=150)
