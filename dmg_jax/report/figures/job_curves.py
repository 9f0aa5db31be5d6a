"""The curves of a job as one picture."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from dmg_jax.report.tables.job_table import Results

# Okabe and Ito's colours, which colour-blind readers tell apart.
_BLUE, _ORANGE, _GREEN, _BLACK = "#0072B2", "#D55E00", "#009E73", "#333333"
_SIZE, _DOTS_PER_INCH = (10.0, 4.0), 160


class _Curve(NamedTuple):
  """(N,) steps, (R, N) values of all runs, and how they are drawn."""

  steps: np.ndarray
  values: np.ndarray
  colour: str
  label: str


def curves(
  path: str | os.PathLike[str], results: Results, metrics: Mapping[str, np.ndarray]
) -> None:
  """Writes a PNG of scores (left) and learned values (right) against gradient steps.

  Thin lines are seeds, thick ones their mean, and the shade is one standard
  deviation over seeds (n - 1). Diverged runs are drawn up to their end, dotted,
  and are in no mean. The file appears whole or not at all.

  Args:
    path: of the PNG; its directory must exist.
    results: as for the table.
    metrics: "step" (M,) and, each (R, M) and NaN where nothing was logged,
      "policy_q" and "v".
  """
  figure = Figure(figsize=_SIZE, dpi=_DOTS_PER_INCH, layout="constrained")
  left, right = figure.subplots(1, 2)
  figure.suptitle(f"{results.method} on {results.dataset}", fontsize=12)
  _scores(left, results)
  _values(right, results, metrics)
  target = Path(path)
  temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
  try:
    figure.savefig(temporary, format="png")
    os.replace(temporary, target)
  finally:
    temporary.unlink(missing_ok=True)


def _scores(axes: Axes, results: Results) -> None:
  _frame(axes, results.unit)
  if len(results.steps) == 0:
    axes.text(0.5, 0.5, "no evaluations", ha="center", va="center", transform=axes.transAxes)
    axes.set(xticks=[], yticks=[])
    return
  curve = _Curve(results.steps, results.scores, _BLUE, "mean")
  _population(axes, curve, results.active, shade=True)
  if results.data_mean is not None:
    axes.axhline(
      results.data_mean, color=_BLACK, linestyle="--", linewidth=1.2, label="data's mean"
    )
  _diverged(axes, [curve], results)
  axes.legend(frameon=False, fontsize=9)


def _values(axes: Axes, results: Results, metrics: Mapping[str, np.ndarray]) -> None:
  _frame(axes, "learned value (discounted return)")
  steps = metrics["step"]
  drawn = [
    _Curve(steps, metrics["policy_q"], _ORANGE, "Q(s, π(s))"),
    _Curve(steps, metrics["v"], _GREEN, "V(s)"),
  ]
  for curve in drawn:
    _population(axes, curve, results.active)
  _diverged(axes, drawn, results)
  axes.legend(frameon=False, fontsize=9)


def _population(axes: Axes, curve: _Curve, active: np.ndarray, *, shade: bool = False) -> None:
  """Thin lines of the active runs, a thick one of their mean."""
  values = np.ma.masked_invalid(np.asarray(curve.values, np.float64)[active])
  if len(values) == 0:
    return
  mean = values.mean(axis=0).filled(np.nan)
  marker = _marker(curve)
  if len(values) > 1:
    for line in values:
      axes.plot(curve.steps, line, color=curve.colour, linewidth=0.7, alpha=0.45, marker=marker)
  seeds = f"{len(values)} seeds" if len(values) > 1 else "1 seed"
  axes.plot(
    curve.steps,
    mean,
    color=curve.colour,
    linewidth=2.2,
    marker=marker,
    label=f"{curve.label}, {seeds}",
  )
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
        linewidth=1.2,
        marker=_marker(curve),
        label=label,
      )
      label = "_nolegend_"


def _marker(curve: _Curve) -> str | None:
  """A single point is no line, and would not be seen."""
  return "o" if len(curve.steps) == 1 else None


def _frame(axes: Axes, unit: str) -> None:
  axes.set_xlabel("gradient steps")
  axes.set_ylabel(unit)
  axes.xaxis.set_major_formatter(EngFormatter(sep=""))
  axes.grid(color="#dddddd", linewidth=0.6)
  axes.spines[["top", "right"]].set_visible(False)
