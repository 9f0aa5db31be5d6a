"""Writes docs/reproduction.md from benchmarks/results/.

  python benchmarks/reproduction.py

To be run again when a benchmark was, or when a table or figure of the paper has become
possible. A table measured on the paper's data is counted once `launch/report.py`'s CSV
lies there as table_2.csv, table_3.csv, ...
"""

import csv
import json
from pathlib import Path

from absl import app

from dmg_jax.report.paper import paper_scores, reproduction

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "reproduction.md"


def page() -> str:
  """What docs/reproduction.md has to say now."""
  throughput = {
    path.name: json.loads(path.read_text()) for path in sorted(RESULTS.glob("throughput_*.json"))
  }
  learning = json.loads((RESULTS / "learning_comparison.json").read_text())
  tables = {}
  for number in paper_scores.TABLES:
    path = RESULTS / f"table_{number}.csv"
    if path.exists():
      tables[number] = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
  return reproduction.page(throughput, learning, tables)


def main(_) -> None:
  PAGE.parent.mkdir(exist_ok=True)
  PAGE.write_text(page(), encoding="utf-8")
  print(PAGE)


if __name__ == "__main__":
  app.run(main)
