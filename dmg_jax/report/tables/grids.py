"""A comparison as text in rows and columns, ready for any format."""

from collections.abc import Iterable
from typing import NamedTuple

from dmg_jax.report.paper import exhibits
from dmg_jax.report.paper.comparison import REQUIRED, SEEDS
from dmg_jax.report.paper.comparison_parts import Comparison, Entry, Measured, Row
from dmg_jax.report.paper.comparison_text import last_few

SHORTER = "†"
NOTE_ON_SHORTER = f"{SHORTER} after fewer than {exhibits.STEPS:,} gradient steps."


class Grid(NamedTuple):
  """Lines of text under one header.

  Attributes:
    title: of the whole.
    in_paper: whether the paper has this table.
    header: of every column.
    words: how many columns, the first ones, hold names and no numbers.
    groups: lines that belong together, and the line of their sum, if it has one.
  """

  title: str
  in_paper: bool
  header: tuple[str, ...]
  words: int
  groups: tuple[tuple[tuple[tuple[str, ...], ...], tuple[str, ...] | None], ...]


def grids(comparison: Comparison) -> list[Grid]:
  """The paper's table, and one for each kind of cell that has no place in it."""
  titles = dict.fromkeys(cell.title for cell in comparison.beside)
  return [_paper_grid(comparison), *(_grid_beside(comparison, title) for title in titles)]


def _paper_grid(comparison: Comparison) -> Grid:
  printed, measured = comparison.printed, comparison.measured
  beside = len(measured) == 1
  header = ["data set"]
  for method in (*printed, *(name for name in measured if name not in printed)):
    header += [method] * (method in printed)
    if method in measured:
      header += [f"{method}, measured" if method in printed else method]
      header += ["difference"] * (method in printed)
      cells = (row.entries[method].measured for part in comparison.sections for row in part.rows)
      header += [_other(comparison.statistic, cells)] * beside

  def line(row: Row, is_total: bool) -> tuple[str, ...]:
    texts = [row.name]
    for method, entry in row.entries.items():
      texts += [_printed(entry)] * (method in printed)
      if method in measured:
        absent = "missing" if method in REQUIRED[comparison.table] and not is_total else ""
        seeds = 0 if is_total else SEEDS[comparison.table]
        diverged = len(comparison.diverged.get((row.name, method), ()))
        texts += [_measured(entry.measured, seeds, diverged) or absent]
        texts += [_difference(entry)] * (method in printed)
        texts += [_number(entry.measured.other if entry.measured else None)] * beside
    return tuple(texts)

  groups = tuple(
    (tuple(line(row, False) for row in section.rows), line(section.total, True))
    for section in comparison.sections
  )
  return Grid(f"Table {comparison.table}", True, tuple(header), 1, groups)


def _grid_beside(comparison: Comparison, title: str) -> Grid:
  cells = [cell for cell in comparison.beside if cell.title == title]
  other = _other(comparison.statistic, (cell.measured for cell in cells))
  header = ("data set", "method", "measured", other, "seeds", "steps")
  lines = tuple(
    (
      cell.dataset,
      cell.method,
      _plus_minus(cell.measured.mean, cell.measured.spread),
      _number(cell.measured.other),
      _seeds(cell.measured, len(comparison.diverged.get((cell.dataset, cell.method), ()))),
      f"{cell.measured.steps:,}" if cell.measured.steps else "",
    )
    for cell in cells
  )
  return Grid(title, False, header, 2, ((lines, None),))


def _other(statistic: str, cells: Iterable[Measured | None]) -> str:
  """The header of the column beside the table's own statistic."""
  if statistic != "last":
    return "last"
  return f"mean of last {last_few(cell.averaged for cell in cells if cell)}"


def _number(number: float | None) -> str:
  # + 0.0 turns -0.0 into 0.0.
  return "" if number is None else f"{round(number, 1) + 0.0:.1f}"


def _plus_minus(mean: float, spread: float | None) -> str:
  return _number(mean) if spread is None else f"{_number(mean)} ± {_number(spread)}"


def _printed(entry: Entry) -> str:
  return _plus_minus(entry.printed.mean, entry.printed.spread) if entry.printed else ""


def _seeds(cell: Measured, diverged: int) -> str:
  return str(len(cell.seeds)) + f", {diverged} diverged" * (diverged > 0)


def _measured(cell: Measured | None, seeds: int, diverged: int) -> str:
  """`seeds` is the number that needs no mention; 0 mentions none."""
  if cell is None:
    return f"{diverged} diverged" if diverged else ""
  count = len(cell.seeds)
  mentions = [f"{count} seed{'s' * (count != 1)}"] * bool(seeds and (diverged or count != seeds))
  mentions += [f"{diverged} diverged"] * (diverged > 0)
  mention = f" ({', '.join(mentions)})" if mentions else ""
  return _plus_minus(cell.mean, cell.spread) + SHORTER * (0 < cell.steps < exhibits.STEPS) + mention


def _difference(entry: Entry) -> str:
  if entry.difference is None:
    return ""
  text = f"{entry.difference + 0.0:+.1f}"
  return text if entry.within is None else f"{text}, {'within' if entry.within else 'outside'}"
