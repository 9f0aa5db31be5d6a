"""The scores that the DMG paper prints, to stand beside one's own.

`dmg_paper_scores.csv` holds Tables 2, 3, 4 and 6 of "Doubly Mild
Generalization for Offline Reinforcement Learning" (Mao, Wang, Qu, Jiang, Ji;
NeurIPS 2024; arXiv 2411.07934), one row per table, dataset and method:
D4RL-normalised scores, with the spread that the table gives and what it is.
The paper does not say which evaluation of a run, or mean of several, it
reports; its curves end at 1,000,000 gradient steps.
"""

import csv
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from dmg_jax.report.scores.method_names import canonical

TABLES = (2, 3, 4, 6)
SD, CI95 = "sd over seeds", "95% CI"


class PaperCell(NamedTuple):
  """What the paper prints of one method on one dataset.

  Attributes:
    mean: D4RL-normalised score.
    spread: half-width of what stands after "±", or None where nothing does.
    spread_is: `SD` (of the seeds), `CI95` (a 95 % confidence interval), or None.
    seeds: how many runs the table says it averages.
  """

  mean: float
  spread: float | None
  spread_is: str | None
  seeds: int


def cells(table: int) -> dict[tuple[str, str], PaperCell]:
  """A table of the paper: (dataset, method) -> cell, in the table's order.

  Tables 2 (all methods), 3 (XQL and SQL with and without DMG), 4 (offline and
  after fine-tuning, AntMaze) and 6 (DMG, 10 seeds). Methods are called as this
  package calls them ("TD3+BC", where the paper prints "TD3BC"); in Table 4,
  "DMG offline" and "DMG after 1M online steps".

  Args:
    table: one of `TABLES`.

  Raises:
    ValueError: for any other table.
  """
  if table not in TABLES:
    raise ValueError(f"no scores of the paper's table {table!r}, only of {TABLES}")
  return dict(_tables()[table])


def paper_row(dataset: str, method: str = "DMG") -> dict[str, Any] | None:
  """What the paper reports for a method on a D4RL dataset, or None where it has nothing.

  Data that is not D4RL's, however alike its name, has no row, and neither has a
  method at other settings: only exact names match.

  Args:
    dataset: a name such as "hopper-medium-v2".
    method: as in `cells(2)`.

  Returns:
    {"method", "table_2": {"mean", "sd", "seeds"}} and, for DMG, "table_6": {"mean",
    "ci95", "seeds"}; "sd" is over the seeds (None where the paper prints none), "ci95"
    the half-width of a 95 % confidence interval.
  """
  row: dict[str, Any] = {"method": method}
  for table, spread in ((2, "sd"), (6, "ci95")):
    cell = _tables()[table].get((dataset, method))
    if cell is not None:
      row[f"table_{table}"] = {"mean": cell.mean, spread: cell.spread, "seeds": cell.seeds}
  return row if "table_2" in row else None


@cache
def _tables() -> dict[int, dict[tuple[str, str], PaperCell]]:
  text = (resources.files("dmg_jax.report.paper") / "dmg_paper_scores.csv").read_text(
    encoding="utf-8"
  )
  tables: dict[int, dict[tuple[str, str], PaperCell]] = {table: {} for table in TABLES}
  for row in csv.DictReader(text.splitlines()):
    tables[int(row["table"])][row["dataset"], canonical(row["method"])] = PaperCell(
      mean=float(row["mean"]),
      spread=float(row["spread"]) if row["spread"] else None,
      spread_is=row["spread_is"] or None,
      seeds=int(row["seeds"]),
    )
  return tables
