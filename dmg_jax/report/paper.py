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
from typing import Any

_SPREAD_KEYS = {"sd over seeds": "sd", "95% CI": "ci95"}


def paper_row(dataset: str) -> dict[str, Any] | None:
  """What the paper reports for DMG on a D4RL dataset, or None for other data.

  Data that is not D4RL's, however alike its name, has no row: only exact names
  match.

  Args:
    dataset: a name such as "hopper-medium-v2".

  Returns:
    {"method": "DMG", "table_2": {"mean", "sd", "seeds"}, "table_6": {"mean",
    "ci95", "seeds"}}; "sd" is over the seeds, "ci95" the half-width of a 95 %
    confidence interval.
  """
  tables = _tables().get(dataset)
  if tables is None:
    return None
  return {"method": "DMG"} | {name: dict(row) for name, row in tables.items()}


@cache
def _tables() -> dict[str, dict[str, dict[str, float | int]]]:
  text = (resources.files("dmg_jax.report") / "dmg_paper_scores.csv").read_text()
  tables: dict[str, dict[str, dict[str, float | int]]] = {}
  for row in csv.DictReader(text.splitlines()):
    if row["method"] == "DMG" and row["table"] in ("2", "6"):
      tables.setdefault(row["dataset"], {})[f"table_{row['table']}"] = {
        "mean": float(row["mean"]),
        _SPREAD_KEYS[row["spread_is"]]: float(row["spread"]),
        "seeds": int(row["seeds"]),
      }
  return tables
