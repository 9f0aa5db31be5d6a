"""Comparisons as Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Sequence

from dmg_jax.report.paper.comparison_parts import Comparison, Entry
from dmg_jax.report.paper.comparison_text import missing
from dmg_jax.report.tables.grids import NOTE_ON_SHORTER, SHORTER, Grid, grids

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
  "†": r"$^\dagger$",
}
_COLUMNS_AT_FULL_SIZE = 8  # more are scaled to the page's width
_COLUMNS = (
  "table", "section", "dataset", "method", "statistic", "mean", "spread", "spread_is", "seeds",
  "diverged", "steps", "other_statistic", "paper_mean", "paper_spread", "paper_spread_is",
  "paper_seeds", "difference", "within",
)  # fmt: skip


def markdown(comparison: Comparison, caption: Sequence[str], figures: Sequence[str] = ()) -> str:
  """The table, its caption, the figures beside it, what is missing and what was left out."""
  parts = []
  for grid in grids(comparison):
    parts += [f"## {_heading(grid)}", _pipes(grid)]
    parts += _notes(grid)
  parts.append("\n".join(caption))
  for title, lines in (
    ("Figures", figures),
    ("Missing", missing(comparison)),
    ("Notices", comparison.notices),
  ):
    if lines:
      parts += [f"## {title}", "\n".join(f"* {line}" for line in lines)]
  return "\n\n".join(parts) + "\n"


def latex(comparison: Comparison, caption: Sequence[str]) -> str:
  """The table for a paper: needs the packages booktabs and graphicx."""
  lines = ["% \\usepackage{booktabs,graphicx}"]
  lines += [f"% missing: {line}" for line in missing(comparison)]
  lines += [f"% {line}" for line in comparison.notices]
  for grid in grids(comparison):
    own = [f"{_heading(grid)}, which Table {comparison.table} does not have.", caption[1]]
    sentences = [*(caption if grid.in_paper else own), *_notes(grid)]
    wide = len(grid.header) > _COLUMNS_AT_FULL_SIZE
    lines += [
      r"\begin{table*}[t]",
      r"  \centering",
      rf"  \caption{{{escape(' '.join(sentences))}}}",
      *[r"  \resizebox{\textwidth}{!}{%"] * wide,
      rf"  \begin{{tabular}}{{{'l' * grid.words + 'r' * (len(grid.header) - grid.words)}}}",
      r"    \toprule",
      _latex_line(grid.header),
    ]
    for rows, total in grid.groups:
      lines += [r"    \midrule", *(_latex_line(row) for row in rows)]
      lines += [r"    \midrule", _latex_line(total)] if total else []
    lines += [r"    \bottomrule", r"  \end{tabular}" + "}" * wide, r"\end{table*}"]
  return "\n".join(lines) + "\n"


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


def escape(text: str) -> str:
  """Text that LaTeX sets as it stands."""
  return "".join(_LATEX.get(character, character) for character in text)


def _heading(grid: Grid) -> str:
  return grid.title[0].upper() + grid.title[1:]


def _lines(grid: Grid) -> list[tuple[str, ...]]:
  return [row for rows, total in grid.groups for row in (*rows, *([total] if total else []))]


def _notes(grid: Grid) -> list[str]:
  shorter = any(SHORTER in text for row in _lines(grid) for text in row)
  return [NOTE_ON_SHORTER] * shorter


def _pipes(grid: Grid) -> str:
  table = [[text.replace("|", r"\|") for text in row] for row in (grid.header, *_lines(grid))]
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
