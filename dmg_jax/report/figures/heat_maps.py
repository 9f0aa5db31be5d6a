"""Scores over lambda and nu together: a map for each data set."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.scores.lines import SYMBOLS, Line

_CELL = 0.28  # inches


def maps(grids: Mapping[str, Line], width: float, unit: str) -> Figure:
  """Mean scores in colours and numbers; a cross marks where a seed diverged.

  Args:
    grids: title -> line over (lambda, nu), from `lines.lines`; not empty.
    width: inches.
    unit: of the scores.
  """
  across = min(len(grids), 3 if width > style.WIDTHS["column"] else 2)
  rows = -(-len(grids) // across)
  tallest = max(len({lam for lam, _ in grid}) for grid in grids.values())
  figure = Figure(figsize=(width, rows * (tallest * _CELL + 0.55) + 0.3), layout="constrained")
  panels = figure.subplots(rows, across, squeeze=False).ravel().tolist()
  for unused in panels[len(grids) :]:
    unused.remove()
  means = [np.mean(p.scores) for grid in grids.values() for p in grid.values() if p.scores.size]
  limits = (min(means, default=0.0), max(means, default=1.0))
  for panel, (title, grid) in zip(panels, grids.items(), strict=False):
    image = _map(panel, grid, limits)
    panel.set_title(title, loc="right")
  figure.colorbar(image, ax=panels[: len(grids)], label=unit, shrink=0.8)
  figure.supxlabel(SYMBOLS["nu"], fontsize=7)
  figure.supylabel(SYMBOLS["lam"], fontsize=7)
  return figure


def _map(axes: Axes, grid: Line, limits: tuple[float, float]):
  lams, nus = (sorted({values[place] for values in grid}) for place in (0, 1))
  cells = np.full((len(lams), len(nus)), np.nan)
  for (lam, nu), point in grid.items():
    if point.scores.size:
      cells[lams.index(lam), nus.index(nu)] = np.mean(point.scores)
  image = axes.imshow(
    cells, cmap="viridis", vmin=limits[0], vmax=limits[1], origin="lower", aspect="auto"
  )
  middle = (limits[0] + limits[1]) / 2
  for (lam, nu), point in grid.items():
    row, column = lams.index(lam), nus.index(nu)
    mean = cells[row, column]
    text = "x" if np.isnan(mean) else f"{mean:.0f}" + " x" * bool(point.diverged)
    axes.text(
      column, row, text, ha="center", va="center", fontsize=5.5,
      color="white" if not np.isnan(mean) and mean < middle else "black",
    )  # fmt: skip
  axes.set_xticks(range(len(nus)), [f"{nu:g}" for nu in nus])
  axes.set_yticks(range(len(lams)), [f"{lam:g}" for lam in lams])
  axes.grid(visible=False)
  return image
