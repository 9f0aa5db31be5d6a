"""A job killed or stopped at any point, and started again, ends as if nothing had happened.

The job is a grid: two methods, two points, two seeds and two data sets.
"""

import json
import random
import re
import signal
from pathlib import Path

import finished_jobs
import kill_resume
import numpy as np
import pytest
from launches import run
from small_jobs import ROOT, columns

from dmg_jax import run_log

# One after another, in one directory: each is killed where it went on after the one before;
# the last four have a checkpoint to go on from.
POINTS = [
  ("config_written", 1),
  (run_log.TIMING, 3),
  ("logs_flushed", 1),
  ("checkpoint_begun", 1),
  ("checkpoint_committed", 1),
  (run_log.METRICS, 1),
  ("torn_row", 2),
  (run_log.EVALUATIONS, 1),
  ("summary_written", 1),
]
# Each stops the job at the end of a step: (occurrence, signal, step). At 8 and at the last
# step, 24, an evaluation is due.
STOPS = [(1, signal.SIGTERM, 4), (1, signal.SIGINT, 8), (4, signal.SIGTERM, 24)]
RANDOM_KILLS = 2
# Of two programs, which are trained one after the other.
METHODS = ("dmg", "td3_bc")


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> list[str]:
  folder = tmp_path_factory.mktemp("data")
  for seed, name in enumerate("ab"):
    np.savez(folder / f"{name}.npz", **columns(rows=50, seed=seed))
  values = {
    "dataset": f"{folder / 'a.npz'},{folder / 'b.npz'}",
    "env": "Pendulum-v1",
    "env_kwargs": "{'max_episode_steps':7}",
    "methods": ",".join(METHODS),
    "discount": "0.9,0.99",
    "seeds": 2,
    "steps": 24,
    "batch_size": 8,
    "actor_hidden_sizes": "(8,8)",
    "critic_hidden_sizes": "(8,8)",
    "value_hidden_sizes": "(8,8)",
    "log_interval": 4,
    "evaluation_interval": 8,
    "evaluation_episodes": 1,
    "checkpoint_interval": 8,
  }
  config = f"--config={ROOT / 'configs' / 'mujoco.py'}"
  return [config, *(f"--config.{key}={value}" for key, value in values.items())]


def launch(folder: Path, launches: list[dict]) -> list[dict]:
  """Runs the main job once for each, in order; see `forked_launches`."""
  return run([{"cwd": str(folder)} | one for one in launches])


def command(directory: Path, arguments: list[str]) -> list[str]:
  return [str(kill_resume.MAIN), f"--run_dir={directory}", *arguments]


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory) -> tuple[Path, int]:
  """The directory of a job that nothing disturbed, and the number of its calls."""
  directory = tmp_path_factory.mktemp("jobs") / "undisturbed"
  (result,) = launch(
    directory.parent, [{"argv": command(directory, arguments), "trap": {"point": "count"}}]
  )
  assert result["code"] == 0, result["err"]
  return directory, int(re.search(r"calls: (\d+)", result["err"])[1])


def assert_as_if_nothing_had_happened(undisturbed, directory):
  assert finished_jobs.differences(undisturbed[0], directory) == []
  timing = [(row["step"], row["what"]) for row in run_log.read(directory, run_log.TIMING)]
  trained = [step for step, what in timing if what == "train"]
  populations = len(METHODS)
  assert trained == [step for step in range(0, 24, 4) for _ in range(populations)]


def test_the_grid_is_what_it_should_be(undisturbed):
  config = json.loads((undisturbed[0] / "config.json").read_text())
  assert len(config["runs"]) == len({run["id"] for run in config["runs"]}) == 16
  rows = run_log.read(undisturbed[0], run_log.EVALUATIONS)
  assert len({json.dumps(row) for row in rows}) == 16 * 3


def test_killed_at_every_named_point(undisturbed, arguments, tmp_path):
  directory = tmp_path / "killed"
  argv = command(directory, arguments)
  traps = [{"point": point, "occurrence": occurrence} for point, occurrence in POINTS]
  *killed, last = launch(tmp_path, [{"argv": argv, "trap": trap} for trap in [*traps, None]])
  for point, result in zip(POINTS, killed, strict=True):
    assert result["code"] == -signal.SIGKILL, (point, result["err"])
  assert last["code"] == 0, last["err"]
  assert "finished already: the checkpoint of step 24 is the last" in last["out"]
  assert "DMG (discount 0.9" in last["out"]
  assert_as_if_nothing_had_happened(undisturbed, directory)


def test_killed_at_random_calls_and_by_a_second_signal(undisturbed, arguments, tmp_path):
  """The calls are drawn from a seed, among all that the undisturbed job made."""
  directory = tmp_path / "killed"
  generator = random.Random(0)
  traps = [{"point": run_log.METRICS, "occurrence": 3, "signals": [signal.SIGTERM] * 2}]
  traps += [
    {"point": "call", "occurrence": generator.randrange(undisturbed[1])}
    for _ in range(RANDOM_KILLS)
  ]
  argv = command(directory, arguments)
  twice, *killed, last = launch(tmp_path, [{"argv": argv, "trap": t} for t in [*traps, None]])
  assert twice["code"] in (128 + signal.SIGTERM, -signal.SIGTERM)
  assert "to go on" not in twice["err"]
  # A job that went on from a checkpoint makes fewer calls, and may end before.
  assert -signal.SIGKILL in [result["code"] for result in killed]
  assert {result["code"] for result in killed} <= {0, -signal.SIGKILL}, killed
  assert last["code"] == 0, last["err"]
  assert_as_if_nothing_had_happened(undisturbed, directory)


def test_stopped_by_signals_the_printed_command_goes_on(undisturbed, arguments, tmp_path):
  directory = tmp_path / "a folder" / "stopped"
  launches = [
    {"trap": {"point": run_log.METRICS, "occurrence": occurrence, "signals": [number]}}
    for occurrence, number, _ in STOPS
  ]
  launches += [{"trap": None}, {"trap": None}]
  argv = [command(directory, arguments)] + [None] * len(STOPS)
  argv.append(command(directory, arguments))
  *stopped, last, again = launch(
    tmp_path, [{"argv": words} | one for words, one in zip(argv, launches, strict=True)]
  )
  for (_, number, step), result in zip(STOPS, stopped, strict=True):
    assert result["code"] == 128 + number, result["err"]
    assert f"stopped after step {step}, and saved; to go on: python " in result["err"]
    assert "Traceback" not in result["err"]
  assert last["code"] == 0, last["err"]
  assert_as_if_nothing_had_happened(undisturbed, directory)
  assert again["code"] == 0, again["err"]
  assert "finished already" in again["out"]
