import pytest

from dmg_jax.data.catalog import d4rl_files
from dmg_jax.report.paper.paper_scores import CI95, SD, TABLES, PaperCell, cells, paper_row


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


def total(table, method, part=""):
  rows = cells(table).items()
  return sum(cell.mean for (dataset, name), cell in rows if name == method and part in dataset)


def test_cells_say_what_their_spread_is():
  assert cells(2)["hopper-medium-v2", "DMG"] == PaperCell(100.6, 1.9, SD, 5)
  assert cells(2)["walker2d-medium-v2", "BEAR"] == PaperCell(-0.2, None, None, 5)
  assert cells(6)["hopper-medium-v2", "DMG"] == PaperCell(100.5, 1.0, CI95, 10)


def test_every_cell_is_there():
  assert {table: len(cells(table)) for table in TABLES} == {2: 210, 3: 36, 4: 30, 6: 21}


@pytest.mark.parametrize(
  ("method", "mazes", "printed"),
  [("BC", 123.6, 784.2), ("CQL", 218.0, 1010.2), ("IQL", 392.4, 1033.1), ("TD3+BC", 120.2, 1013.2)],
)
def test_baselines_add_up_to_the_totals_that_the_paper_prints(method, mazes, printed):
  assert total(2, method, "antmaze") == pytest.approx(mazes)
  assert total(2, method) - mazes == pytest.approx(printed)


@pytest.mark.parametrize(
  ("table", "method", "printed"),
  [
    (3, "XQL", 725.3),
    (3, "XQL+DMG", 792.7),
    (3, "SQL", 747.5),
    (3, "SQL+DMG", 804.2),
    (4, "IQL offline", 392.4),
    (4, "IQL after 1M online steps", 490.4),
    (4, "DMG offline", 439.4),
    (4, "DMG after 1M online steps", 556.4),
    (4, "TD3 from scratch", 0.0),
  ],
)
def test_tables_of_other_learners_and_fine_tuning_add_up(table, method, printed):
  # The paper sums unrounded scores: its printed cells miss by a tenth at most.
  assert total(table, method) == pytest.approx(printed, abs=0.11)


def test_a_changed_table_changes_no_later_one():
  cells(3).clear()
  assert len(cells(3)) == 36


def test_other_tables_are_refused():
  with pytest.raises(ValueError, match="table 5"):
    cells(5)


def test_other_methods_have_their_own_row_of_table_2():
  assert paper_row("hopper-medium-v2", "IQL") == {
    "method": "IQL",
    "table_2": {"mean": 66.2, "sd": None, "seeds": 5},
  }
  assert paper_row("hopper-medium-v2", "DMG (lam 0.5)") is None
  assert paper_row("hopper-medium-v2", "TD3") is None
