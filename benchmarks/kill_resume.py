"""Kills a job at random moments and checks that it ends as if nothing had happened.

  python benchmarks/kill_resume.py --kills=20 -- --config=configs/mujoco.py --config.steps=2000

What follows `--` are arguments of `launch/main.py`. One job runs undisturbed; a
second is killed (SIGKILL) and started again by the same command until it has
been killed `--kills` times, and then finishes. Final parameters must be the
same bits, and the logs the same bytes.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
from absl import app, flags

from dmg_jax import run_directory, run_log
from dmg_jax.checkpoints import Checkpoints

_KILLS = flags.DEFINE_integer("kills", 10, "How often the second job is killed.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the random moments.")
_OUT = flags.DEFINE_string("out", "runs/kill_resume", "Folder for both jobs; emptied first.")

MAIN = Path(__file__).parents[1] / "launch" / "main.py"


def differences(first: Path, second: Path) -> list[str]:
  """What differs between two finished run directories: names of files or parameters."""
  different = [
    name
    for name in (run_log.METRICS, run_log.EVALUATIONS)
    if (first / name).read_bytes() != (second / name).read_bytes()
  ]
  results = [
    json.loads((directory / run_directory.SUMMARY).read_text())["results"]
    for directory in (first, second)
  ]
  if results[0] != results[1]:
    different.append(run_directory.SUMMARY)
  trees = [_final(directory) for directory in (first, second)]
  for (path, one), other in zip(
    jax.tree_util.tree_leaves_with_path(trees[0]), jax.tree.leaves(trees[1]), strict=True
  ):
    if not np.array_equal(one, other):
      different.append(jax.tree_util.keystr(path))
  return different


def _final(directory: Path):
  checkpoints = Checkpoints(directory)
  step = checkpoints.latest()
  assert step is not None
  tree, _ = checkpoints.restore(step)
  checkpoints.close()
  return tree


def _start(directory: Path, arguments: list[str]) -> subprocess.Popen:
  command = [sys.executable, str(MAIN), f"--run_dir={directory}", *arguments]
  return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_killed(directory: Path, arguments: list[str], kills: int, seconds: float, seed: int) -> int:
  """Runs a job to its end in spite of `kills` kills, at moments uniform in [0, seconds].

  A job that ends before its moment comes is not killed; if it ends before all
  kills are done, the rest are not done either.

  Returns:
    The kills done.
  """
  moments, done = random.Random(seed), 0
  while True:
    process = _start(directory, arguments)
    try:
      code = process.wait(moments.uniform(0, seconds) if done < kills else None)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()
      done += 1
      continue
    if code != 0:
      raise RuntimeError(f"the job failed with exit code {code}")
    return done


def main(arguments: list[str]) -> None:
  out = Path(_OUT.value)
  shutil.rmtree(out, ignore_errors=True)
  started = time.monotonic()
  code = _start(out / "undisturbed", arguments[1:]).wait()
  if code != 0:
    sys.exit(f"the undisturbed job failed with exit code {code}; try its arguments on their own")
  seconds = time.monotonic() - started
  print(f"undisturbed: {seconds:.1f} s", flush=True)
  done = run_killed(out / "killed", arguments[1:], _KILLS.value, seconds, _SEED.value)
  different = differences(out / "undisturbed", out / "killed")
  print(f"killed {done} times (seed {_SEED.value}): ", end="")
  print(f"different: {', '.join(different)}" if different else "identical parameters and logs")
  sys.exit(1 if different or done < _KILLS.value else 0)


if __name__ == "__main__":
  app.run(main)
