import re
from pathlib import Path

import pytest

from configs import finetune, mujoco
from dmg_jax.report.paper import exhibits, paper_scores

ROOT = Path(__file__).parents[3]
EXHIBITS = {exhibit.name: exhibit for exhibit in exhibits.exhibits()}


def test_the_papers_six_tables_and_six_figures_are_there():
  assert {name.split(",")[0] for name in EXHIBITS} == {
    f"{kind} {number}" for kind in ("Table", "Figure") for number in range(1, 7)
  }


def test_a_table_has_the_data_sets_of_its_cells():
  for number in paper_scores.TABLES:
    names = [
      dataset
      for name, exhibit in EXHIBITS.items()
      if name.split(",")[0] == f"Table {number}"
      for dataset in exhibit.datasets
    ]
    assert sorted(names) == sorted({dataset for dataset, _ in paper_scores.cells(number)})


def test_runs_of_each():
  assert {name: exhibit.runs * len(exhibit.datasets) for name, exhibit in EXHIBITS.items()} == {
    "Table 1": 0,
    "Table 2, locomotion": 75,
    "Table 2, AntMaze": 30,
    "Table 3": 270,
    "Table 4": 30,
    "Table 5": 0,
    "Table 6, locomotion": 75,
    "Table 6, AntMaze": 30,
    "Figure 1": 100,
    "Figure 2": 140,
    "Figure 3": 1,
    "Figure 4": 0,
    "Figure 5": 0,
    "Figure 6": 0,
  }


@pytest.mark.parametrize("exhibit", EXHIBITS.values(), ids=EXHIBITS)
def test_what_is_used_is_there(exhibit):
  for path in re.findall(r"\w+/\w+\.py", f"{exhibit.command} {exhibit.report} {exhibit.note}"):
    assert (ROOT / path).exists()


def test_commands_use_the_fields_of_the_config():
  config = mujoco.get_config()
  used = {
    field
    for exhibit in EXHIBITS.values()
    for field in re.findall(r"--config\.(\w+)", exhibit.command)
  }
  assert used == {"first_seed", "source"}
  assert used <= {*config, *finetune.get_config()}


def test_figures_are_one_command_and_share_a_point_with_table_2():
  for name, values in (("Figure 1", exhibits.ABLATED_LAMBDAS), ("Figure 2", exhibits.ABLATED_NUS)):
    exhibit = EXHIBITS[name]
    assert ";" not in exhibit.command  # one command, no loop of a shell
    assert exhibit.runs == 5 * len(values)
    assert "of Table 2's runs, too: report them apart" in exhibit.note


def test_a_command_names_only_what_the_config_does_not_choose():
  assert mujoco.get_config().seeds == 5
  main = "python launch/main.py --config=configs/mujoco.py:hopper-medium-v2"
  assert exhibits.command("hopper-medium-v2", 5, 0) == main
  assert exhibits.command("hopper-medium-v2", 5, 5) == f"{main} --config.first_seed=5"
  assert exhibits.command("hopper-medium-v2", 2, 3) == (
    f"{main} --config.seeds=2 --config.first_seed=3"
  )
  assert exhibits.command("hopper-medium-v2", 5, 0, "XQL+DMG") == (
    f"{main} --config.methods=xql_dmg"
  )


def test_a_cell_of_table_4_is_an_offline_job_and_one_that_goes_on_with_it():
  maze = "antmaze-umaze-v2"
  offline = f"python launch/main.py --config=configs/antmaze.py:{maze} --config.methods=iql"
  assert exhibits.command(maze, 5, 0, "IQL offline") == offline
  online = exhibits.command(maze, 5, 0, "IQL after 1M online steps")
  assert online.startswith(
    "python launch/finetune.py --config=configs/finetune.py --config.source="
  )
  assert offline in online
