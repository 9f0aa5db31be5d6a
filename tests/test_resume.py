"""A job that was killed, damaged or grown ends as if nothing had happened; real processes.

test_plan_resume.py kills a larger job at every named point and stops it by signals.
"""

import shutil
from pathlib import Path

import finished_jobs
import kill_resume
import numpy as np
import pytest
from launches import run
from small_jobs import ROOT, columns

# Ends on all intervals, on none for the evaluation, on none at all, before any checkpoint.
SHORTER = (16, 20, 22, 6)


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> list[str]:
  """Of a job of seconds: two seeds, 24 steps, evaluated in Pendulum."""
  path = tmp_path_factory.mktemp("data") / "pendulum.npz"
  np.savez(path, **columns())
  values = {
    "dataset": path,
    "env": "Pendulum-v1",
    "env_kwargs": "{'max_episode_steps':7}",
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
  config = ROOT / "configs" / "mujoco.py"
  return [f"--config={config}", *(f"--config.{key}={value}" for key, value in values.items())]


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory) -> Path:
  directory = tmp_path_factory.mktemp("jobs") / "undisturbed"
  (result,) = run([launch(directory, arguments)])
  assert result["code"] == 0, result["err"]
  return directory


@pytest.fixture(scope="module")
def results(arguments, undisturbed, tmp_path_factory) -> dict[str, dict]:
  """What was started beside and after the undisturbed job, by name."""
  folder = tmp_path_factory.mktemp("others")
  damaged = shutil.copytree(undisturbed, folder / "damaged")
  (damaged / "checkpoints/24/positions/metadata").write_bytes(b"{}")
  launches = {
    "again": launch(undisturbed, arguments),
    "other": launch(undisturbed, arguments, "discount=0.9"),
    "shrunk": launch(undisturbed, arguments, "steps=16"),
    "damaged": launch(damaged, arguments),
  }
  for steps in SHORTER:
    directory = folder / f"grown from {steps}"
    launches[f"{steps}"] = launch(directory, arguments, f"steps={steps}")
    launches[directory.name] = launch(directory, arguments)
  found = run(list(launches.values()))
  return {
    name: result | {"directory": Path(one["watched"])}
    for (name, one), result in zip(launches.items(), found, strict=True)
  }


def launch(directory: Path, arguments: list[str], *overrides: str) -> dict:
  """One start of the job; see `forked_launches`."""
  more = [f"--config.{override}" for override in overrides]
  argv = [str(kill_resume.MAIN), f"--run_dir={directory}", *arguments, *more]
  return {"argv": argv, "cwd": str(directory.parent), "watched": str(directory)}


def test_killed_at_a_random_moment(arguments, undisturbed, tmp_path):
  """The moment lies within the first seconds; how far the job is then, is left to chance."""
  jobs = kill_resume.run_killed(tmp_path, arguments, kills=1, seconds=8.0, seed=0)
  for directory in jobs:
    assert finished_jobs.differences(undisturbed, directory) == []


def test_a_damaged_checkpoint_is_told_and_the_one_before_leads_to_the_same_end(
  results, undisturbed
):
  damaged = results["damaged"]
  assert damaged["code"] == 0, damaged["err"]
  (line,) = [line for line in damaged["out"].splitlines() if "is damaged" in line]
  assert line.startswith("the checkpoint of step 24 in ")
  assert "continuing from the checkpoint of step 16" in damaged["out"]
  assert finished_jobs.differences(undisturbed, damaged["directory"]) == []


def test_started_again_when_finished_it_prints_its_table(results):
  again = results["again"]
  assert again["code"] == 0, again["err"]
  assert "IQM" in again["out"]
  assert [name for name in again["changed"] if name.endswith(".jsonl")] == []


def test_steps_may_grow_but_nothing_else_may_change(results):
  other, shrunk = results["other"], results["shrunk"]
  assert other["code"] == shrunk["code"] == 2
  assert "discount 0.99 -> 0.9" in other["err"]
  assert "steps 24 -> 16 (it may grow, not shrink)" in shrunk["err"]
  for refused in (other, shrunk):
    assert refused["err"].count("\n") == 1
    assert refused["changed"] == []


@pytest.mark.parametrize("steps", SHORTER)
def test_a_grown_job_has_the_rows_of_one_that_was_never_shorter(steps, results, undisturbed):
  shorter, grown = results[f"{steps}"], results[f"grown from {steps}"]
  assert shorter["code"] == 0, shorter["err"]
  assert f"{steps} of {steps} steps (100%)" in shorter["err"]
  assert grown["code"] == 0, grown["err"]
  assert finished_jobs.differences(undisturbed, grown["directory"]) == []
