"""One job trained by two processes: the bits of one; a lost partner ends it, and it goes on.

`benchmarks/hosts.py` does the same with one to three processes, and stops them by signals.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import finished_jobs
import numpy as np
import pytest
from small_jobs import ROOT, columns

from dmg_jax import processes, run_log
from dmg_jax.errors import UserError

STEPS, SEEDS = 12, 3
FIELDS = {
  "env": "Pendulum-v1",
  "env_kwargs": "{'max_episode_steps':5}",
  "methods": "bc",  # the method that is compiled soonest
  "seeds": SEEDS,
  "steps": STEPS,
  "batch_size": 8,
  "actor_hidden_sizes": "(8,8)",
  "log_interval": 4,
  "evaluation_interval": 4,
  "evaluation_episodes": 1,
  "checkpoint_interval": 4,
  "workers": 1,
}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> tuple[Path, list[list[dict]]]:
  """The folder of an undisturbed job and of a disturbed one; what their processes said."""
  folder = tmp_path_factory.mktemp("jobs")
  np.savez(folder / "data.npz", **columns(rows=50))

  def group(directory: str, count: int, traps: dict[str, dict]) -> dict:
    argv = [
      str(ROOT / "launch" / "main.py"),
      f"--config={ROOT / 'configs' / 'mujoco.py'}",
      f"--run_dir={folder / directory}",
      f"--config.dataset={folder / 'data.npz'}",
      *(f"--config.{name}={value}" for name, value in FIELDS.items()),
    ]
    return {"argv": argv, "processes": count, "traps": traps}

  killed = {"1": {"point": "chunk_trained", "occurrence": 2}}
  groups = [group("alone", 1, {}), group("shared", 2, killed), group("shared", 2, {})]
  finished = subprocess.run(
    [sys.executable, ROOT / "tests" / "distributed_launches.py"],
    input=json.dumps(groups),
    capture_output=True,
    text=True,
    check=False,
    timeout=600,
    env=os.environ,
  )
  assert finished.returncode == 0, finished.stderr
  return folder, json.loads(finished.stdout)


def test_the_bits_are_those_of_one_process_and_the_logs_are_written_once(jobs):
  folder, (_, _, ended) = jobs
  assert [one["code"] for one in ended] == [0, 0], ended
  # A summary also lists the devices of all processes.
  different = finished_jobs.differences(folder / "alone", folder / "shared")
  assert different == ["summary.json"]
  alone, shared = (
    json.loads((folder / name / "summary.json").read_text()) for name in ("alone", "shared")
  )
  for summary in (alone, shared):
    del summary["seconds"], summary["devices"]
  assert alone == shared
  rows = run_log.read(folder / "shared", run_log.EVALUATIONS)
  assert len({(row["step"], row["run"]) for row in rows}) == len(rows) == SEEDS * STEPS // 4


def test_a_killed_partner_ends_the_job_with_one_line_and_it_goes_on(jobs):
  _, (_, killed, ended) = jobs
  assert [one["code"] for one in killed] == [1, -signal.SIGKILL], killed
  said = [line for line in killed[0]["err"].splitlines() if line.startswith("error:")]
  assert said == [
    "error: another process ended; start all processes again with the same commands: the job goes "
    "on from its last checkpoint"
  ]
  assert "Traceback" not in killed[0]["err"]
  assert "continuing from the checkpoint of step 4" in ended[0]["out"]


def test_the_first_process_alone_tells(jobs):
  _, (_, _, ended) = jobs
  assert "curves: " in ended[0]["out"]
  # Where JAX lets them meet, its library says a word.
  assert [line for line in ended[1]["out"].splitlines() if "[Gloo]" not in line] == []


def test_runs_of_small_populations_are_dealt_out_evenly(monkeypatch):
  monkeypatch.setattr(processes, "count", lambda: 2)
  # Populations of 3, 1, 1 and 2 runs.
  dealt = [
    [processes.places(start, runs, process) for start, runs in ((0, 3), (3, 1), (4, 1), (5, 2))]
    for process in (0, 1)
  ]
  assert dealt == [[[0, 2], [], [0], [1]], [[1], [0], [], [0]]]


def test_flags_that_do_not_fit_together_are_refused():
  with pytest.raises(UserError, match="belong together"):
    processes.begin("localhost:1234", 2)
  with pytest.raises(UserError, match="from 0 to 1"):
    processes.begin("localhost:1234", 2, 2)
  with pytest.raises(UserError, match="HOST:PORT"):
    processes.begin("localhost", 2, 0)
