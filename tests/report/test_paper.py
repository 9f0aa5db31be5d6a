import pytest

from dmg_jax.data.catalog import d4rl_files
from dmg_jax.report.paper import paper_row


def test_rows_hold_both_tables():
  assert paper_row("hopper-medium-v2") == {
    "method": "DMG",
    "table_2": {"mean": 100.6, "sd": 1.9, "seeds": 5},
    "table_6": {"mean": 100.5, "ci95": 1.0, "seeds": 10},
  }


@pytest.mark.parametrize(
  ("table", "locomotion", "antmaze"),
  [("table_2", 1182.8, 439.4), ("table_6", 1187.2, 435.9)],
)
def test_totals_are_those_that_the_paper_prints(table, locomotion, antmaze):
  rows = {name: row for name in d4rl_files() if (row := paper_row(name))}
  assert len(rows) == 21
  mazes = sum(row[table]["mean"] for name, row in rows.items() if "antmaze" in name)
  total = sum(row[table]["mean"] for row in rows.values())
  assert mazes == pytest.approx(antmaze, abs=0.05)
  # The paper sums the unrounded scores of its fifteen rows.
  assert total - mazes == pytest.approx(locomotion, abs=0.15)


@pytest.mark.parametrize(
  "dataset",
  [
    "dmg/hopper/medium-v0",
    "mujoco/hopper/medium-v0",
    "hopper-medium-v0",
    "hopper-full-replay-v2",
    "runs/hopper-medium-v2",
    "",
  ],
)
def test_other_data_has_no_row(dataset):
  assert paper_row(dataset) is None


def test_a_changed_row_changes_no_other():
  row = paper_row("walker2d-random-v2")
  row["table_2"]["mean"] = 1000.0
  assert paper_row("walker2d-random-v2")["table_2"]["mean"] == 4.8
