"""A comparison as text in rows and columns, ready for any format."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dmg_jax.report.numbers import fixed, interval, plus_minus, signed
from dmg_jax.report.paper.comparison import REQUIRED
from dmg_jax.report.paper.comparison_parts import Comparison, Entry, Measured, Row, Section
from dmg_jax.report.paper.comparison_text import last_few
from dmg_jax.report.scores.intervals import Estimate
from dmg_jax.report.scores.populations import Compared

_KINDS = {"d4rl": "D4RL's data", "own_data": "our own data", "other_data": "other data"}


class Grid(NamedTuple):
  """Lines of text under one header.

  Attributes:
    title: of the whole.
    sentences: what the numbers are, where the comparison's own caption does not say it.
    header: of every column.
    words: how many columns, the first ones, hold names and no numbers.
    groups: lines that belong together; totals are a group of their own.
  """

  title: str
  sentences: tuple[str, ...]
  header: tuple[str, ...]
  words: int
  groups: tuple[tuple[tuple[str, ...], ...], ...]


def grids(comparison: Comparison) -> list[Grid]:
  """What was measured, beside the paper's numbers; then each kind of cell without any."""
  titles = dict.fromkeys(cell.title for cell in comparison.beside)
  measured = _measured_grid(comparison)
  return [
    *([measured] if measured.groups else []),
    *(_grid_beside(comparison, title) for title in titles),
  ]


def printed_grid(comparison: Comparison) -> Grid:
  """The paper's table as it is printed, and nothing else."""
  groups: list[tuple[tuple[str, ...], ...]] = []
  for section in comparison.sections:
    for rows in (section.rows, (section.total,)):
      groups.append(
        tuple(
          (row.name, *(_printed(row.entries[method]) for method in comparison.printed))
          for row in rows
        )
      )
  header = ("data set", *comparison.printed)
  title = f"Table {comparison.table}, as the paper prints it"
  return Grid(title, (), header, 1, tuple(groups))


def overall_grid(compared: Compared, sentence: str) -> Grid:
  """Each method over all data sets: IQM, optimality gap, and who is likely to score more.

  Args:
    compared: methods on the same data sets.
    sentence: what the numbers are of.
  """
  found = compared.aggregates
  lines = tuple(
    (
      method,
      _estimate(found.iqm[method], 1),
      _estimate(found.gap[method], 1),
      *([_estimate(found.improvement.get(method), 2)] if found.improvement else []),
    )
    for method in found.iqm
  )
  header = ["method", "IQM", "optimality gap"]
  header += [f"P({found.first} scores more)"] * bool(found.improvement)
  return Grid(
    f"Over several data sets: {_KINDS[compared.kind]}",
    (
      sentence,
      "IQM: mean of the middle half of all runs, higher is better. Optimality gap: by how much"
      " runs miss 100 on average, lower is better."
      + (
        f" P({found.first} scores more): probability that a run of {found.first} scores more than"
        " one of the method, ties half."
        if found.improvement
        else ""
      )
      + " In brackets: 95 % intervals by a stratified bootstrap over seeds.",
    ),
    tuple(header),
    1,
    (lines,),
  )


def _estimate(found: Estimate | None, decimals: int) -> str:
  if found is None:
    return ""
  value, low, high = (float(number) for number in found)
  return f"{fixed(value, decimals)} {interval((low, high), decimals)}"


def _measured_grid(comparison: Comparison) -> Grid:
  """One line for each method on each data set."""
  cells = [
    row.entries[method].measured
    for section in comparison.sections
    for row in section.rows
    for method in comparison.measured
  ]
  header = (
    "data set", "method", "measured", "the paper's", "difference",
    _other(comparison.statistic, cells), "seeds", "steps",
  )  # fmt: skip
  groups = [group for section in comparison.sections for group in _section(comparison, section)]
  return Grid(f"Table {comparison.table}", (), header, 2, tuple(group for group in groups if group))


def _section(comparison: Comparison, section: Section) -> Iterator[tuple[tuple[str, ...], ...]]:
  methods = sorted(comparison.measured, key=lambda method: method not in comparison.printed[-1:])
  lines = {row.name: tuple(_lines(comparison, row, methods)) for row in section.rows}
  if len(methods) == 1:
    yield tuple(line for found in lines.values() for line in found)
  else:
    yield from lines.values()
  yield tuple(
    (section.total.name, method, *_numbers(entry, entry.measured, ""))
    for method, entry in section.total.entries.items()
    if entry.measured is not None and method in comparison.measured
  )


def _lines(comparison: Comparison, row: Row, methods: Sequence[str]) -> Iterator[tuple[str, ...]]:
  for method in methods:
    entry = row.entries[method]
    diverged = len(comparison.diverged.get((row.name, method), ()))
    if entry.measured is not None:
      numbers = _numbers(entry, entry.measured, _seeds(len(entry.measured.seeds), diverged))
    elif diverged:
      numbers = ("none", _printed(entry), "", "", _seeds(0, diverged), "")
    elif method in REQUIRED[comparison.table]:
      numbers = ("missing", _printed(entry), "", "", "", "")
    else:
      continue
    yield (row.name, method, *numbers)


def _numbers(entry: Entry, cell: Measured, seeds: str) -> tuple[str, ...]:
  return (
    plus_minus(cell.mean, cell.spread),
    _printed(entry),
    _difference(entry),
    fixed(cell.other, absent=""),
    seeds,
    f"{cell.steps:,}" if cell.steps else "",
  )


def _grid_beside(comparison: Comparison, title: str) -> Grid:
  cells = [cell for cell in comparison.beside if cell.title == title]
  other = _other(comparison.statistic, (cell.measured for cell in cells))
  header = ("data set", "method", "measured", other, "seeds", "steps")
  lines: Mapping[str, list[tuple[str, ...]]] = {cell.dataset: [] for cell in cells}
  for cell in cells:
    diverged = len(comparison.diverged.get((cell.dataset, cell.method), ()))
    lines[cell.dataset].append(
      (
        cell.dataset,
        cell.method,
        plus_minus(cell.measured.mean, cell.measured.spread),
        fixed(cell.measured.other, absent=""),
        _seeds(len(cell.measured.seeds), diverged),
        f"{cell.measured.steps:,}" if cell.measured.steps else "",
      )
    )
  sentences = (f"Not in Table {comparison.table} of the paper.",)
  return Grid(title, sentences, header, 2, tuple(tuple(found) for found in lines.values()))


def _other(statistic: str, cells: Iterable[Measured | None]) -> str:
  """The header of the column beside the table's own statistic."""
  if statistic != "last":
    return "last"
  return f"mean of last {last_few(cell.averaged for cell in cells if cell)}"


def _printed(entry: Entry) -> str:
  return plus_minus(entry.printed.mean, entry.printed.spread) if entry.printed else ""


def _seeds(count: int, diverged: int) -> str:
  return str(count) + f", {diverged} diverged" * (diverged > 0)


def _difference(entry: Entry) -> str:
  if entry.difference is None:
    return ""
  text = signed(entry.difference)
  return text if entry.within is None else f"{text}, {'within' if entry.within else 'outside'}"
