"""Who may write in a run directory, where it lies, and what continues it."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import made_runs
import pytest

from dmg_jax import run_config, run_directory
from dmg_jax.errors import StorageError, UserError


def stored(directory):
  return json.loads((directory / "config.json").read_text())


def test_one_process_at_a_time(tmp_path):
  directory = tmp_path / "run"
  claim = run_directory.claim(directory, made_runs.config())
  program = (
    "import sys, pathlib, made_runs; from dmg_jax import run_directory\n"
    "run_directory.claim(pathlib.Path(sys.argv[1]), made_runs.config())"
  )
  command = [sys.executable, "-c", program, directory]
  result = subprocess.run(
    command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
  )
  assert "in use by another process" in result.stderr.splitlines()[-1]
  claim.close()
  run_directory.claim(directory, made_runs.config()).close()


def test_growth_is_stored_when_all_has_been_checked(tmp_path):
  directory = tmp_path / "run"
  run_directory.claim(directory, made_runs.config()).close()
  claim = run_directory.claim(directory, made_runs.config(steps=32))
  assert stored(directory)["settings"]["steps"] == 16
  claim.store_growth()
  claim.close()
  assert stored(directory)["settings"]["steps"] == 32
  with pytest.raises(UserError, match=r"steps 32 -> 16 \(it may grow, not shrink\)"):
    run_directory.claim(directory, made_runs.config())


def test_invocation_workers_and_the_path_of_data_may_differ_and_the_first_stay(tmp_path):
  directory = tmp_path / "run"
  run_directory.claim(directory, made_runs.config()).close()
  other = made_runs.config(workers=7) | {"invocation": ["launch/main.py", "--other"]}
  other["tasks"][1]["source"] = "elsewhere/mine.npz"
  claim = run_directory.claim(directory, other)
  claim.store_growth()
  assert claim.config["invocation"] == made_runs.config()["invocation"]
  claim.close()
  assert run_directory.read_config(directory) == made_runs.config()


def test_a_killed_beginning_is_taken_over(tmp_path):
  for name in (".lock", "config.json.partial"):
    (tmp_path / name).write_text("")
  run_directory.claim(tmp_path, made_runs.config()).close()
  assert run_directory.read_config(tmp_path, run_config.OFFLINE) == made_runs.config()


def test_infinity_comes_back_as_a_number(tmp_path):
  run_directory.claim(tmp_path, made_runs.config()).close()
  assert stored(tmp_path)["runs"][0]["point"]["actor_schedule_steps"] == "inf"
  config = run_directory.read_config(tmp_path)
  assert config["runs"][0]["point"]["actor_schedule_steps"] == float("inf")


def test_a_folder_that_cannot_be_made_is_one_line():
  with pytest.raises(StorageError, match="could not be written"):
    run_directory.claim(Path("/proc/no-such-place/run"), made_runs.config())


def test_a_home_folder_is_expanded(monkeypatch, tmp_path):
  monkeypatch.setenv("HOME", str(tmp_path))
  assert run_directory.expand("~/x") == tmp_path / "x"


@pytest.mark.parametrize(
  ("tasks", "expected"),
  [
    (["dmg/hopper/medium-replay-v0"], "runs/dmg/hopper/medium-replay-v0/abc"),
    (["../../etc/passwd"], "runs/etc/passwd/abc"),
    (["/etc/passwd"], "runs/etc/passwd/abc"),
    (["~/x"], "runs/-/x/abc"),
    ([".."], "runs/abc"),
    (["a b\n;c"], "runs/a-b--c/abc"),
    (["a/x", "b"], "runs/a-x+b/abc"),
    (["../a", "../b"], "runs/-a+-b/abc"),
    ([f"task-{number:03}" for number in range(100)], "runs/task-000+99-more/abc"),
    (["x" * 500], f"runs/{'x' * 120}/abc"),
  ],
)
def test_the_default_lies_below_its_root(tasks, expected):
  assert str(run_directory.default("runs", tasks, "abc")) == expected


@pytest.mark.parametrize(
  ("invocation", "directory", "expected"),
  [
    (["launch/main.py", "--config.dataset=my data.npz"], None,
     ["python", "launch/main.py", "--config.dataset=my data.npz"]),
    (["launch/main.py", "--run_dir=old"], None, ["python", "launch/main.py", "--run_dir=old"]),
    (["launch/main.py", "--run_dir=old", "-x"], "new",
     ["python", "launch/main.py", "-x", "--run_dir=new"]),
    (["launch/main.py", "--run_dir", "old", "-x"], "new",
     ["python", "launch/main.py", "-x", "--run_dir=new"]),
    (["dmg-jax", "main"], "a b", ["dmg-jax", "main", "--run_dir=a b"]),
  ],
)  # fmt: skip
def test_the_command_that_goes_on(invocation, directory, expected):
  command = run_directory.command(invocation, directory and Path(directory))
  assert shlex.split(command) == expected
