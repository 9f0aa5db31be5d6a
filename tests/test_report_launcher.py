"""launch/report.py as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def report(*arguments, cwd, **environment):
  return subprocess.run(
    [sys.executable, ROOT / "launch/report.py", *map(str, arguments)],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
    cwd=cwd,
    env=os.environ | environment,
  )


def test_bad_input_is_one_line_and_exit_code_2(tmp_path):
  result = report(tmp_path, "--table=7", "--out=out", cwd=tmp_path)
  assert result.returncode == 2
  assert result.stderr.splitlines() == [
    "error: --table is '7', but it must be one of 2, 3, 4, 6",
  ]
  assert list(tmp_path.iterdir()) == []


def test_a_foreign_table_alone_makes_a_report(tmp_path):
  (tmp_path / "theirs.csv").write_text("method,dataset,seed,score\nIQL,hopper-medium-v2,0,99.5\n")
  result = report("--foreign=theirs.csv", "--out=out", cwd=tmp_path)
  assert result.returncode == 0, result.stderr
  assert "| hopper-medium-v2 | IQL | 99.5 | 66.2 |" in " ".join(result.stdout.split())
  assert "  out/table_2.md" in result.stdout.splitlines()
  assert (tmp_path / "out/table_2.tex").exists()


def test_a_terminal_without_the_signs_of_a_table_stops_no_report(tmp_path):
  (tmp_path / "theirs.csv").write_text("method,dataset,seed,score\nIQL,hopper-medium-v2,0,99.5\n")
  ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
  result = report("--foreign=theirs.csv", "--out=out", cwd=tmp_path, **ascii_only)
  assert result.returncode == 0, result.stderr
  assert "±" in (tmp_path / "out/table_2.md").read_text(encoding="utf-8")
  assert "±" not in result.stdout
