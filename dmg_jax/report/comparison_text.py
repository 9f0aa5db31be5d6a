"""What is to be said of a comparison: what its numbers are, and which are missing."""

from collections.abc import Iterable, Sequence

from dmg_jax.report import exhibits
from dmg_jax.report.comparison import REQUIRED, SEEDS, Comparison

STATISTICS = {
  "last": "score of the last evaluation",
  "last_ten": "mean score of the last ten evaluations",
  "best": "BEST evaluation of each run, picked by its score and so biased upwards",
}


def missing(comparison: Comparison) -> list[str]:
  """What the table lacks and the command that makes it, or why there is none; one a line."""
  table, wanted = comparison.table, SEEDS[comparison.table]
  lacks = exhibits.lacking(table)
  lines: list[str] = []
  impossible: dict[tuple[str, str], list[str]] = {}
  for row in (row for section in comparison.sections for row in section.rows):
    for method in REQUIRED[table]:
      cell = row.entries[method].measured
      absent = wanted - (len(cell.seeds) if cell else 0)
      if absent > 0 and lacks:
        impossible.setdefault((method, lacks), []).append(row.name)
      elif absent > 0:
        what = f"{absent} of {wanted} seeds" if cell else f"all {wanted} seeds"
        first = max(cell.seeds) + 1 if cell else 0
        command = exhibits.command(row.name, absent, first)
        lines.append(f"{method} on {row.name}, {what}: {command}")
      if cell and 0 < cell.steps < exhibits.STEPS:
        absent_steps = f"{exhibits.STEPS - cell.steps:,} of {exhibits.STEPS:,} steps"
        lines.append(
          f"{method} on {row.name}, {absent_steps}: the command of its runs, with "
          f"--config.steps={exhibits.STEPS}"
        )
  return lines + list(_impossible(impossible))


def _impossible(cells: dict[tuple[str, str], list[str]]) -> Iterable[str]:
  """The same words once for all methods that lack the same."""
  together: dict[tuple[str, str], list[str]] = {}
  for (method, lacks), datasets in cells.items():
    together.setdefault((", ".join(datasets), lacks), []).append(method)
  for (datasets_named, lacks), methods in together.items():
    yield f"{', '.join(methods)} on {datasets_named}: not possible yet, it takes {lacks}"


def caption(comparison: Comparison, episodes: Sequence[int] = ()) -> list[str]:
  """What a table's numbers are, sentence by sentence.

  Args:
    comparison: the table.
    episodes: of an evaluation of each seed, as far as known.
  """
  table, seeds = comparison.table, SEEDS[comparison.table]
  spread = (
    "half of the 95 % interval of the mean (Student's t over seeds)"
    if table == 6
    else "standard deviation over seeds (n - 1)"
  )
  counted = " or ".join(map(str, sorted(set(episodes))))
  return [
    f"Table {table} of the DMG paper (arXiv 2411.07934), beside measured scores.",
    "Measured, as are methods that the paper's table does not have: "
    f"{STATISTICS[comparison.statistic]}, D4RL-normalised (AntMaze: success rate x 100)"
    + (f", episodes an evaluation: {counted}" if counted else "")
    + f"; mean ± {spread}, over {seeds} seeds unless the cell says otherwise.",
    "Difference: measured less printed; within: no more than the paper's ±, or than the measured "
    "one where the paper prints none.",
    "The paper does not say which evaluation its numbers are. Totals are sums of the rows; the "
    "paper's own, of unrounded scores, differ by up to 0.1.",
    "A seed that diverged is in no mean: it is named under the notices, and no other replaces it.",
  ]
