"""What all figures of a report share: sizes, fonts, colours, and how they are written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from dmg_jax.report.scores.method_names import order

# Inches: one column of a two-column journal, and the page between its margins.
WIDTHS = {"column": 3.3, "full": 6.8}
# Okabe and Ito's colours, which colour-blind readers tell apart; the yellow is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Beyond the colours, and in print without them, the dashes tell methods apart.
Dashes = Literal["-", "--", "-.", ":"]
Looks = Mapping[str, tuple[str, Dashes]]
DASHES: tuple[Dashes, ...] = ("-", "--", "-.", ":")
GREY = "#777777"
_SETTINGS: dict[Any, Any] = {
  "font.size": 7,
  "axes.titlesize": 6.5,
  "axes.labelsize": 7,
  "xtick.labelsize": 6,
  "ytick.labelsize": 6,
  "legend.fontsize": 6.5,
  "axes.linewidth": 0.6,
  "xtick.major.width": 0.6,
  "ytick.major.width": 0.6,
  "xtick.major.size": 2.5,
  "ytick.major.size": 2.5,
  "lines.linewidth": 1.2,
  "axes.spines.top": False,
  "axes.spines.right": False,
  "axes.grid": True,
  "grid.color": "#e2e2e2",
  "grid.linewidth": 0.4,
  "axes.axisbelow": True,
  "legend.frameon": False,
  "legend.handlelength": 2.6,  # a dash, a gap and a dot
  "savefig.dpi": 300,
  "pdf.fonttype": 42,  # embedded as TrueType, which journals ask for
  "ps.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
  """Matplotlib's settings for a figure; it is to be drawn and written within."""
  with matplotlib.rc_context(_SETTINGS):
    yield


def appearance(place: int) -> tuple[str, Dashes]:
  """Colour and dashes of the method at this place of a list."""
  return COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]


def looks(methods: Iterable[str]) -> Looks:
  """Colour and dashes of each method, the same in all figures of a report; DMG's come first."""
  return {method: appearance(place) for place, method in enumerate(sorted(methods, key=order))}


def panels(names: Sequence[str], width: float) -> tuple[Figure, list[Axes]]:
  """A figure with a panel for each name, all of one size, in rows; and the axes."""
  count, is_full = len(names), width > WIDTHS["column"]
  columns = min(count, 2 if not is_full else 4 if count == 4 else 3)
  rows = -(-count // columns)
  height = 0.62 * width / columns
  figure = Figure(figsize=(width, rows * height + 0.4), layout="constrained")
  grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
  for unused in grid[count:]:
    unused.remove()
  # A letter is about 0.6 of its font size wide, and names must not meet.
  room = 72 * width / columns / (0.68 * max(map(len, names)) or 1)
  for axes, name in zip(grid, names, strict=False):
    # To the right: long names then have the room above the axis labels.
    axes.set_title(name, loc="right", fontsize=min(_SETTINGS["axes.titlesize"], room))
  return figure, grid[:count]


def in_steps(axes: Axes) -> None:
  """Labels the x axis with counts such as 500k."""
  axes.xaxis.set_major_formatter(EngFormatter(sep=""))
  axes.locator_params(axis="x", nbins=4)


def legend_above(figure: Figure, handles: Mapping[str, Any]) -> None:
  """One legend for all panels, in as few rows as the width allows."""
  entry = 0.45 + 0.055 * max(map(len, handles))
  rows = -(-len(handles) // max(1, int(figure.get_figwidth() / entry)))
  figure.legend(
    list(handles.values()),
    list(handles),
    loc="outside upper center",
    ncols=-(-len(handles) // rows),
  )


def write(figure: Figure, stem: Path) -> list[Path]:
  """Writes a figure as PNG and PDF; the same figure gives the same bytes.

  Returns:
    the two paths.
  """
  paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "pdf")]
  figure.savefig(paths[0])
  figure.savefig(paths[1], metadata={"CreationDate": None})
  return paths
