"""The curves of a job of one group as one picture: scores and learned values."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.errors import storage
from dmg_jax.report.figures import job_panels, style
from dmg_jax.report.tables.job_table import Results

_HEIGHT, _DOTS_PER_INCH = 2.8, 200
_SCORE_COLOUR, _Q_COLOUR, _V_COLOUR = style.COLOURS[:3]


class _Curve(NamedTuple):
  """(N,) steps, (R, N) values of all runs, and how they are drawn."""

  steps: np.ndarray
  values: np.ndarray
  colour: str
  label: str


def curves(
  path: str | os.PathLike[str],
  groups: Sequence[Results],
  metrics: Sequence[Mapping[str, np.ndarray]],
) -> None:
  """Writes a PNG of scores and learned values against gradient steps.

  Of one group: thin lines are seeds, thick ones their mean, and the shade is one
  standard deviation over seeds (n - 1); diverged runs are drawn up to their end,
  dotted, and are in no mean. Of several: see `job_panels.panels`. The file appears
  whole or not at all.

  Args:
    path: of the PNG; its directory must exist.
    groups: one or more, as for the table.
    metrics: of each group: "step" (M,) and, each (R, M) and NaN where nothing was logged,
      "policy_q", "q" and "v".

  Raises:
    StorageError: if the file cannot be written; an older one is left as it is.
  """
  with style.style():
    if len(groups) == 1:
      figure = _one_group(groups[0], metrics[0])
    else:
      figure = job_panels.panels(groups, metrics)
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with storage(target):
      try:
        figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH)
        os.replace(temporary, target)
      finally:
        temporary.unlink(missing_ok=True)


def _one_group(results: Results, metrics: Mapping[str, np.ndarray]) -> Figure:
  figure = Figure(figsize=(style.WIDTHS["full"], _HEIGHT), layout="constrained")
  left, right = figure.subplots(1, 2)
  figure.suptitle(f"{results.label} on {results.task}", fontsize=8)
  _scores(left, results)
  _values(right, results, metrics)
  return figure


def _scores(axes: Axes, results: Results) -> None:
  if len(results.steps) == 0:
    job_panels.no_evaluations(axes, results)
    axes.set_ylabel(results.unit)
    return
  _frame(axes, results.unit, results.counted)
  curve = _Curve(results.steps, results.scores, _SCORE_COLOUR, "mean")
  _population(axes, curve, results.active, shade=True)
  if results.data_mean is not None:
    axes.axhline(results.data_mean, color=style.GREY, linestyle="--", label="data's mean")
  _diverged(axes, [curve], results)
  axes.legend()


def _values(axes: Axes, results: Results, metrics: Mapping[str, np.ndarray]) -> None:
  _frame(axes, "learned value (discounted return)", results.counted)
  steps = metrics["step"]
  # Not every method has them all: cloning has none.
  q = ("policy_q", "Q(s, π(s))") if np.isfinite(metrics["policy_q"]).any() else ("q", "Q(s, a)")
  drawn = [
    _Curve(steps, metrics[name], colour, label)
    for (name, label), colour in ((q, _Q_COLOUR), (("v", "V(s)"), _V_COLOUR))
    if np.isfinite(metrics[name]).any()
  ]
  if not drawn:
    axes.text(0.5, 0.5, "no learned values", ha="center", va="center", transform=axes.transAxes)
    return
  for curve in drawn:
    _population(axes, curve, results.active)
  _diverged(axes, drawn, results)
  axes.legend()


def _population(axes: Axes, curve: _Curve, active: np.ndarray, *, shade: bool = False) -> None:
  """Thin lines of the active runs, a thick one of their mean."""
  values = np.ma.masked_invalid(np.asarray(curve.values, np.float64)[active])
  if len(values) == 0:
    return
  mean = values.mean(axis=0).filled(np.nan)
  marker = _marker(curve)
  if len(values) > 1:
    for line in values:
      axes.plot(curve.steps, line, color=curve.colour, linewidth=0.5, alpha=0.45, marker=marker)
  seeds = f"{len(values)} seeds" if len(values) > 1 else "1 seed"
  label = f"{curve.label}, {seeds}"
  axes.plot(curve.steps, mean, color=curve.colour, linewidth=1.6, marker=marker, label=label)
  if shade and len(values) > 1:
    deviation = values.std(axis=0, ddof=1).filled(np.nan)
    axes.fill_between(
      curve.steps,
      mean - deviation,
      mean + deviation,
      color=curve.colour,
      alpha=0.18,
      linewidth=0,
      label="± sd over seeds",
    )


def _diverged(axes: Axes, drawn: list[_Curve], results: Results) -> None:
  """Dotted lines of the runs that diverged, last and to the scale of the others."""
  if results.active.any():
    # One run at 1e30 must not flatten its neighbours.
    axes.set_ylim(axes.get_ylim())
  label = f"{np.sum(~results.active)} diverged"
  for curve in drawn:
    for run in np.flatnonzero(~results.active):
      before = np.asarray(curve.steps) <= results.frozen_at[run]
      values = np.asarray(curve.values, np.float64)[run]
      axes.plot(
        np.asarray(curve.steps)[before],
        np.where(np.isfinite(values), values, np.nan)[before],
        color=curve.colour,
        linestyle=":",
        linewidth=1.0,
        marker=_marker(curve),
        label=label,
      )
      label = "_nolegend_"


def _marker(curve: _Curve) -> str | None:
  """A single point is no line, and would not be seen."""
  return "o" if len(curve.steps) == 1 else None


def _frame(axes: Axes, unit: str, counted: str) -> None:
  axes.set_xlabel(counted)
  axes.set_ylabel(unit)
  style.in_steps(axes)
