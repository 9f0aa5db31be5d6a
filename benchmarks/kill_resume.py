"""Kills a job at random moments and checks that it ends as if nothing had happened.

  python benchmarks/kill_resume.py --kills=20 -- --config=configs/mujoco.py --config.steps=2000 \\
    --config.log_interval=100 --config.checkpoint_interval=200 --config.evaluation_interval=400

What follows `--` are arguments of `launch/main.py`. One job runs undisturbed;
others are killed (SIGKILL) and started again by the same command, until there
were `--kills` kills and all are finished. Final parameters must be the same
bits, and the logs the same bytes. The result is printed and stored.
"""

import json
import random
import shlex
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import jax
from absl import app, flags, logging
from finished_jobs import differences

_KILLS = flags.DEFINE_integer("kills", 10, "How many kills.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of the random moments.")
_OUT = flags.DEFINE_string("out", "runs/kill_resume", "Folder of the jobs; emptied first.")

_RESULT = Path(__file__).parent / "results" / "kill_resume.json"
MAIN = Path(__file__).parents[1] / "launch" / "main.py"


def _start(directory: Path, arguments: list[str]) -> subprocess.Popen:
  command = [sys.executable, str(MAIN), f"--run_dir={directory}", *arguments]
  return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_killed(
  folder: Path, arguments: list[str], kills: int, seconds: float, seed: int
) -> list[Path]:
  """Runs jobs to their ends in spite of `kills` kills, at moments uniform in [0, seconds].

  A killed job is started again by the same command. One that ends before its
  moment comes is followed by another, until all kills are done.

  Returns:
    The jobs' directories in `folder`.

  Raises:
    RuntimeError: if a job fails otherwise.
  """
  moments, done = random.Random(seed), 0
  directories = [folder / "0"]
  while True:
    process = _start(directories[-1], arguments)
    try:
      code = process.wait(moments.uniform(0, seconds) if done < kills else None)
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()
      done += 1
      print(f"kill {done} of {kills}, in job {len(directories)}", flush=True)
      continue
    if code != 0:
      raise RuntimeError(f"a job failed with exit code {code}; its directory: {directories[-1]}")
    if done == kills:
      return directories
    directories.append(folder / str(len(directories)))


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  out = Path(_OUT.value)
  shutil.rmtree(out, ignore_errors=True)
  undisturbed = out / "undisturbed"
  started = time.monotonic()
  code = _start(undisturbed, arguments[1:]).wait()
  if code != 0:
    sys.exit(f"the undisturbed job failed with exit code {code}; try its arguments on their own")
  seconds = time.monotonic() - started
  print(f"undisturbed: {seconds:.1f} s", flush=True)
  jobs = run_killed(out / "killed", arguments[1:], _KILLS.value, seconds, _SEED.value)
  different = {str(job): names for job in jobs if (names := differences(undisturbed, job))}
  result = {
    "command": shlex.join(["python", "benchmarks/kill_resume.py", *sys.argv[1:]]),
    "kills": _KILLS.value,
    "jobs": len(jobs),
    "seconds_undisturbed": seconds,
    "different": different,
    "device": str(jax.devices()[0]),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "orbax-checkpoint")},
  }
  _RESULT.write_text(json.dumps(result, indent=2) + "\n")
  print(f"{_KILLS.value} kills in {len(jobs)} jobs: ", end="")
  print(f"different: {different}" if different else "identical parameters and logs")
  print(_RESULT)
  sys.exit(1 if different else 0)


if __name__ == "__main__":
  app.run(main)
