"""The curves of a job of several groups: a column of panels for each data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dmg_jax.report.figures import style
from dmg_jax.report.scores.labels import shorten
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import SCORE

_COLUMNS = 3
_PANEL_HEIGHT = 1.7
# Beyond this factor over the middle group, one learned value would flatten the others.
_OUTLIER = 20.0
Metrics = Mapping[str, np.ndarray]


def panels(groups: Sequence[Results], metrics: Sequence[Metrics]) -> Figure:
  """Scores above, learned Q(s, a) of the data below, a column for each data set.

  Each label has one colour and one pattern of dashes in all panels: its mean over
  seeds, shaded one standard deviation (n - 1). Runs that diverged are in no mean; a
  group of which none is left has no line, and the legend says so.

  Args:
    groups: two or more.
    metrics: of each group, see `job_curves.curves`.
  """
  tasks = list(dict.fromkeys(group.task for group in groups))
  labels = list(dict.fromkeys(group.label for group in groups))
  columns = min(len(tasks), _COLUMNS)
  bands = -(-len(tasks) // columns)
  figure = Figure(
    figsize=(style.WIDTHS["full"], 2 * bands * _PANEL_HEIGHT + 0.5), layout="constrained"
  )
  grid = figure.subplots(2 * bands, columns, squeeze=False)
  for axes in grid.ravel():
    axes.set_visible(False)
  handles: dict[str, Any] = {}
  for place, task in enumerate(tasks):
    band, column = divmod(place, columns)
    upper, lower = grid[2 * band, column], grid[2 * band + 1, column]
    members = [i for i, group in enumerate(groups) if group.task == task]
    for axes in (upper, lower):
      axes.set_visible(True)
    upper.set_title(task, loc="right")
    lower.set_xlabel(groups[0].counted)
    upper.set_ylabel("score" if groups[members[0]].unit == SCORE else "return")
    lower.set_ylabel("Q(s, a)")
    _scores(upper, [groups[i] for i in members], labels, handles)
    _values(lower, [(groups[i], metrics[i]) for i in members], labels, handles)
  _, shared = shorten((group.method, group.label) for group in groups)
  words = "mean over seeds, shaded ± one standard deviation" + f"\n{shared}" * bool(shared)
  figure.supxlabel(words, fontsize=6)
  style.legend_above(figure, _named(handles, groups, labels))
  return figure


def no_evaluations(axes: Axes, results: Results) -> None:
  """A panel without an axis of steps, that says why it is empty."""
  words = "no simulator" if not results.simulator else "every run diverged before its evaluation"
  axes.text(
    0.5, 0.5, f"no evaluations:\n{words}", ha="center", va="center", transform=axes.transAxes
  )
  axes.set(xticks=[], yticks=[])


def _scores(
  axes: Axes, groups: Sequence[Results], labels: Sequence[str], handles: dict[str, Any]
) -> None:
  if not any(len(group.steps) for group in groups):
    no_evaluations(axes, groups[0])
    return
  for group in groups:
    _mean_and_shade(axes, group, group.steps, group.scores, labels, handles)
  if groups[0].data_mean is not None:
    line = axes.axhline(groups[0].data_mean, color=style.GREY, linestyle=":", linewidth=0.9)
    handles.setdefault("data's mean", line)
  style.in_steps(axes)


def _values(
  axes: Axes,
  groups: Sequence[tuple[Results, Metrics]],
  labels: Sequence[str],
  handles: dict[str, Any],
) -> None:
  heights = []
  for group, metrics in groups:
    values = np.asarray(metrics["q"], np.float64)
    _mean_and_shade(axes, group, metrics["step"], values, labels, handles)
    finite = np.abs(values[group.active])
    finite = finite[np.isfinite(finite)]
    heights += [float(finite.max())] if finite.size else []
  if heights and max(heights) > _OUTLIER * np.median(heights) > 0:
    axes.set_yscale("symlog", linthresh=float(np.median(heights)))
  style.in_steps(axes)


def _mean_and_shade(
  axes: Axes,
  group: Results,
  steps: np.ndarray,
  values: np.ndarray,
  labels: Sequence[str],
  handles: dict[str, Any],
) -> None:
  kept = np.ma.masked_invalid(np.asarray(values, np.float64)[group.active])
  if kept.size == 0 or kept.mask.all():
    return
  colour, dashes = style.appearance(labels.index(group.label))
  mean = kept.mean(axis=0).filled(np.nan)
  marker = "." if len(steps) < 12 else None
  (line,) = axes.plot(steps, mean, color=colour, linestyle=dashes, marker=marker, markersize=3)
  handles.setdefault(group.label, line)
  if len(kept) > 1:
    deviation = kept.std(axis=0, ddof=1).filled(np.nan)
    axes.fill_between(
      steps, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0
    )


def _named(
  handles: Mapping[str, Any], groups: Sequence[Results], labels: Sequence[str]
) -> dict[str, Any]:
  """The legend: labels in their order, with how many of their runs diverged, then the rest."""
  short, _ = shorten((group.method, group.label) for group in groups)
  named = {}
  for place, label in enumerate(labels):
    diverged = sum(int(np.sum(~group.active)) for group in groups if group.label == label)
    colour, dashes = style.appearance(place)
    line = handles.get(label) or Line2D([], [], color=colour, linestyle=dashes)
    named[short[label] + f" ({diverged} diverged)" * (diverged > 0)] = line
  return named | {name: line for name, line in handles.items() if name not in labels}
