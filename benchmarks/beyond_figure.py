"""The figure of benchmarks/beyond.py: what each ingredient brings, and both settings beside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import beyond_choice
from beyond_jobs import BASE, METHODS, TITLES
from beyond_scores import PLUS, Side, gain_interval, measures, report_sides, searched


def draw(result: Mapping[str, Any], path: Path) -> None:
  """Writes a PNG.

  Left, the gain of each variant of the search with its 95 % interval; right, where there is a
  report, the measures of all seeds of both settings on the data sets that the search did not see.

  Args:
    result: as benchmarks/beyond.py stores it.
    path: of the PNG.
  """
  # Here, and not above: the page is made without a figure.
  from matplotlib.figure import Figure

  from dmg_jax.report.figures import style

  complete = measures(searched(result["search"]))
  names = [*reversed(beyond_choice.gains(complete))]
  sides = report_sides(result["report"]) if "report" in result else {}
  with style.style():
    size = style.WIDTHS["full"], 0.6 + 0.2 * len(names)
    figure = Figure(figsize=size, layout="constrained")
    left, *others = figure.subplots(1, 2 if sides else 1, squeeze=False)[0]
    for place, name in enumerate(names):
      low, high = gain_interval(complete, name)
      colour, _ = style.appearance(beyond_choice.reference(name) == BASE)
      left.plot([low, high], [place, place], color=colour)
      left.plot((low + high) / 2, place, "o", color=colour, markersize=4)
    left.axvline(0, color=style.GREY, linewidth=0.6)
    left.set_yticks(range(len(names)), [TITLES[name] for name in names])
    left.set_xlabel("gain, points of score")
    for right in others:
      _beside(right, sides)
    figure.savefig(path, dpi=150)


def _beside(axes: Any, sides: Mapping[str, Mapping[str, Side]]) -> None:
  """A point for each run of both settings, a line for each data set."""
  from dmg_jax.report.figures import style

  for shift, name in ((0.15, BASE), (-0.15, PLUS)):
    points = [
      (score, place + shift)
      for place, one in enumerate(sides.values())
      for score in one[name].measures
    ]
    colour, _ = style.appearance(name == PLUS)
    axes.plot(
      *zip(*points, strict=True), "o", markersize=2.5, color=colour, label=METHODS[name].strip("`")
    )
  axes.set_yticks(range(len(sides)), [task.removeprefix("dmg/") for task in sides])
  axes.invert_yaxis()
  axes.set_xlabel("measure of a run")
  axes.legend()
