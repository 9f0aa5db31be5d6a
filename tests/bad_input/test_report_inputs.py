"""launch/report.py on bad input: one clear line, its exit code, and nothing changed on disk.

A new case is one line of `CASES`: arguments, a part of the line, the exit code.
"""

import json
import shlex

import pytest
from made_directories import write
from snapshots import snapshot

from dmg_jax.report.figures import gallery
from dmg_jax.run_config import FORMAT
from launch import report as launcher

CASES = [
  # Arguments.
  ("", "no runs: name run directories", 2),
  ("good", "no --out: name a folder", 2),
  ("good --out=", "no --out: name a folder", 2),
  ("good --out=new --tabel=2", "unrecognized arguments: --tabel=2", 2),
  ("good --out=new --tab=2", "unrecognized arguments: --tab=2", 2),
  ("good --out=new --table", "argument --table: expected one argument", 2),
  ("good --out=new --table=5", "--table is '5', but it must be one of 2, 3, 4, 6", 2),
  ("good --out=new --table=two", "--table is 'two', but it must be one of 2, 3, 4, 6", 2),
  ("good --out=new --table=2.0", "--table is '2.0'", 2),
  ("good --out=new --statistic=max", "'max', but it must be one of last, last_ten, best", 2),
  ("good --out=new --width=wide", "'wide', but it must be one of column, full", 2),
  ("good --out=new --peers=yes", "ignored explicit argument 'yes'", 2),
  # Where to write.
  ("good --out=file", "--out is file, but file is a file; name a folder", 2),
  ("good --out=file/below", "file is a file; name a folder", 2),
  ("good --out=dangling", "but dangling is a file; name a folder", 2),
  (f"good --out={'x' * 400}", "File name too long", 2),
  ("good --out=~nobody-here/x", "--out cannot be a folder", 2),
  ("good --out=taken", "taken/table_2.md is a folder; remove it or name another --out", 2),
  ("good --out=/proc/new", "/proc/new could not be written", 1),
  # Runs.
  ("nowhere --out=new", "nowhere is no folder; name run directories", 2),
  ("file --out=new", "file is no folder", 2),
  ("empty --out=new", "empty holds no run directory", 2),
  (f"{'x' * 400} --out=new", "is no folder", 2),
  ("~nobody-here/runs --out=new", "name the run directory by its path", 2),
  ("good twice --out=new", "seed 1 of DMG on dmg/hopper/medium-v0 is in good and again in", 2),
  ("good longer --out=new", "seeds of different lengths: 20 steps in good, 40 steps in longer", 2),
  ("good other-data --out=new", "is not alike in good and other-data (sha256", 2),
  # Scores of other methods.
  ("--foreign=nowhere.csv --out=new", "nowhere.csv: cannot be read", 2),
  ("--foreign=file --out=new", "scores are read from .csv and .json files", 2),
  ("--foreign=no_seed.csv --out=new", "no_seed.csv line 1: seed missing", 2),
  ("--foreign=ours.csv --out=new", "ours.csv line 2: method is 'DMG', as the runs of this", 2),
  ("--foreign=nan.csv --out=new", "nan.csv line 2: score is 'nan'", 2),
  ("--foreign=half.json --out=new", "half.json: is no JSON", 2),
  ("--foreign=two_names.csv --out=new", "line 3: seed 0 of TD3+BC on hopper-medium-v2 is there", 2),
  ("good --foreign=same.csv --foreign=same.csv --out=new", "which cannot share a cell", 2),
]
FILES = {
  "file": "mine",
  "no_seed.csv": "method,dataset,score\nA,b,1\n",
  "ours.csv": "method,dataset,seed,score\nDMG,hopper-medium-v2,0,1\n",
  "nan.csv": "method,dataset,seed,score\nA,hopper-medium-v2,0,nan\n",
  "half.json": '[{"method":',
  "two_names.csv": "method,dataset,seed,score\n"
  "TD3BC,hopper-medium-v2,0,1\nTD3+BC,hopper-medium-v2,0,1\n",
  "same.csv": "method,dataset,seed,score\nA,hopper-medium-v2,0,1\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  root = tmp_path_factory.mktemp("report")
  write(root / "good")
  write(root / "twice", {"first_seed": 1, "scores": ((1.0, 5.0), (2.0, 6.5))})
  write(root / "longer", {"first_seed": 5}, steps=40)
  write(root / "other-data", {"first_seed": 5, "task": {"sha256": "cd" * 32}})
  (root / "taken" / "table_2.md").mkdir(parents=True)
  (root / "empty").mkdir()
  (root / "dangling").symlink_to(root / "gone" / "away")
  for name, text in FILES.items():
    (root / name).write_text(text)
  return root


@pytest.mark.parametrize(("arguments", "line", "code"), CASES)
def test_bad_input(folder, monkeypatch, capsys, arguments, line, code):
  monkeypatch.chdir(folder)
  before = snapshot(folder)
  assert launcher.main(shlex.split(arguments)) == code
  printed = capsys.readouterr()
  assert printed.out == ""
  (only,) = printed.err.splitlines()
  assert only.startswith("error: ")
  assert line in only
  assert snapshot(folder) == before


# Damage of a run directory leaves it out with one line; what is whole is reported.
DAMAGE = [
  ("config.json", lambda text: "", "config.json is damaged: it is no JSON"),
  ("config.json", lambda text: text[:-20], "config.json is damaged: it is no JSON"),
  ("config.json", lambda text: '{"dataset": "x", "lam": 0.25}', "made by an earlier version"),
  (
    "config.json",
    lambda text: text.replace(f'"format": {FORMAT}', '"format": 9'),
    "another version",
  ),
  ("config.json", lambda text: text.replace('"offline"', '"collect"'), "a job of kind 'collect'"),
  ("config.json", lambda text: text.replace('"steps": 20', '"steps": "many"'), "settings.steps is"),
  ("config.json", lambda text: text.replace('"seed": 0', '"seed": 7'), ""),
  ("summary.json", lambda text: "", "summary.json cannot be read"),
  ("summary.json", lambda text: "[]", "summary.json cannot be read (it is no object)"),
  ("summary.json", lambda text: "{}", "damaged (KeyError: 'steps')"),
  ("summary.json", lambda text: text.replace('"groups"', '"results"'), "damaged (KeyError"),
  ("summary.json", lambda text: text.replace('"last": 5.0', '"last": 5.5'), "ends otherwise"),
  ("evaluations.jsonl", lambda text: "", "damaged (KeyError"),
  ("evaluations.jsonl", lambda text: text[: len(text) // 2], "damaged"),
  ("evaluations.jsonl", lambda text: "\0" * 50 + "\n" + text, "line 1 is no JSON object"),
  ("evaluations.jsonl", lambda text: text + text, "is there twice"),
  ("evaluations.jsonl", lambda text: text.replace('"step": 20', '"step": 30'), "ends otherwise"),
]


@pytest.mark.parametrize(("name", "damage", "line"), DAMAGE)
def test_damage(tmp_path, monkeypatch, capsys, name, damage, line):
  monkeypatch.setattr(gallery, "draw", lambda *_: iter(()))
  whole, broken = write(tmp_path / "whole", {"first_seed": 5}), write(tmp_path / "broken")
  path = broken / name
  changed = damage(path.read_text())
  assert changed != path.read_text()
  path.write_text(changed)
  before = snapshot(broken), snapshot(whole)
  assert launcher.main([str(tmp_path), f"--out={tmp_path / 'out'}"]) == 0
  printed = capsys.readouterr()
  assert printed.err == ""
  if line:
    (notice,) = (text for text in printed.out.splitlines() if text.startswith(f"* {broken}"))
    assert "is left out: " in notice
    assert line in notice
    assert "5.5 ± 0.7" in printed.out  # of the whole one's two seeds, and no others
  assert (snapshot(broken), snapshot(whole)) == before


def test_the_folder_of_the_cases_is_sound(folder, monkeypatch, capsys, tmp_path):
  monkeypatch.chdir(folder)
  assert launcher.main(["good", "--foreign=same.csv", f"--out={tmp_path / 'out'}"]) == 0
  assert "5.5 ± 0.7" in capsys.readouterr().out
  assert json.loads((folder / "good" / "config.json").read_text())["format"] == FORMAT


def test_help_is_no_error(capsys):
  with pytest.raises(SystemExit) as ending:
    launcher.main(["--help"])
  assert ending.value.code == 0
  text = capsys.readouterr().out
  for flag in ("--out", "--table", "--foreign", "--peers", "--statistic", "--width"):
    assert flag in text
