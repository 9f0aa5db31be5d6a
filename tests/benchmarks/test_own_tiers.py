"""The table of our own tiers: what its page says, and that runs add up."""

import json

import own_tiers
import pytest

PLAN = own_tiers.Plan(own_tiers.Path("runs/x"), transitions=1000, seeds=2, episodes=3, workers=1)


def row(name: str, scores: list[float], best: float | None) -> dict:
  return {
    "dataset": name,
    "transitions": 12_345,
    "data_score": 30.04,
    "best_policy_score": best,
    "noise": None if best is None else 0.2,
    "nu": 0.1,
    "dmg_scores": scores,
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


def test_parts_add_up_and_the_page_tells_them(tmp_path, monkeypatch):
  monkeypatch.setattr(own_tiers, "RESULT", tmp_path / "result.json")
  monkeypatch.setattr(own_tiers, "PAGE", tmp_path / "page.md")
  own_tiers.store(row("dmg/b/medium-v0", [50.0, 52.0], 40.0), PLAN)
  own_tiers.store(row("dmg/a/random-v0", [2.0], None), PLAN)
  own_tiers.store(row("dmg/b/medium-v0", [60.0, 62.0], 40.0), PLAN)
  page = (tmp_path / "page.md").read_text()
  assert [line for line in page.splitlines() if line.startswith("| `dmg")] == [
    "| `dmg/a/random-v0` |  | 12,345 | 30.0 |  | 2.0 | 0.1 | 1 |",
    "| `dmg/b/medium-v0` | 0.2 | 12,345 | 30.0 | 40.0 | 61.0 ± 1.4 | 0.1 | 2 |",
  ]
  assert "24,000 gradient steps" in page
  with pytest.raises(ValueError, match="measured otherwise"):
    own_tiers.store(row("dmg/c/medium-v0", [1.0], None), PLAN._replace(episodes=4))


def test_the_stored_page_is_what_the_stored_result_makes():
  stored = json.loads(own_tiers.RESULT.read_text())
  assert own_tiers.PAGE.read_text(encoding="utf-8") == own_tiers.page(stored)
