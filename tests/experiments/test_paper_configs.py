"""Configs of the paper's tables and ablations: what each trains."""

import runpy

import pytest
from small_jobs import ROOT, make_config, pendulum

from dmg_jax import tasks
from dmg_jax.experiments import settings


def resolved(name: str, dataset: str = "mine"):
  config = make_config(name, dataset, seeds=1)
  settings.check(config)
  return settings.resolve(config, {dataset: pendulum(dataset, rows=300)})


@pytest.mark.parametrize(
  ("name", "labels"),
  [
    ("table1", ["TD3", "TD3+BC", "AWAC", "IQL", "BC", "DMG"]),
    ("table3", ["IQL", "DMG", "XQL", "XQL+DMG", "SQL", "SQL+DMG"]),
    ("ablation_lambda", ["DMG (lam 0)", "DMG", "DMG (lam 0.5)", "DMG (lam 0.75)", "DMG (lam 1)"]),
    (
      "ablation_nu",
      [
        "DMG (nu 10)", "DMG (nu 1)", "DMG (nu 0.5)", "DMG", "DMG (nu 0.05)", "DMG (nu 0.01)",
        "DMG (nu 0.001)",
      ],
    ),
  ],
)  # fmt: skip
def test_runs_of_a_data_set(name, labels):
  assert [run.label for run in resolved(name).plan.runs] == labels


def test_the_grid_is_five_by_five_in_one_program():
  runs = resolved("ablation_grid").plan.runs
  assert len({(run.point["lam"], run.point["nu"]) for run in runs}) == len(runs) == 25
  assert {run.population for run in runs} == {0}


def test_the_papers_data_sets_are_the_default():
  for name, count in (("table3", 9), ("ablation_lambda", 4), ("ablation_nu", 4)):
    get_config = runpy.run_path(str(ROOT / "configs" / f"{name}.py"))["get_config"]
    names = settings.data_sets(get_config().to_dict())
    assert len(names) == len(set(names)) == count
    assert all(data_set.endswith("-v2") for data_set in names)


def test_antmazes_names_take_antmazes_settings():
  config = make_config("table1", "antmaze-umaze-v2")
  assert config["family"] == tasks.ANTMAZE
