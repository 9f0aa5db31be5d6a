"""Figures of methods over several data sets at once; see `scores.aggregates`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.scores import aggregates
from dmg_jax.report.scores.aggregates import Aggregates, Population
from dmg_jax.report.scores.intervals import Estimate, estimate
from dmg_jax.report.scores.statistics import performance_profile

_THRESHOLD_COUNT = 101


def performance_profiles(
  population: Population, width: float, unit: str, looks: style.Looks
) -> Figure:
  """Share of runs above each score, with 95 % intervals shaded.

  Args:
    population: of one or more methods.
    width: inches.
    unit: of the scores.
    looks: of all methods.
  """
  values = np.concatenate([s for tasks in population.values() for s in tasks.values()])
  thresholds = np.linspace(min(0.0, values.min()), values.max(), _THRESHOLD_COUNT)
  figure, (axes,) = style.panels([""], width)
  handles = {}
  for method, tasks in population.items():
    colour, dashes = looks[method]
    found = estimate(
      aggregates.arrays(tasks),
      lambda scores: performance_profile(scores, thresholds),
      seed=aggregates.SEED,
      resamples=aggregates.DRAWS,
    )
    (handles[method],) = axes.plot(thresholds, found.value, color=colour, linestyle=dashes)
    axes.fill_between(thresholds, found.low, found.high, color=colour, alpha=0.2, linewidth=0)
  axes.set(xlabel=rf"{unit}, $\tau$", ylabel=r"share of runs above $\tau$", ylim=(-0.02, 1.02))
  style.legend_above(figure, handles)
  return figure


def aggregate_intervals(found: Aggregates, width: float, unit: str, looks: style.Looks) -> Figure:
  """Interquartile mean and optimality gap of each method, with 95 % intervals."""
  figure = Figure(
    figsize=(width, 0.58 + _title_height(unit) + 0.2 * len(found.iqm)), layout="constrained"
  )
  left, right = figure.subplots(1, 2, sharey=True)
  for axes, estimates, label in (
    (left, found.iqm, "IQM\n(higher is better)"),
    (right, found.gap, "optimality gap to 100\n(lower is better)"),
  ):
    _rows(axes, estimates, [looks[method] for method in estimates])
    axes.set_xlabel(label)
  figure.suptitle(unit, fontsize=7)
  return figure


def improvement(found: Aggregates, width: float, unit: str, looks: style.Looks) -> Figure:
  """Probability that a run of the first method scores more than one of each other.

  Args:
    found: of two or more methods.
    width: inches.
    unit: of the scores that are compared.
    looks: of all methods.
  """
  rows = {f"{found.first} > {method}": value for method, value in found.improvement.items()}
  figure = Figure(
    figsize=(width, 0.6 + _title_height(unit) + 0.2 * len(rows)), layout="constrained"
  )
  axes = figure.subplots()
  _rows(axes, rows, [looks[method] for method in found.improvement])
  axes.axvline(0.5, color=style.GREY, linestyle=":", linewidth=0.9)
  axes.set(xlabel="probability that\na run scores more", xlim=(-0.03, 1.03))
  figure.suptitle(unit, fontsize=7)
  return figure


def _title_height(unit: str) -> float:
  """Inches that a title takes from the rows below."""
  return 0.12 * len(unit.splitlines())


def _rows(
  axes: Axes, found: Mapping[str, Estimate], looks: Sequence[tuple[str, style.Dashes]]
) -> None:
  """A line for each name, the first on top."""
  for place, ((value, low, high), (colour, _)) in enumerate(
    zip(found.values(), looks, strict=True)
  ):
    axes.plot(
      [low, high], [place, place], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt"
    )
    axes.plot([value], [place], "|", color=colour, markersize=7, markeredgewidth=1.6)
  axes.set_yticks(range(len(found)), list(found))
  axes.set_ylim(len(found) - 0.4, -0.6)
  axes.grid(axis="y", visible=False)
