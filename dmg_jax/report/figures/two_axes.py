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
  figure, panels = style.panels(datasets, width)
  # Labels need the room that lines do not.
  figure.set_figheight(1.35 * figure.get_figheight())
  means = [float(np.mean(place.scores)) for place in places]
  for panel, dataset in zip(panels, datasets, strict=True):
    here = [place for place in places if place.dataset == dataset]
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
        f"{place.method} {score:.0f}", (x, y), xytext=(0, 5), textcoords="offset points",
        fontsize=6, ha="center",
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


def _spread(values: np.ndarray) -> float:
  return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
