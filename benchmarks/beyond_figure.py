"""The figure of benchmarks/beyond.py: what each ingredient brings, and both settings beside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beyond_jobs import BASE, NORMALISED, TITLES
from beyond_scores import PLUS, gain_interval, measures, report_sides, searched


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
  names = [name for name in complete if name != BASE]
  with style.style():
    size = style.WIDTHS["full"], 0.6 + 0.2 * len(names)
    figure = Figure(figsize=size, layout="constrained")
    left, right = figure.subplots(1, 2)
    for place, name in enumerate(reversed(names)):
      reference = NORMALISED if name.startswith(f"{NORMALISED}_") else BASE
      low, high = gain_interval(complete, name, reference)
      left.plot([low, high], [place, place], color=style.appearance(reference == BASE)[0])
      left.plot((low + high) / 2, place, "o", color=style.appearance(reference == BASE)[0])
    left.axvline(0, color="0.6", linewidth=0.6)
    left.set_yticks(range(len(names)), [TITLES[name] for name in reversed(names)])
    left.set_xlabel("gain, points of score")
    sides = report_sides(result["report"]) if "report" in result else {}
    for place, one in enumerate(reversed(list(sides.values()))):
      for shift, name in ((0.15, BASE), (-0.15, PLUS)):
        scores = one[name].measures
        right.plot(
          scores, [place + shift] * len(scores), "o", markersize=2.5,
          color=style.appearance(name == PLUS)[0], label=name if place == 0 else None,
        )  # fmt: skip
    right.set_yticks(range(len(sides)), [task.removeprefix("dmg/") for task in reversed(sides)])
    right.set_xlabel("measure of a run")
    right.set_visible(bool(sides))
    if sides:
      right.legend()
    figure.savefig(path, dpi=150)
