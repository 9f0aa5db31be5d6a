"""The table of our own tiers: what its page says, and that runs add up."""

import json

import own_tiers
import pytest

from dmg_jax import tasks

PLAN = own_tiers.Plan(
  own_tiers.Path("runs/x"),
  transitions=1000,
  seeds=2,
  episodes=3,
  schedule=own_tiers.SHORT,
  workers=1,
)


def row(name: str, scores: list[float], best: float | None, steps: int = 24_000) -> dict:
  return {
    "dataset": name,
    "transitions": 12_345,
    "data_score": 30.04,
    "best_policy_score": best,
    "noise": None if best is None else 0.2,
    "steps": steps,
    "learning_rate": 0.001,
    "target_rate": 0.02,
    "nu": 0.1,
    "evaluations": steps // 20_000,
    "dmg_scores": scores,
    "dmg_means_of_evaluations": [score / 2 for score in scores],
  }


def test_the_commands_are_a_users():
  command = own_tiers.collect_command("Hopper-v4", "medium-replay", PLAN)
  assert command[2:] == [
    "--env=Hopper-v4",
    "--tier=medium-replay",
    "--train",
    "--steps=200000",
    "--evaluate_every=500",
    "--keep=1000",
    "--root=runs/x/data",
  ]
  assert "--train" not in own_tiers.collect_command("Hopper-v4", "medium", PLAN)
  command = own_tiers.train_command(own_tiers.Path("d"), own_tiers.Path("r"), 1.0, 1, PLAN)
  assert {
    "--config.first_seed=1",
    "--config.seeds=1",
    "--config.steps=24000",
    "--config.actor_schedule_steps=12000.0",
    "--config.nu=1.0",
  } <= {*command}


def test_long_runs_are_at_the_papers_rates():
  plan = PLAN._replace(schedule=own_tiers.LONG)
  command = own_tiers.train_command(own_tiers.Path("d"), own_tiers.Path("r"), None, 0, plan)
  point = tasks.paper_point("hopper-medium-v2")
  assert {
    "--config.steps=200000",
    "--config.actor_schedule_steps=100000.0",
    f"--config.target_rate={point['target_rate']}",
    *(
      f"--config.{name}_learning_rate={point[f'{name}_learning_rate']}"
      for name in ("actor", "critic", "value")
    ),
  } <= {*command}
  assert not any("nu=" in flag for flag in command)


def test_parts_add_up_and_the_page_tells_them(tmp_path, monkeypatch):
  monkeypatch.setattr(own_tiers, "RESULT", tmp_path / "result.json")
  monkeypatch.setattr(own_tiers, "PAGE", tmp_path / "page.md")
  own_tiers.store(row("dmg/b/medium-v0", [50.0, 52.0], 40.0), PLAN)
  own_tiers.store(row("dmg/a/random-v0", [2.0], None), PLAN)
  own_tiers.store(row("dmg/b/medium-v0", [60.0, 62.0], 40.0), PLAN)
  own_tiers.store(row("dmg/b/medium-v0", [70.0], 40.0, steps=200_000), PLAN)
  page = (tmp_path / "page.md").read_text()
  assert [line for line in page.splitlines() if line.startswith("| `dmg")] == [
    "| `dmg/a/random-v0` |  | 12,345 | 30.0 |  | 2.0 | 24,000 | 0.001 | 0.02 | 0.1 | 1 |",
    "| `dmg/b/medium-v0` | 0.2 | 12,345 | 30.0 | 40.0 | 61.0 ± 1.4 "
    "| 24,000 | 0.001 | 0.02 | 0.1 | 2 |",
    "| `dmg/b/medium-v0` | 0.2 | 12,345 | 30.0 | 40.0 | 70.0 | 200,000 | 0.001 | 0.02 | 0.1 | 1 |",
  ]
  assert [line for line in page.splitlines() if line.startswith("DMG's mean")] == [
    "DMG's mean over all 10 evaluations of the 200,000 steps on `dmg/b/medium-v0` is 35.0."
  ]
  with pytest.raises(ValueError, match="measured otherwise"):
    own_tiers.store(row("dmg/c/medium-v0", [1.0], None), PLAN._replace(episodes=4))


def test_data_that_another_command_made_are_not_taken(tmp_path):
  folder = tmp_path / "data" / "dmg/hopper/medium-v0"
  folder.mkdir(parents=True)
  plan = PLAN._replace(out=tmp_path)
  command = " ".join(own_tiers.collect_command("Hopper-v4", "medium", plan))
  (folder / "provenance.json").write_text(json.dumps({"command": command}))
  with pytest.raises(ValueError, match=r"--keep=1000.*not by.*--keep=2000.*name another --out"):
    own_tiers.measure("Hopper-v4", "medium", plan._replace(transitions=2000))


def test_the_stored_page_is_what_the_stored_result_makes():
  stored = json.loads(own_tiers.RESULT.read_text())
  assert own_tiers.PAGE.read_text(encoding="utf-8") == own_tiers.page(stored)
