# ruff: noqa: RUF001
# The Greek letters are meant.
"""The page's sections on learners of the reacher, where some cells are not there yet."""

import copy

import pytest

from dmg_jax.agents import discrete
from dmg_jax.symmetry import (
  costs,
  distillation,
  mild,
  offline,
  page,
  page_beyond,
  page_teachers,
)

PLANS = {"planner": [2] * 12 + [8] * 15, "dqn": [2, 5] * 13 + [2]}


def cell(test: float) -> dict:
  return {
    "training": [1.0, 1.0], "test": [test, test + 0.1], "right_in_training": [1.0, 1.0],
    "updates_per_second": 1000.0, "processor_seconds": 1.0, "made_by": 0,
  }  # fmt: skip


def part(settings, cells) -> dict:
  return {
    "seed": 0, "settings": settings,
    "cells": {name: cell | {"made_by": 0} for name, cell in cells.items()},
    "made_by": [{"command": "command", "versions": {"jax": "1"}, "device": "cpu", "processes": 1}],
  }  # fmt: skip


@pytest.fixture
def distilled():
  taught = {
    f"teacher {kind}": {"greedy_actions": plan, "smallest_gap": 0.01, "processor_seconds": 1.0}
    for kind, plan in PLANS.items()
  }
  return part(
    distillation.SETTINGS, taught | {"symmetric 1": cell(0.8), "dqn symmetric 1": cell(0.4)}
  )


@pytest.fixture
def learners():
  names = [offline.name("iql", "actor", "expert", use) for use in discrete.USES]
  cells = {name: cell(0.8) for name in names} | {f"dqn {names[0]}": cell(0.2)}
  return part(offline.SETTINGS, cells)


def test_the_plan_is_told_in_phases():
  assert (
    page_teachers.phases(PLANS["planner"]) == "action 2 for 12 steps, then action 8 for 15 steps"
  )


def test_both_teachers_are_compared_where_both_were_measured(distilled, learners):
  text = page.page({"distillation": distilled, "offline": learners})
  assert "| planner | 27 | 1 | 1.00 ± 0.00 | 1.00 ± 0.00 | 0.85 ± 0.07 |" in text
  assert "| double DQN | 27 | 26 | 1.00 ± 0.00 | 1.00 ± 0.00 | 0.45 ± 0.07 |" in text
  assert "| IQL, no augmentation | 0.85 ± 0.07 | 0.25 ± 0.07 | +0.60" in text
  assert "Of 1 intervals, 1 lie above 0" in text
  for name in ("dqn symmetric 1", "teacher planner"):
    fewer = copy.deepcopy(distilled)
    del fewer["cells"][name]
    assert "| double DQN |" not in page.page({"distillation": fewer})


def test_missing_cells_are_dashes_and_counted(distilled, learners):
  text = page.page({"distillation": distilled, "offline": learners})
  assert "Of the 54 cells of all tables 49 are not measured yet" in text
  assert "| mixed | test | - | - | - | - | - |" in text
  # The interval of a cell that is the same as no augmentation holds 0.
  assert "of 4 cells with augmentation 0 are above no augmentation, 0 below. 2 of 5 means" in text
  assert "augmentation, by 95 % intervals: IQL, augmentation of the actor 0 of 4." in text
  assert "Of the 8 lines of the table 7 are not measured yet" in text
  empty = page.page({"distillation": part(distillation.SETTINGS, {})})
  assert "Distillation of pessimistic values" not in empty


def test_the_page_counts_intervals_above_0(distilled):
  cells = distilled["cells"]
  for eta in distillation.ETAS:
    cells[f"symmetric {eta:g}"] = cell(0.8)
    if eta != distillation.ETAS[0]:
      cells[f"asymmetric {eta:g}"] = cell(0.9 if eta == 1 else 0.1)
  text = page.page({"distillation": distilled})
  assert "2 of 3 lie above 0" in text
  cells["apart: longer"] = cell(0.3)
  assert "Not measured yet: as in the table; larger network" in page.page(
    {"distillation": distilled}
  )
  assert "the asymmetric target goes from 0.85 to 0.15 in test" in text


def test_populations_hold_each_cell_of_the_tables_once():
  names = [name for one in offline.populations() for name in one.sources]
  assert len(names) == len(set(names))
  of_teachers = {"dqn": 0, "planner": 0}
  for one in offline.populations():
    for name, (taught_by, data) in one.sources.items():
      assert data in name
      assert name.startswith("dqn ") == (taught_by == "dqn")
      of_teachers[taught_by] += 1
  assert of_teachers == {"dqn": 6, "planner": 54}
  settings = offline.SETTINGS
  assert costs.updates()["offline"] == 60 * settings["seeds"] * settings["steps"]


def test_hours_are_steps_by_their_rate():
  cells = {"mild": {"updates": 7_200_000, "updates_per_processor_second": 1000.0}}
  assert "| `structure mild` | 7,200,000 | 1,000 | 2.0 |" in page_beyond.costs({"cells": cells})


def mild_cell(by_nu: dict[str, float]) -> dict:
  points = {
    f"{lam:g} {nu}": {"training": [1.0, 0.9, 1.0], "test": [test, test + 0.1, test]}
    for lam in mild.LAMS
    for nu, test in by_nu.items()
  }
  return {"points": points, "weight": 1.0, "processor_seconds": 1.0}


def test_structure_is_told_at_each_amount():
  plain = {"0.01": 0.2, "0.1": 0.3, "1": 0.4}
  better = {"0.01": 0.1, "0.1": 0.3, "1": 0.7}
  cells = {use: mild_cell(better) for use in mild.USES} | {
    "none": mild_cell(plain),
    "false": mild_cell(plain),
  }
  text = page.page({"mild": part(mild.SETTINGS, cells)})
  assert "at ν = 0.01 0 of 3 are better and 3 worse; at ν = 1 3 of 3 are better and 0 worse" in text
  assert "the 9 points of λ and ν lie from 0.23 to 0.43 in test" in text
  assert "| 1 | +0.30 [0.30, 0.30] | +0.30 [0.30, 0.30] | +0.30 [0.30, 0.30] | +0.00" in text
  assert "augmented batches +0.07 [0.07, 0.07]" in text
