"""The pictures of the study, each from its stored numbers alone."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from dmg_jax.report.figures import style
from dmg_jax.symmetry import drawings as arms
from dmg_jax.symmetry.page import by_width

Numbers = Mapping[str, Any]


def draw_all(numbers: Mapping[str, Numbers]) -> dict[str, bytes]:
  """Each picture as PNG, by its name; the same numbers give the same bytes."""
  drawings: dict[str, Callable[[Numbers], Figure]] = {
    "circle": _circle,
    "reacher": lambda _: arms.picture(),
  }
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
