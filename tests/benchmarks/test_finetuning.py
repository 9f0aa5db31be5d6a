import json

import finetuning


def group(label="DMG fine-tuned (target_rate 0.05, lam and nu kept)"):
  rows = [{"end": 100.0}, {"end": 90.0}]
  over = {"mean": 95.0, "sd": 7.07}
  return {"label": label, "runs": rows, "start": over, "end": over, "regret": {"mean": 0.25}}


def test_the_page_holds_the_commands_of_its_numbers(tmp_path, monkeypatch):
  commands = []

  def leave(command):
    commands.append(command)
    directory = tmp_path / command[-1].removeprefix("--run_dir=")
    directory.mkdir(parents=True)
    summary = {"online": [group()], "seconds": {}, "devices": ["cpu"], "versions": {}}
    (directory / "summary.json").write_text(json.dumps(summary))

  monkeypatch.setattr(finetuning, "run", leave)
  monkeypatch.setattr(finetuning, "ROOT", tmp_path)
  result = finetuning.collected("python benchmarks/finetuning.py", ["medium-kept"], 400)
  page = finetuning.page(result)
  assert "| Medium | DMG fine-tuned (lam and nu kept) | 95 ± 7 | 95 ± 7 | 100, 90 | 0.25 |" in page
  assert [command[1] for command in commands] == [
    "launch/collect.py", "launch/main.py", "launch/finetune.py",
  ]  # fmt: skip
  assert "--config.decay=False" in page
  assert "--config.runs=dmg,seed=0 dmg,seed=1 dmg,seed=2" in commands[2]
  # A shell gets it as one word.
  assert "'--config.runs=dmg,seed=0 dmg,seed=1 dmg,seed=2'" in page


def test_the_stored_page_is_what_the_stored_result_makes():
  stored = json.loads(finetuning.RESULT.read_text())
  assert finetuning.PAGE.read_text(encoding="utf-8") == finetuning.page(stored)
