"""Scores and learned Q against lambda or nu (the paper's Figures 1 and 2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.report.scores.lines import SYMBOLS, Line

_PANEL_HEIGHT = 1.35
# Beyond this many times what any policy could earn, Q gets a logarithmic axis.
_FAR_BEYOND = 5.0


def ablation(
  lines: Mapping[str, Mapping[str, Line]], setting: str, width: float, unit: str
) -> Figure:
  """A column for each data set: scores above, learned Q below where it is known.

  Means over seeds, and the seeds as dots; shaded, the 95 % interval of the mean score
  and the range of Q. A cross marks each point at which a seed diverged, see `lines.Point`;
  dotted, what any policy could earn.

  Args:
    lines: from `lines.lines` with this setting, not empty.
    setting: key of `SYMBOLS`.
    width: inches.
    unit: of the scores.
  """
  labels = list(dict.fromkeys(label for found in lines.values() for label in found))
  has_q = any(
    point.q.size for found in lines.values() for line in found.values() for point in line.values()
  )
  figure, columns = _panels(list(lines), width, 1 + has_q)
  handles: dict[str, Any] = {}
  for panels, found in zip(columns, lines.values(), strict=True):
    places = sorted({place for line in found.values() for (place,) in line})
    for label, line in found.items():
      colour, dashes = style.appearance(labels.index(label))
      look = {"color": colour, "linestyle": dashes}
      scores = {place: point.scores for (place,), point in line.items()}
      handles[label] = _draw(panels[0], scores, look, mean_interval)
      if has_q:
        # A learned value that diverges is far from normal, and has no use for an interval.
        q = {place: point.q for (place,), point in line.items()}
        _draw(panels[1], q, look, lambda seeds: (np.min(seeds), np.max(seeds)))
      _crosses(panels, line)
    for panel in panels:
      _scale(panel, setting, places)
    if has_q:
      _scale_q(panels[1], [point for line in found.values() for point in line.values()])
  if has_q:
    across = _in_a_row(len(columns), width)
    for panels in columns[::across]:
      panels[0].set_ylabel(unit)
      panels[1].set_ylabel("learned Q(s, a)")
  else:
    figure.supylabel(unit, fontsize=7)
  figure.supxlabel(SYMBOLS[setting], fontsize=7)
  if len(handles) > 1:
    style.legend_above(figure, handles)
  return figure


def _in_a_row(count: int, width: float) -> int:
  return min(count, 4 if width > style.WIDTHS["column"] else 2)


def _panels(names: Sequence[str], width: float, rows: int) -> tuple[Figure, list[list[Axes]]]:
  """A column of `rows` panels for each name, in bands."""
  across = _in_a_row(len(names), width)
  bands = -(-len(names) // across)
  figure = Figure(figsize=(width, bands * rows * _PANEL_HEIGHT + 0.4), layout="constrained")
  grid = figure.subplots(bands * rows, across, squeeze=False)
  columns = []
  for place in range(bands * across):
    band, column = divmod(place, across)
    panels = grid[band * rows : (band + 1) * rows, column].tolist()
    if place >= len(names):
      for unused in panels:
        unused.remove()
      continue
    panels[0].set_title(names[place], loc="right")
    columns.append(panels)
  return figure, columns


def _draw(
  panel: Axes,
  values: Mapping[float, np.ndarray],
  look: Mapping[str, Any],
  shaded: Callable[[np.ndarray], tuple[float, float]],
) -> Any:
  """The line of what there is; a point without any seed has none."""
  there = {place: seeds for place, seeds in values.items() if seeds.size}
  places = np.array(list(there))
  for place, seeds in there.items():
    panel.plot([place] * len(seeds), seeds, ".", color=look["color"], markersize=2.5, alpha=0.6)
  ends = np.array([shaded(seeds) for seeds in there.values()]).reshape(-1, 2)
  panel.fill_between(places, *ends.T, color=look["color"], alpha=0.2, linewidth=0)
  means = [np.mean(seeds) for seeds in there.values()]
  (drawn,) = panel.plot(places, means, marker="o", markersize=3, **look)
  return drawn


def _crosses(panels: Sequence[Axes], line: Line) -> None:
  """One in each panel, at the mean, or below all where there is none."""
  for (place,), point in line.items():
    if point.diverged:
      for panel, values in zip(panels, (point.scores, point.q), strict=False):
        there = values.size > 0
        panel.plot(
          [place], [np.mean(values) if there else 0.03], "x", color="black", markersize=6,
          zorder=5, transform=panel.transData if there else panel.get_xaxis_transform(),
        )  # fmt: skip


def _scale(axes: Axes, setting: str, places: Sequence[float]) -> None:
  """lambda is a share; nu is varied by factors, 0 at the left end."""
  if setting == "nu":
    smallest = min(place for place in places if place > 0)
    axes.set_xscale("symlog", linthresh=smallest) if 0 in places else axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
  else:
    axes.set_xticks(places, [f"{place:g}" for place in places])


def _scale_q(axes: Axes, points: Sequence[Any]) -> None:
  bound = max((p.q_bound for p in points if np.isfinite(p.q_bound)), default=np.nan)
  if np.isfinite(bound):
    axes.axhline(bound, color=style.GREY, linestyle=":", linewidth=0.8)
    largest = max((np.abs(point.q).max() for point in points if point.q.size), default=0.0)
    if largest > _FAR_BEYOND * bound:
      axes.set_yscale("symlog", linthresh=bound)
      low, high = int(np.ceil(np.log10(bound))), int(np.ceil(np.log10(largest)))
      powers = range(low, high + 1, max(1, (high - low) // 3))
      smallest = min(float(point.q.min()) for point in points if point.q.size)
      negative = [-(10.0**power) for power in powers if -(10.0**power) > smallest]
      axes.set_yticks([*negative[-1:], 0, *(10.0**power for power in powers)])
      axes.set_ylim(bottom=min(0.0, 1.2 * smallest))
