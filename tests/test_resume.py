"""A job killed at any point, and started again, ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import kill_resume
from dmg_jax import run_log

KILLED_JOB = Path(__file__).parent / "killed_job.py"
POINTS = [
  ("config_written", 1),
  (run_log.TIMING, 3),
  (run_log.METRICS, 3),
  ("torn_row", 3),
  (run_log.EVALUATIONS, 2),
  ("logs_flushed", 2),
  ("checkpoint_begun", 2),
  ("checkpoint_committed", 2),
  ("summary_written", 2),
]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> list[str]:
  """Of a job of seconds: two seeds, 24 steps, evaluated in Pendulum."""
  generator = np.random.default_rng(0)
  path = tmp_path_factory.mktemp("data") / "pendulum.npz"
  rows = 100
  np.savez(
    path,
    observations=generator.normal(size=(rows, 3)),
    actions=generator.uniform(-2, 2, (rows, 1)),
    rewards=generator.normal(size=rows),
    next_observations=generator.normal(size=(rows, 3)),
    terminals=np.zeros(rows),
  )
  values = {
    "dataset": path,
    "env": "Pendulum-v1",
    "seeds": 2,
    "steps": 24,
    "batch_size": 8,
    "actor_hidden_sizes": "(8,8)",
    "critic_hidden_sizes": "(8,8)",
    "value_hidden_sizes": "(8,8)",
    "log_interval": 4,
    "evaluation_interval": 8,
    "evaluation_episodes": 2,
    "checkpoint_interval": 8,
  }
  main = Path(__file__).parents[1] / "configs" / "mujoco.py"
  return [f"--config={main}", *(f"--config.{key}={value}" for key, value in values.items())]


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory) -> Path:
  directory = tmp_path_factory.mktemp("jobs") / "undisturbed"
  result = run([str(kill_resume.MAIN)], directory, arguments)
  assert result.returncode == 0, result.stderr
  return directory


def run(program: list[str], directory: Path, arguments: list[str]) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, *program, f"--run_dir={directory}", *arguments],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
  )


@pytest.mark.parametrize(("point", "occurrence"), POINTS)
def test_killed_at_a_named_point(point, occurrence, arguments, undisturbed, tmp_path):
  directory = tmp_path / "killed"
  killed = run([str(KILLED_JOB), point, str(occurrence)], directory, arguments)
  assert killed.returncode == -signal.SIGKILL, killed.stderr
  again = run([str(kill_resume.MAIN)], directory, arguments)
  assert again.returncode == 0, again.stderr
  assert kill_resume.differences(undisturbed, directory) == []
  timing = [(row["step"], row["what"]) for row in run_log.read(directory, run_log.TIMING)]
  trained = [step for step, what in timing if what == "train"]
  assert trained == sorted(set(trained))


def test_killed_at_a_random_moment(arguments, undisturbed, tmp_path):
  """The moment lies within the first seconds, and differs from test to test."""
  jobs = kill_resume.run_killed(tmp_path, arguments, kills=1, seconds=8.0, seed=os.getpid())
  for directory in jobs:
    assert kill_resume.differences(undisturbed, directory) == []


def test_started_again_when_finished_it_prints_its_table(arguments, undisturbed):
  before = {path: path.read_bytes() for path in undisturbed.glob("*.jsonl")}
  again = run([str(kill_resume.MAIN)], undisturbed, arguments)
  assert again.returncode == 0, again.stderr
  assert "IQM" in again.stdout
  assert len(before) == 3
  assert {path: path.read_bytes() for path in before} == before


def test_steps_may_grow_but_nothing_else_may_change(arguments, undisturbed, tmp_path):
  other = run([str(kill_resume.MAIN)], undisturbed, [*arguments, "--config.discount=0.9"])
  assert other.returncode == 2
  assert "discount 0.99 -> 0.9" in other.stderr
  assert len(other.stderr.strip().splitlines()) == 1
  directory = tmp_path / "grown"
  shorter = run([str(kill_resume.MAIN)], directory, [*arguments, "--config.steps=16"])
  assert shorter.returncode == 0, shorter.stderr
  grown = run([str(kill_resume.MAIN)], directory, arguments)
  assert grown.returncode == 0, grown.stderr
  assert kill_resume.differences(undisturbed, directory) == []
