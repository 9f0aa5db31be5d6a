"""One job of many runs: killed and resumed to the same bits, and at what cost per run.

  python benchmarks/plan.py

Makes two data sets of our own (Hopper medium and medium-expert, 20,000 transitions
each), and trains on them: 3 methods x 2 values x 2 seeds x 2 data sets by one command,
undisturbed and killed at random moments; and for the cost, a job of each method alone with
as many runs as there are cores. The result goes to benchmarks/results/plan.json.
"""

import json
import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from absl import app, flags
from finished_jobs import differences
from jobs import RESULTS, ROOT
from machine import device_name

from dmg_jax import run_directory, run_log
from dmg_jax.envs.workers import available_cores

_STEPS = flags.DEFINE_integer("steps", 1200, "Gradient steps of each run.")
_KILLS = flags.DEFINE_integer("kills", 3, "How often the second job is killed.")
_OUT = flags.DEFINE_string("out", "runs/plan", "Folder of everything; emptied first.")

TIERS = ("medium", "medium-expert")
METHODS = ("dmg", "iql", "td3_bc")


def data_command(tier: str, folder: Path) -> list[str]:
  """Makes one data set, as a user would type it."""
  return [
    "python", "launch/collect.py", "--env=Hopper-v4", f"--tier={tier}", "--keep=20000",
    f"--root={folder}",
  ]  # fmt: skip


def job_command(data: str, steps: int, *more: str) -> list[str]:
  """Trains on the data sets, as a user would type it."""
  return [
    "python", "launch/main.py", "--config=configs/mujoco.py", f"--config.dataset={data}",
    f"--config.steps={steps}", "--config.evaluation_interval=600",
    "--config.evaluation_episodes=2", "--config.log_interval=200",
    "--config.checkpoint_interval=200", *more,
  ]  # fmt: skip


def start(command: list[str]) -> subprocess.Popen:
  """A command of ours in the background, from the project's root."""
  return subprocess.Popen(
    [sys.executable, *command[1:]],
    cwd=ROOT,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )


def killed(command: list[str], kills: int, seconds: float) -> int:
  """Runs a command to its end in spite of SIGKILLs at random moments; how many there were."""
  moments, done = random.Random(0), 0
  while True:
    process = start(command)
    try:
      code = process.wait(moments.uniform(0, seconds / 2) if done < kills else None)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()
      done += 1
      continue
    if code != 0:
      raise RuntimeError(f"{shlex.join(command)} failed with exit code {code}")
    return done


def training_seconds(directory: Path) -> float:
  """Wall clock of training alone, without evaluation, compilation and checkpoints."""
  rows = run_log.read(directory, run_log.TIMING)
  return sum(row["seconds"] for row in rows if row["what"] == "train")


def main(_) -> None:
  out = ROOT / Path(_OUT.value)
  shutil.rmtree(out, ignore_errors=True)
  folder, cores = out / "data", available_cores()
  for tier in TIERS:
    assert start(data_command(tier, folder)).wait() == 0
  data = ",".join(str(folder / f"dmg/hopper/{tier}-v0") for tier in TIERS)
  points = ["--config.discount=0.98,0.99", "--config.seeds=2"]
  plan = [f"--config.methods={','.join(METHODS)}", *points]
  whole, disturbed = out / "whole", out / "killed"
  started = time.monotonic()
  assert start(job_command(data, _STEPS.value, *plan, f"--run_dir={whole}")).wait() == 0
  seconds = time.monotonic() - started
  alone = {}
  for method in METHODS:
    directory = out / "alone" / method
    more = [f"--config.methods={method}", f"--config.seeds={cores}", f"--run_dir={directory}"]
    assert start(job_command(data.partition(",")[0], _STEPS.value, *more)).wait() == 0
    alone[method] = training_seconds(directory) / cores
  kills = killed(
    job_command(data, _STEPS.value, *plan, f"--run_dir={disturbed}"), _KILLS.value, seconds
  )
  summary = json.loads((whole / run_directory.SUMMARY).read_text())
  runs = sum(len(group["runs"]) for group in summary["groups"])
  trained = training_seconds(whole)
  result = {
    "command": shlex.join(["python", "benchmarks/plan.py", *sys.argv[1:]]),
    "job": shlex.join(job_command("DATA", _STEPS.value, *plan)),
    "runs": runs,
    "groups": [f"{group['label']} on {group['task']}" for group in summary["groups"]],
    "kills": kills,
    "different_after_kills": differences(whole, disturbed),
    "seconds_undisturbed": seconds,
    "seconds_of_training": trained,
    "seconds_of_training_per_run_alone": alone,
    "cost_per_run_over_single_job": trained / (runs * sum(alone.values()) / len(alone)),
    "cores": cores,
    "device": device_name(),
    "versions": summary["versions"],
  }
  (RESULTS / "plan.json").write_text(json.dumps(result, indent=2) + "\n")
  print(json.dumps({name: result[name] for name in list(result)[2:10]}, indent=1))
  sys.exit(1 if result["different_after_kills"] else 0)


if __name__ == "__main__":
  app.run(main)
