"""The section of docs/beyond.md on Q off the data, from what benchmarks/beyond_probe.py stored."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from beyond_words import wrapped
from family_pages import row
from jobs import RESULTS, ROOT

from dmg_jax.probe import measures, summary
from dmg_jax.probe.measures import Interval

RESULT = RESULTS / "beyond_probe.json"
FIGURE = ROOT / "docs" / "beyond_probe.png"
PLAIN, NORMALISED = SIDES = ("plain", "normalised")
# (Data set, lambda, nu) -> side -> values and returns, (R, D, N) each.
_Points = dict[tuple[str, float, float], dict[str, tuple[np.ndarray, np.ndarray]]]


def section() -> Iterator[str]:
  """Lines of the page; none before the probe ran."""
  if not RESULT.exists():
    return
  result = json.loads(RESULT.read_text())
  yield from lines(result)
  yield f"![Q - G by the distance from the data's action]({FIGURE.name})"
  yield ""
  yield "Trained and measured by"
  yield ""
  for command in result["trained"].values():
    yield from wrapped(f"* `{command}`")
  hashes = ", ".join(f"`{name}` `{one['sha256'][:16]}…`" for name, one in result["tasks"].items())
  yield from wrapped(
    f"* `{result['command']}` ({result['device']}; jax {result['versions']['jax']}; SHA-256 of the "
    f"data: {hashes}; [`{RESULT.name}`](../benchmarks/results/{RESULT.name}))."
  )
  yield ""


def publish() -> None:
  """Draws what is stored, if anything is."""
  if RESULT.exists():
    draw(json.loads(RESULT.read_text()), FIGURE)


def lines(result: Mapping[str, Any]) -> Iterator[str]:
  """The table, and what it says."""
  found = points(result)
  epsilons = result["settings"]["epsilons"]
  first = result["runs"][PLAIN][0]
  count = len({row["seed"] for row in result["runs"][PLAIN]})
  yield "## Q off the data, with and without LayerNorm"
  yield ""
  yield from wrapped(
    f"DMG and DMG with LayerNorm in critics and value, {count} seeds, {first['step']:,} gradient "
    f"steps at the search's rates; measured in the same {result['settings']['starts']} states of "
    "each data set, as [generalisation](generalisation.md) says: Q at the data's action moved by a "
    "distance, and G, the return of the run's own policy after that action. With lambda below 1, Q "
    "does not aim at G alone. Differences are LayerNorm minus none, with 95 % bootstrap intervals "
    "over states and seeds, which so few seeds make far too narrow. Those of one data set share "
    "states, so they are not independent."
  )
  yield ""
  yield row(
    "data set", "lambda", "nu", "G: DMG", "LayerNorm", "Q - G at 0: DMG", "LayerNorm", "difference",
    f"at {epsilons[-1]:g}: difference", "deviation at 0: difference",
  )  # fmt: skip
  yield row("---", *["---:"] * 9)
  closer: list[Interval] = []
  calmer: list[Interval] = []
  for (task, lam, nu), sides in found.items():
    bias = measures.difference(measures.bias, sides[NORMALISED], sides[PLAIN])
    error = measures.difference(_absolute, sides[NORMALISED], sides[PLAIN])
    deviation = measures.difference(measures.deviation, sides[NORMALISED], sides[PLAIN])
    closer.append(error[-1])
    calmer.append(deviation[-1])
    yield row(
      f"`{task}`",
      f"{lam:g}",
      f"{nu:g}",
      *(f"{sides[side][1][:, 0].mean():.0f}" for side in SIDES),
      *(f"{measures.intervals(measures.bias, *sides[side])[0].value:+.0f}" for side in SIDES),
      *map(_shown, (bias[0], bias[-1], deviation[0])),
    )
  yield ""
  yield f"* Mean |Q - G| at distance {epsilons[-1]:g} with LayerNorm: {_counted(closer)}."
  yield f"* Deviation of Q - G over states at distance {epsilons[-1]:g}: {_counted(calmer)}."
  for side, title in zip(SIDES, ("DMG", "With LayerNorm"), strict=True):
    yield from wrapped(
      f"* {title}, Q - G at the data's actions by lambda: {_by_lambda(found, side)}."
    )
  yield from (f"* Left out: {line}." for line in result["left_out"])
  yield ""


def points(result: Mapping[str, Any]) -> _Points:
  """The stored runs by what they share but the seed."""
  found: _Points = {}
  for side in SIDES:
    groups: dict[tuple[str, float, float], list[Mapping[str, Any]]] = {}
    for one in result["runs"][side]:
      groups.setdefault((one["task"], one["lam"], one["nu"]), []).append(one)
    for name, rows in groups.items():
      found.setdefault(name, {})[side] = summary.arrays(rows)
  return found


def draw(result: Mapping[str, Any], path: Path) -> None:
  """Writes a PNG: Q - G against the distance, a panel for each data set, lambda and nu."""
  # Here, and not above: the page is made without a figure.
  from matplotlib.figure import Figure

  from dmg_jax.report.figures import style

  found, epsilons = points(result), result["settings"]["epsilons"]
  tasks = list(dict.fromkeys(task for task, _, _ in found))
  columns = max(sum(task == one for one, _, _ in found) for task in tasks)
  with style.style():
    size = style.WIDTHS["full"], 0.4 + 1.5 * len(tasks)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(tasks), columns, squeeze=False)
    for task, line in zip(tasks, panels, strict=True):
      names = [name for name in found if name[0] == task]
      for name, panel in zip(names, line, strict=False):
        for place, (side, title) in enumerate(zip(SIDES, ("DMG", "LayerNorm"), strict=True)):
          curve = measures.intervals(measures.bias, *found[name][side])
          value, low, high = np.array(curve).T
          colour, dashes = style.appearance(place)
          panel.plot(epsilons, value, dashes, color=colour, label=title)
          panel.fill_between(epsilons, low, high, color=colour, alpha=0.2, linewidth=0)
        panel.axhline(0, color=style.GREY, linewidth=0.6)
        panel.set_title(f"{task.removeprefix('dmg/')}\nlambda {name[1]:g}, nu {name[2]:g}")
      line[0].set_ylabel("mean of Q - G")
    for panel in panels[-1]:
      panel.set_xlabel("distance from the data's action")
    panels[0, 0].legend()
    figure.savefig(path, dpi=150)


def _absolute(values: np.ndarray, returns: np.ndarray) -> np.ndarray:
  """(..., D) mean of |Q - G|."""
  return np.abs(values - returns).mean(axis=-1)


def _shown(one: Interval) -> str:
  value, low, high = (round(number) for number in one)  # integers have no -0
  return f"{value:+d} [{low}, {high}]"


def _counted(intervals: Sequence[Interval]) -> str:
  """How often a difference is on which side of zero."""
  signs = [one.sign for one in intervals]
  return f"less in {signs.count(-1)} of {len(signs)}, more in {signs.count(1)}, else undecided"


def _by_lambda(found: _Points, side: str) -> str:
  """The mean over data sets, nus and seeds for each lambda, and the least and largest run."""
  biases: dict[float, list[float]] = {}
  for (_, lam, _), sides in found.items():
    biases.setdefault(lam, []).extend(measures.bias(*sides[side])[:, 0].tolist())
  return ", ".join(
    f"{np.mean(runs):+.0f} at {lam:g} (runs: {min(runs):+.0f} to {max(runs):+.0f})"
    for lam, runs in sorted(biases.items())
  )
