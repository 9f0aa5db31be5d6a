"""A job that was killed, damaged or grown ends as if nothing had happened; real processes.

test_plan_resume.py kills a larger job at every named point and stops it by signals.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import finished_jobs
import kill_resume
import numpy as np
import pytest

from dmg_jax import checkpoints


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


def test_killed_at_a_random_moment(arguments, undisturbed, tmp_path):
  """The moment lies within the first seconds; how far the job is then, is left to chance."""
  jobs = kill_resume.run_killed(tmp_path, arguments, kills=1, seconds=8.0, seed=0)
  for directory in jobs:
    assert finished_jobs.differences(undisturbed, directory) == []


def test_a_damaged_checkpoint_is_told_and_the_one_before_leads_to_the_same_end(
  arguments, undisturbed, tmp_path
):
  directory = shutil.copytree(undisturbed, tmp_path / "damaged")
  (directory / "checkpoints/24/positions/metadata").write_bytes(b"{}")
  again = run([str(kill_resume.MAIN)], directory, arguments)
  assert again.returncode == 0, again.stderr
  (line,) = [line for line in again.stdout.splitlines() if "is damaged" in line]
  assert line.startswith("the checkpoint of step 24 in ")
  assert "continuing from the checkpoint of step 16" in again.stdout
  assert finished_jobs.differences(undisturbed, directory) == []


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
  shrunk = run([str(kill_resume.MAIN)], undisturbed, [*arguments, "--config.steps=16"])
  assert shrunk.returncode == 2
  assert "steps 24 -> 16 (it may grow, not shrink)" in shrunk.stderr
  assert len(shrunk.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("steps", [16, 20, 22, 6])
def test_a_grown_job_has_the_rows_of_one_that_was_never_shorter(
  steps, arguments, undisturbed, tmp_path
):
  """Ends on all intervals, on none for the evaluation, on none at all, before any checkpoint."""
  directory = tmp_path / "grown"
  shorter = run([str(kill_resume.MAIN)], directory, [*arguments, f"--config.steps={steps}"])
  assert shorter.returncode == 0, shorter.stderr
  assert checkpoints.restore_latest(directory).step == steps
  grown = run([str(kill_resume.MAIN)], directory, arguments)
  assert grown.returncode == 0, grown.stderr
  assert finished_jobs.differences(undisturbed, directory) == []
