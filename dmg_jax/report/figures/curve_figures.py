"""Learning curves: scores against steps, a panel for each data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.paper.paper_scores import PaperCell
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.report.scores.method_names import order
from dmg_jax.report.scores.score import Score
from dmg_jax.report.units import counts_successes

Cells = Mapping[tuple[str, str], Sequence[Score]]


def curve(scores: Sequence[Score]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
  """Steps, mean, and ends of the 95 % interval of the mean over seeds; each (K,).

  At the steps at which every seed was evaluated; the interval is Student's, and
  has no width for a single seed.
  """
  tables = [dict(zip(s.evaluation_steps, s.evaluation_scores, strict=True)) for s in scores]
  steps = sorted(set.intersection(*(set(table) for table in tables)))
  values = np.array([[table[step] for step in steps] for table in tables])
  intervals = np.array([mean_interval(column) for column in values.T]).reshape(-1, 2)
  return np.array(steps), values.mean(axis=0), intervals[:, 0], intervals[:, 1]


def learning_curves(
  cells: Cells, width: float, looks: style.Looks, printed: Mapping[str, PaperCell]
) -> Figure:
  """Mean and 95 % interval (shaded) over seeds; dotted, what the paper prints for DMG.

  Args:
    cells: (dataset, method) -> scores that have curves and count the same steps; at least one.
    width: inches.
    looks: of all methods.
    printed: by data set.
  """
  datasets = list(dict.fromkeys(dataset for dataset, _ in cells))
  methods = sorted({method for _, method in cells}, key=order)
  figure, axes = style.panels(datasets, width)
  handles: dict[str, Any] = {}
  for panel, dataset in zip(axes, datasets, strict=True):
    for method in methods:
      if (dataset, method) in cells:
        colour, dashes = looks[method]
        steps, mean, low, high = curve(cells[dataset, method])
        marker = "." if len(steps) < 12 else None
        (line,) = panel.plot(steps, mean, color=colour, linestyle=dashes, marker=marker)
        panel.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
        handles.setdefault(method, line)
    if dataset in printed:
      line = panel.axhline(printed[dataset].mean, color=style.GREY, linestyle=":", linewidth=0.9)
      handles.setdefault("the paper's DMG", line)
    style.in_steps(panel)
  figure.supxlabel(next(iter(cells.values()))[0].counted, fontsize=7)
  figure.supylabel(unit(datasets), fontsize=7)
  if len(handles) > 1:
    style.legend_above(figure, handles)
  return figure


def unit(datasets: Sequence[str]) -> str:
  """What scores on these data sets are counted in."""
  if all(counts_successes(dataset) for dataset in datasets):
    return "success rate (%)"
  return "D4RL-normalised score"
