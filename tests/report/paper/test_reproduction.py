import json
from pathlib import Path

import rates

from dmg_jax.report.paper import reproduction

ROOT = Path(__file__).parents[3]
THROUGHPUT = {
  "throughput_a.json": {
    "device": "A",
    "command": "python benchmarks/throughput.py",
    "flops_per_step": 7.0,
    "steps_per_second": {"1": 100.0, "5": 1000.0, "10": 500.0},
  },
  "throughput_b.json": {
    "device": "B",
    "command": "python benchmarks/throughput.py",
    "flops_per_step": 7.0,
    "steps_per_second": {"1": 1e5},
  },
}
LEARNING = {
  "dataset": "dmg/hopper/medium-replay-v0",
  "steps": 22_400,
  "unit": "score",
  "episodes": 10,
  "command": "python benchmarks/learning_comparison.py",
  "scores": {"dmg_jax": [1.0, 2.0, 3.0, 4.0, 90.0], "pytorch": [2.0, 4.0], "bc": [1.0]},
}


def row(page, name):
  (line,) = (line for line in page.splitlines() if line.startswith(f"| {name} |"))
  return [cell.strip() for cell in line.strip("|").split("|")]


def test_hours_are_steps_over_the_rate_of_each_device():
  page = reproduction.page(THROUGHPUT, LEARNING, {})
  # 75e6 steps at 1,000 and at 100,000 a second.
  assert row(page, "Table 2, locomotion")[3:] == ["75 x 1,000,000", "21", "0.21"]
  # A single run does not have the rate of five.
  assert row(page, "Figure 3")[3:6] == ["1 x 1,000,000", "2.8", "0.00"]
  assert row(page, "Figure 4")[3:] == ["no runs of its own", "", ""]


def test_table_4_goes_on_with_table_2():
  page = reproduction.page(THROUGHPUT, LEARNING, {})
  section = page.split("### Table 4")[1].split("###")[0]
  assert "Table 2's runs" in section
  assert "python launch/finetune.py" in section
  assert "not yet" not in page
  # No rate of offline training is that of a loop that waits for a simulator.
  assert row(page, "Table 4")[3:] == ["30 x 1,000,000", "> 8.3", "> 0.08"]
  assert 'Hours with ">" are of the gradient steps alone' in page


def test_outcomes_come_from_the_stored_scores():
  page = reproduction.page(THROUGHPUT, LEARNING, {})
  assert "On the paper's data: nothing yet." in page
  # The middle three of five; deviations from 20 are 19, 18, 17, 16 and 70: sqrt(6130 / 4).
  assert row(page, "DMG")[1:] == ["3.0", "20.0 ± 39.1", "5"]
  assert row(page, "behaviour cloning")[1:] == ["1.0", "1.0 ± 0.0", "1"]


def test_only_full_cells_of_a_stored_table_are_counted():
  cell = {"method": "DMG", "mean": "1", "paper_mean": "1", "within": "yes", "statistic": "best"}
  cell |= {"seeds": "0 1 2 3 4", "steps": "1000000"}
  rows = [
    cell, cell | {"within": "no"}, cell | {"within": ""}, cell | {"mean": ""},
    cell | {"seeds": "0"}, cell | {"steps": "20"}, cell | {"steps": ""},
  ]  # fmt: skip
  page = reproduction.page(THROUGHPUT, LEARNING, {2: rows})
  assert "nothing yet" not in page
  assert "--statistic=best: 3 cells measured in full (5 seeds of 1,000,000 steps), 3 in part; " in (
    page
  )
  assert "1 of 2 full ones lie within the spread." in page


def test_what_the_rates_are_of_is_said():
  page = reproduction.page(THROUGHPUT, LEARNING, {})
  sizes = f"({rates.OBSERVATION_SIZE}\nobservations, {rates.ACTION_SIZE} actions)"
  assert f"made-up arrays of hopper's size {sizes}" in page


def test_the_precision_of_the_rates_is_said_where_it_is_not_full():
  stored = THROUGHPUT["throughput_b.json"] | {"precision": "bfloat16"}
  page = reproduction.page({"throughput_b.json": stored}, LEARNING, {})
  assert "* B (bfloat16): 100,000 for 1 run steps per second" in page


def test_every_stored_throughput_has_a_column():
  stored = sorted((ROOT / "benchmarks/results").glob("throughput_*.json"))
  page = (ROOT / "docs/reproduction.md").read_text()
  for path in stored:
    assert f"hours, {json.loads(path.read_text())['device']}" in page
