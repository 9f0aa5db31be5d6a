"""Methods on the two axes of the paper's Table 1: action generalisation and propagation."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.scores.family import Place


def two_axes(places: Sequence[Place], width: float, unit: str) -> Figure:
  """A panel for each data set: a dot for each method, its colour the mean score.

  Args:
    places: from `family.places`, not empty.
    width: inches.
    unit: of the scores.
  """
  datasets = list(dict.fromkeys(place.dataset for place in places))
  # No more: labels need the room that lines do not.
  across = min(len(datasets), 2 if width > style.WIDTHS["column"] else 1)
  rows = -(-len(datasets) // across)
  height = 0.8 * width / max(across, 2) * (1 if across > 1 else 1.6)
  figure = Figure(figsize=(width, rows * height + 0.3), layout="constrained")
  panels = figure.subplots(rows, across, squeeze=False).ravel().tolist()
  for unused in panels[len(datasets) :]:
    unused.remove()
  panels = panels[: len(datasets)]
  means = [float(np.mean(place.scores)) for place in places]
  for panel, dataset in zip(panels, datasets, strict=True):
    panel.set_title(dataset, loc="right")
    here = [place for place in places if place.dataset == dataset]
    above = _label_heights(here)
    for place in here:
      x, y = float(np.mean(place.distance)), float(np.mean(place.share))
      score = float(np.mean(place.scores))
      panel.errorbar(
        x, y, xerr=_spread(place.distance), yerr=_spread(place.share),
        color=style.GREY, linewidth=0.7, zorder=1,
      )  # fmt: skip
      dots = panel.scatter(
        x, y, c=score, s=26, cmap="viridis", vmin=min(means), vmax=max(means),
        edgecolors="black", linewidths=0.4, zorder=2,
      )  # fmt: skip
      panel.annotate(
        f"{place.method} {score:.0f}", (x, y), xytext=(0, above[place.method]),
        textcoords="offset points", fontsize=6, ha="center", va="center",
      )  # fmt: skip
    panel.set_ylim(-0.12, 1.22)
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1])
    panel.margins(x=0.15)
  figure.supxlabel(
    "action generalisation: distance of the policy to the data's actions", fontsize=7
  )
  figure.supylabel("propagation: share of targets\nthat is off the data", fontsize=7)
  figure.colorbar(dots, ax=panels, label=unit)
  return figure


def _label_heights(places: Sequence[Place]) -> dict[str, float]:
  """Method -> points above its dot; labels of dots that lie close are stacked."""
  spread = max((float(np.mean(place.distance)) for place in places), default=1.0)
  heights: dict[str, float] = {}
  taken: list[tuple[float, float, int]] = []
  for place in sorted(places, key=lambda place: float(np.mean(place.distance))):
    x, y = float(np.mean(place.distance)), float(np.mean(place.share))
    close = [n for a, b, n in taken if abs(x - a) < 0.3 * spread and abs(y - b) < 0.1]
    level = max(close, default=-1) + 1
    taken.append((x, y, level))
    heights[place.method] = 8.0 + 8.0 * level
  return heights


def _spread(values: np.ndarray) -> float:
  return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
