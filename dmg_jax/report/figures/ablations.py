"""Scores against lambda or nu, a panel for each data set (the paper's Figures 1 and 2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.report.scores.intervals import mean_interval
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task

SYMBOLS = {"lam": r"$\lambda$", "nu": r"$\nu$"}
# value of the setting -> scores of its seeds
Line = Mapping[float, np.ndarray]


def ablations(scores: Sequence[Score], setting: str, statistic: str) -> dict[str, dict[str, Line]]:
  """The lines of the figure: data set -> label -> line.

  Runs on a line differ in the setting alone: same method, steps and other
  settings. Only lines of two or more values are there.

  Args:
    scores: joined; those without the setting, as all from elsewhere, are left out.
    setting: key of `SYMBOLS`.
    statistic: a column of `selection.by_task`.

  Raises:
    ValueError: if two methods would be one point of a line.
  """
  numbers = by_task(scores, statistic)
  known = [score for score in scores if score.dataset in numbers.get(score.method, {})]
  groups: dict[str, dict[tuple, dict[float, str]]] = {}
  for score in on_lines(known, setting):
    lines = groups.setdefault(score.dataset, {})
    points = lines.setdefault(_key(score, setting), {})
    first = points.setdefault(score.settings[setting], score.method)
    if first != score.method:
      raise ValueError(f"{first} and {score.method} on {score.dataset} differ in no setting")
  return {
    dataset: {
      _label(key, list(lines)): {place: numbers[points[place]][dataset] for place in sorted(points)}
      for key, points in lines.items()
    }
    for dataset, lines in groups.items()
  }


def on_lines(scores: Sequence[Score], setting: str) -> list[Score]:
  """The scores of runs that share a line with some of another value of the setting."""
  values: dict[tuple, set[float]] = {}
  having = [score for score in scores if score.job is not None and setting in score.settings]
  for score in having:
    line = values.setdefault((score.dataset, _key(score, setting)), set())
    line.add(score.settings[setting])
  return [score for score in having if len(values[score.dataset, _key(score, setting)]) > 1]


def _key(score: Score, setting: str) -> tuple:
  """What the runs of a line have in common."""
  others = sorted((k, v) for k, v in score.settings.items() if k != setting)
  return (_shared(score), score.steps, *others)


def _shared(score: Score) -> str:
  """The method without what `settings` tell: of "DMG (lam 0.5, batch_size 32)", all but lambda."""
  member, _, rest = score.method.removesuffix(")").partition(" (")
  parts = [part for part in rest.split(", ") if part and part.split()[0] not in score.settings]
  return f"{member} ({', '.join(parts)})" if parts else member


def _label(key: tuple, keys: Sequence[tuple]) -> str:
  """The method, and in what else its line differs from the others."""
  parts = [key[0]]
  if len({other[1] for other in keys}) > 1:
    parts.append(f"{key[1]:,} steps")
  for name, number in key[2:]:
    if any((name, number) not in other[2:] for other in keys):
      parts.append(f"{SYMBOLS.get(name, name)} = {_shown(number)}")
  return ", ".join(parts)


def _shown(value: Any) -> str:
  if isinstance(value, tuple):
    return "x".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)


def ablation(
  lines: Mapping[str, Mapping[str, Line]], setting: str, width: float, unit: str
) -> Figure:
  """Mean and 95 % interval over seeds, shaded, and the seeds as dots.

  Args:
    lines: from `ablations`, not empty.
    setting: key of `SYMBOLS`.
    width: inches.
    unit: of the scores.
  """
  labels = list(dict.fromkeys(label for found in lines.values() for label in found))
  figure, axes = style.panels(list(lines), width)
  handles: dict[str, Any] = {}
  for panel, found in zip(axes, lines.values(), strict=True):
    for label, line in found.items():
      colour, dashes = style.appearance(labels.index(label))
      places = np.array(list(line))
      means = np.array([np.mean(values) for values in line.values()])
      ends = np.array([mean_interval(values) for values in line.values()])
      for place, values in line.items():
        panel.plot([place] * len(values), values, ".", color=colour, markersize=2.5, alpha=0.6)
      panel.fill_between(places, *ends.T, color=colour, alpha=0.2, linewidth=0)
      (handles[label],) = panel.plot(
        places, means, color=colour, linestyle=dashes, marker="o", markersize=3
      )
    _scale(panel, setting, sorted({place for line in found.values() for place in line}))
  figure.supxlabel(SYMBOLS[setting], fontsize=7)
  figure.supylabel(unit, fontsize=7)
  if len(handles) > 1:
    style.legend_above(figure, handles)
  return figure


def _scale(axes: Axes, setting: str, places: Sequence[float]) -> None:
  """lambda is a share; nu is varied by factors, 0 at the left end."""
  if setting == "nu":
    smallest = min(place for place in places if place > 0)
    axes.set_xscale("symlog", linthresh=smallest) if 0 in places else axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
  else:
    axes.set_xticks(places, [f"{place:g}" for place in places])
