"""The pictures of the study, each from its stored numbers alone."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.symmetry import drawings as arms
from dmg_jax.symmetry import page_walker, walker_summary
from dmg_jax.symmetry.page import by_width

Numbers = Mapping[str, Any]


def draw_all(numbers: Mapping[str, Numbers]) -> dict[str, bytes]:
  """Each picture as PNG, by its name; the same numbers give the same bytes."""
  drawings: dict[str, Callable[[Numbers], Figure]] = {
    "circle": _circle,
    "reacher": lambda _: arms.picture(),
  }
  if "walker" in numbers and walker_summary.sets(numbers["walker"]):
    drawings["walker"] = _walker
  pictures = {}
  with style.style(), matplotlib.rc_context({"savefig.dpi": 150}):
    for part, draw in drawings.items():
      if part in numbers:
        buffer = io.BytesIO()
        draw(numbers[part]).savefig(buffer, format="png")
        pictures[f"structure_{part}.png"] = buffer.getvalue()
    if "reacher" in numbers:
      pictures["structure_reacher.gif"] = arms.animation()
  return pictures


def _circle(part: Numbers) -> Figure:
  """The share of networks that are right at the test angle, against eta."""
  figure = Figure(figsize=(style.WIDTHS["full"] / 1.6, 2.4), layout="constrained")
  axes = figure.subplots()
  multiples = part["settings"]["multiples"]
  for place, (name, cell) in enumerate(by_width(part["cells"])):
    colour = style.COLOURS[place]
    axes.semilogx(multiples, cell["rotated"]["test"], "o-", ms=3, color=colour, label=name)
    axes.semilogx(multiples, cell["symmetric"]["test"], "--", color=colour)
  exact = [0.25, 1, 1, 30]
  axes.semilogx(exact, [1, 1, 0, 0], ":", color=style.GREY, label="exactly equivariant")
  axes.set(
    xlabel=r"$\eta$, as a multiple of $(1-\gamma)\,r/0.2071$",
    ylabel="optimal at 45°",
    title="rotated target (lines) and symmetric target (dashes)",
    ylim=(-0.03, 1.03),
  )
  axes.legend()
  return figure


def _walker(part: Numbers) -> Figure:
  """Score against nu: a panel for each set, a line for each use, all seeds as dots."""
  settings, cells = part["settings"], part["cells"]
  tiers, shares, done = settings["tiers"], settings["shares"], walker_summary.sets(part)
  figure = Figure(figsize=(style.WIDTHS["full"], 3.6), layout="constrained")
  panels = figure.subplots(len(tiers), len(shares), sharex=True, sharey="row", squeeze=False)
  for tier, line in zip(tiers, panels, strict=True):
    for share, axes in zip(shares, line, strict=True):
      of = f"{tier} {share:g}"
      axes.set(title=page_walker.name(of), xscale="log")
      for place, use in enumerate(settings["uses"]):
        if of not in done:
          continue
        points = walker_summary.points(cells, of, [use])
        nus = np.array([float(nu) for _, nu in points])
        scores = np.array(list(points.values())).reshape(len(nus), -1)
        colour, dashes = style.appearance(place)
        moved = nus * 1.12 ** (place - 1.5)
        for column in scores.T:
          axes.plot(moved, column, ".", ms=2, color=colour, alpha=0.5)
        label = page_walker.USES[use]
        axes.plot(moved, scores.mean(axis=1), dashes, color=colour, label=label)
      if of in done:
        data = float(np.mean(cells[f"{of} none"]["data_score"]))
        axes.axhline(data, color=style.GREY, linestyle=":", linewidth=0.8, label="data")
  for axes in panels[-1]:
    axes.set_xlabel(r"$\nu$")
  for axes in panels[:, 0]:
    axes.set_ylabel("score")
  handles, labels = panels[0, 0].get_legend_handles_labels()
  figure.legend(handles, labels, loc="outside lower center", ncols=5)
  return figure
