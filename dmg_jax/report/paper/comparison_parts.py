"""What a comparison with a table of the paper is made of."""

from collections.abc import Mapping
from typing import NamedTuple

from dmg_jax.report.numbers import rounded
from dmg_jax.report.paper.paper_scores import PaperCell
from dmg_jax.report.scores.commands import Job


class Measured(NamedTuple):
  """What runs of one method on one data set scored.

  Attributes:
    mean: over seeds, of the table's statistic.
    spread: half-width of what stands after "±"; None for a single seed or a total.
    seeds: that were averaged; none in a total.
    steps: gradient steps of each; 0 where unknown.
    other: the same mean of the other statistic: of the last ten evaluations
      where the table shows the last, else of the last; None where unknown.
    averaged: evaluations of each seed in a mean of the last ten; 0 where unknown.
  """

  mean: float
  spread: float | None
  seeds: tuple[int, ...]
  steps: int
  other: float | None
  averaged: int


class Entry(NamedTuple):
  """One method on one data set, measured and printed."""

  measured: Measured | None
  printed: PaperCell | None

  @property
  def difference(self) -> float | None:
    """Measured less printed, to the tenth that the paper prints."""
    if self.measured is None or self.printed is None:
      return None
    return rounded(self.measured.mean - self.printed.mean)

  @property
  def within(self) -> bool | None:
    """Whether the difference is no more than the paper's ±, or, if it has none, ours."""
    if self.difference is None or self.measured is None or self.printed is None:
      return None
    spread = self.printed.spread if self.printed.spread is not None else self.measured.spread
    return None if spread is None else abs(self.difference) <= round(spread, 1)


class Row(NamedTuple):
  """A line of the table: method -> entry."""

  name: str
  entries: Mapping[str, Entry]


class Section(NamedTuple):
  """Rows of the paper's table that belong together, and their sum.

  Attributes:
    title: of the section.
    rows: one a data set.
    total: sums over the rows, of the methods that have all of them.
  """

  title: str
  rows: tuple[Row, ...]
  total: Row


class Beside(NamedTuple):
  """A measured cell that has no place in the paper's table."""

  title: str
  dataset: str
  method: str
  measured: Measured


class Comparison(NamedTuple):
  """A whole table.

  Attributes:
    table: number of the paper's table.
    statistic: key of `STATISTICS`.
    printed: methods that the paper's table has, in its order.
    measured: methods that have numbers of ours, or should have them.
    sections: of the paper's table.
    beside: cells of other data, ours among them, and of other settings of a method.
    notices: what was left out of the table and why; one a line.
    diverged: (data set, method) -> seeds that were run and are in no mean.
    jobs: (data set, method) -> the jobs of its runs; nothing for a cell that has none.
  """

  table: int
  statistic: str
  printed: tuple[str, ...]
  measured: tuple[str, ...]
  sections: tuple[Section, ...]
  beside: tuple[Beside, ...]
  notices: tuple[str, ...]
  diverged: Mapping[tuple[str, str], tuple[int, ...]]
  jobs: Mapping[tuple[str, str], tuple[Job, ...]]
