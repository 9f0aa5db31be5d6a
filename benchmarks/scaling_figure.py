"""The plot of `benchmarks/scaling.py`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dmg_jax.report.figures.style import COLOURS, WIDTHS, style


def draw(result: Mapping[str, Any], path: Path) -> None:
  """Plots milliseconds for a gradient step of one run against the number of runs."""
  several_workers = len({series["workers"] for series in result["series"]}) > 1
  with style():
    figure = Figure(figsize=(WIDTHS["column"], 2.2), layout="constrained")
    axes = figure.subplots()
    for colour, series in zip(COLOURS, result["series"], strict=False):
      cores = f"{series['workers']} worker{'s' if series['workers'] > 1 else ''}"
      axes.plot(
        [row["runs"] for row in series["runs"]],
        [1000 / row["steps_per_second"] for row in series["runs"]],
        "o-",
        ms=3,
        color=colour,
        label=cores if several_workers else series["precision"],
      )
    axes.set_xscale("log", base=2)
    counts = [row["runs"] for row in result["series"][0]["runs"]]
    axes.set_xticks(counts, [str(runs) for runs in counts])
    axes.minorticks_off()
    if several_workers:
      axes.set_ylim(bottom=0)
    else:
      axes.set_yscale("log")
    axes.set_xlabel("runs in a job")
    axes.set_ylabel("ms for a gradient step of a run")
    axes.set_title(result["device"], loc="right")
    axes.legend()
    figure.savefig(path)
