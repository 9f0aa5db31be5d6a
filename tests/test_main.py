"""The launchers as a user runs them, one after another in one folder."""

import os
import subprocess
import sys

import numpy as np
import pytest
from launches import run
from small_jobs import ROOT, columns

MAIN, EVALUATE = (str(ROOT / "launch" / f"{name}.py") for name in ("main", "evaluate"))
SMALL = [
  "--config.env=Pendulum-v1",
  "--config.env_kwargs={'max_episode_steps':7}",
  "--config.batch_size=8",
  *(f"--config.{name}_hidden_sizes=(8,8)" for name in ("actor", "critic", "value")),
  "--config.seeds=1",
  "--config.steps=4",
  "--config.evaluation_episodes=2",
]
JOB = [MAIN, "--config=configs/mujoco.py:mine.npz", *SMALL]
# Its checkpoint is larger than the limit, all other files are smaller.
LARGE = [MAIN, "--config.dataset=mine.npz", *SMALL, "--config.seeds=40", "--run_dir=~/large"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("main")
  np.savez(folder / "mine.npz", **columns())
  np.savez(folder / "huge.npz", **columns() | {"rewards": np.full(100, 3e38)})
  return folder


@pytest.fixture(scope="module")
def results(folder):
  launches = {
    "job": {"argv": JOB},
    "again": {"argv": JOB},
    "unread": {"argv": [*JOB, "--run_dir=unread"], "trap": {"point": "unread"}},
    "shorter": {"argv": [*JOB, "--config.steps=2"]},
    "diverged": {"argv": [MAIN, "--config.dataset=huge.npz", *SMALL, "--run_dir=diverged"]},
    "diverged again": {"argv": [MAIN, "--config.dataset=huge.npz", *SMALL, "--run_dir=diverged"]},
    "full disk": {"argv": LARGE, "trap": {"point": "file_limit", "occurrence": 100}},
    "with room": {"argv": LARGE},
    "evaluate": {"argv": [EVALUATE, "--run_dir=~/large", "--episodes=3", "--run=dmg,seed=7"]},
    "none left": {"argv": [EVALUATE, "--run_dir=diverged"]},
  }
  places = {"cwd": str(folder), "watched": str(folder)}
  found = run([places | launch for launch in launches.values()], {"HOME": str(folder)})
  return dict(zip(launches, found, strict=True))


def test_a_job_shows_its_plan_its_table_and_its_curves(results, folder):
  job = results["job"]
  assert job["code"] == 0, job["err"]
  assert "data        mine: 100 transitions" in job["out"]
  assert "plan        1 runs of 4 steps on 1 x cpu" in job["out"]
  last = job["out"].splitlines()[-1]
  assert last.startswith("curves: runs/mine/")
  assert (folder / last.removeprefix("curves: ")).is_file()
  assert {name.split("/")[0] for name in job["changed"]} == {"runs"}


def test_the_same_command_finds_the_finished_job(results):
  again = results["again"]
  assert again["code"] == 0, again["err"]
  assert "finished already: the checkpoint of step 4 is the last" in again["out"]
  table = "last evaluation"
  assert again["out"].partition(table)[2] == results["job"]["out"].partition(table)[2]
  assert not [name for name in again["changed"] if "checkpoints" in name or name.endswith("jsonl")]


def test_a_job_whose_messages_nobody_can_read_ends_as_any_other(results, folder):
  assert results["unread"]["code"] == 0
  assert (folder / "unread" / "summary.json").is_file()


def test_fewer_steps_are_refused(results):
  shorter = results["shorter"]
  assert shorter["code"] == 2
  assert "steps 4 -> 2 (it may grow, not shrink)" in shorter["err"]
  assert shorter["err"].count("\n") == 1
  assert shorter["changed"] == []


@pytest.mark.parametrize("name", ["diverged", "diverged again"])
def test_a_job_whose_runs_all_diverged_exits_with_1_and_says_what_diverged(results, name):
  diverged = results[name]
  assert diverged["code"] == 1
  assert "diverged at step 0" in diverged["out"]
  assert diverged["err"].splitlines()[-1] == (
    "error: all runs diverged; their last finite states are in diverged"
  )
  if name == "diverged":
    assert "dmg,seed=0 diverged: numbers stopped being finite after step 0" in diverged["err"]
  assert "Traceback" not in diverged["err"]


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(results, folder):
  full = results["full disk"]
  assert full["code"] == 1
  (error,) = [line for line in full["err"].splitlines() if line.startswith("error: ")]
  assert "the checkpoint of step 4 could not be saved" in error
  assert "make room and start the same command again" in error
  assert "Traceback" not in full["err"]
  room = results["with room"]
  assert room["code"] == 0, room["err"]
  # A home folder is one, not a folder called "~".
  assert (folder / "large" / "summary.json").is_file()


def test_finished_runs_are_evaluated_again(results):
  found = results["evaluate"]
  assert found["code"] == 0, found["err"]
  header, row = found["out"].splitlines()
  assert header.split() == ["run", "episodes", "return", "score"]
  assert row.split()[:2] == ["dmg,seed=7", "3"]
  assert found["changed"] == []
  none = results["none left"]
  assert none["code"] == 2
  assert none["err"] == "error: every run in diverged diverged\n"
  assert none["changed"] == []


def test_a_platform_that_is_not_there_is_one_line(folder):
  """In a process of its own: JAX reads the variable when it is imported."""
  finished = subprocess.run(
    [sys.executable, *JOB, "--dry_run"],
    capture_output=True,
    text=True,
    check=False,
    cwd=folder,
    env=os.environ | {"JAX_PLATFORMS": "nonsense"},
    timeout=300,
  )
  assert finished.returncode == 2
  last = finished.stderr.splitlines()[-1]
  assert last.startswith("error: JAX finds no device (")
  assert last.endswith("; correct or unset JAX_PLATFORMS")
  assert "Traceback" not in finished.stderr
