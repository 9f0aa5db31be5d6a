"""Comparisons as Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence

from dmg_jax.report.paper.comparison_parts import Comparison, Entry
from dmg_jax.report.paper.comparison_text import missing
from dmg_jax.report.scores.populations import Compared
from dmg_jax.report.tables.grids import Grid, grids, printed_grid

_LATEX = {
  "\\": r"\textbackslash{}",
  "&": r"\&",
  "%": r"\%",
  "$": r"\$",
  "#": r"\#",
  "_": r"\_",
  "{": r"\{",
  "}": r"\}",
  "~": r"\textasciitilde{}",
  "^": r"\textasciicircum{}",
  "<": "$<$",
  ">": "$>$",
  "|": r"\textbar{}",
  "±": r"$\pm$",
  "→": r"$\to$",
}
_COLUMNS_AT_FULL_SIZE = 6  # more are scaled to the page's width
_LINES_ON_A_PAGE = 45
_COLUMNS = (
  "table", "section", "dataset", "method", "statistic", "mean", "spread", "spread_is", "seeds",
  "diverged", "steps", "other_statistic", "paper_mean", "paper_spread", "paper_spread_is",
  "paper_seeds", "difference", "within",
)  # fmt: skip

_OVERALL = ("statistic", "number", "method", "over", "value", "low", "high", "data_sets", "runs")


def markdown(
  comparison: Comparison,
  caption: Sequence[str],
  overall: Sequence[Grid] = (),
  figures: Sequence[str] = (),
) -> str:
  """The measured numbers, the paper's table, figures, what is missing and what was left out.

  Args:
    comparison: the table.
    caption: what its numbers are.
    overall: methods over several data sets, see `grids.overall_grid`.
    figures: a line on each.
  """
  parts = []
  for grid in grids(comparison):
    parts += [f"## {_heading(grid)}", _pipes(grid)]
  parts.append("\n".join(caption))
  for grid in overall:
    parts += [f"## {_heading(grid)}", _pipes(grid), "\n".join(grid.sentences)]
  printed = printed_grid(comparison)
  parts += [f"## {_heading(printed)}", _pipes(printed)]
  for title, lines in (
    ("Figures", figures),
    ("Missing", missing(comparison)),
    ("Notices", comparison.notices),
  ):
    if lines:
      parts += [f"## {title}", "\n".join(f"* {line}" for line in lines)]
  return "\n\n".join(parts) + "\n"


def latex(comparison: Comparison, caption: Sequence[str], overall: Sequence[Grid] = ()) -> str:
  """The tables for a paper: they need the packages booktabs and graphicx.

  A table that is too long for a page is continued on the next.
  """
  lines = ["% \\usepackage{booktabs,graphicx}"]
  lines += [f"% missing: {line}" for line in missing(comparison)]
  lines += [f"% {line}" for line in comparison.notices]
  for grid in (*grids(comparison), *overall, printed_grid(comparison)):
    sentences = [f"{_heading(grid)}.", *(grid.sentences or caption)]
    for page, groups in enumerate(_pages(grid)):
      words = " ".join(sentences) if page == 0 else f"{_heading(grid)}, continued."
      lines += _latex_table(grid, groups, words)
  return "\n".join(lines) + "\n"


def _pages(grid: Grid) -> list[list[tuple[tuple[str, ...], ...]]]:
  """The groups of a grid, so many together as a page has room for."""
  pages: list[list[tuple[tuple[str, ...], ...]]] = [[]]
  for group in grid.groups:
    if pages[-1] and sum(map(len, pages[-1])) + len(group) > _LINES_ON_A_PAGE:
      pages.append([])
    pages[-1].append(group)
  return pages


def _latex_table(
  grid: Grid, groups: Sequence[tuple[tuple[str, ...], ...]], caption: str
) -> list[str]:
  wide = len(grid.header) > _COLUMNS_AT_FULL_SIZE
  lines = [
    r"\begin{table*}[t]",
    r"  \centering",
    rf"  \caption{{{escape(caption)}}}",
    *[r"  \resizebox{\textwidth}{!}{%"] * wide,
    rf"  \begin{{tabular}}{{{'l' * grid.words + 'r' * (len(grid.header) - grid.words)}}}",
    r"    \toprule",
    _latex_line(grid.header),
  ]
  for rows in groups:
    lines += [r"    \midrule", *(_latex_line(row) for row in rows)]
  return [*lines, r"    \bottomrule", r"  \end{tabular}" + "}" * wide, r"\end{table*}"]


def comma_separated(comparison: Comparison) -> str:
  """One line for each method on each data set; measured numbers unrounded."""
  stream = io.StringIO()
  writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
  writer.writeheader()
  cells = [
    (section.title, row.name, method, entry)
    for section in comparison.sections
    for row in section.rows
    for method, entry in row.entries.items()
  ]
  cells += [(b.title, b.dataset, b.method, Entry(b.measured, None)) for b in comparison.beside]
  for title, dataset, method, entry in cells:
    if entry.measured is not None or entry.printed is not None:
      writer.writerow(
        {
          "table": comparison.table,
          "section": title,
          "dataset": dataset,
          "method": method,
          "statistic": comparison.statistic,
          "diverged": " ".join(map(str, comparison.diverged.get((dataset, method), ()))),
          "difference": entry.difference,
          "within": {None: None, True: "yes", False: "no"}[entry.within],
          **_measured_fields(entry, "95% CI" if comparison.table == 6 else "sd over seeds"),
          **_printed_fields(entry),
        }
      )
  return stream.getvalue()


def _measured_fields(entry: Entry, spread_is: str) -> dict[str, object]:
  if (cell := entry.measured) is None:
    return {}
  return {
    "mean": cell.mean,
    "spread": cell.spread,
    "spread_is": spread_is if cell.spread is not None else None,
    "seeds": " ".join(map(str, cell.seeds)),
    "steps": cell.steps or None,
    "other_statistic": cell.other,
  }


def _printed_fields(entry: Entry) -> dict[str, object]:
  if entry.printed is None:
    return {}
  return {f"paper_{name}": value for name, value in entry.printed._asdict().items()}


def overall_comma_separated(compared: Compared, statistic: str) -> str:
  """One line for each number over several data sets, unrounded.

  Args:
    compared: methods on the same data sets.
    statistic: of each run, key of `STATISTICS`.
  """
  stream = io.StringIO()
  writer = csv.DictWriter(stream, _OVERALL, lineterminator="\n")
  writer.writeheader()
  found = compared.aggregates
  named = [("iqm", method, "", value) for method, value in found.iqm.items()]
  named += [("optimality_gap", method, "", value) for method, value in found.gap.items()]
  named += [
    ("probability_of_improvement", found.first, method, value)
    for method, value in found.improvement.items()
  ]
  for number, method, over, (value, low, high) in named:
    writer.writerow(
      {
        "statistic": statistic,
        "number": number,
        "method": method,
        "over": over,
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "data_sets": len(compared.datasets),
        "runs": sum(len(seeds) for seeds in compared.population[method].values()),
      }
    )
  return stream.getvalue()


def escape(text: str) -> str:
  """Text that LaTeX sets as it stands."""
  return "".join(_LATEX.get(character, character) for character in text)


def _heading(grid: Grid) -> str:
  return grid.title[0].upper() + grid.title[1:]


def _pipes(grid: Grid) -> str:
  lines = [grid.header, *(row for rows in grid.groups for row in rows)]
  table = [[text.replace("|", r"\|") for text in row] for row in lines]
  widths = [max(map(len, column)) for column in zip(*table, strict=True)]

  def line(texts: Sequence[str]) -> str:
    padded = [
      text.ljust(width) if place < grid.words else text.rjust(width)
      for place, (text, width) in enumerate(zip(texts, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"

  rules = [
    "-" * width if place < grid.words else "-" * (width - 1) + ":"
    for place, width in enumerate(widths)
  ]
  return "\n".join([line(table[0]), line(rules), *map(line, table[1:])])


def _latex_line(texts: Sequence[str]) -> str:
  return "    " + " & ".join(map(escape, texts)) + r" \\"
