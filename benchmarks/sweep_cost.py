"""What a sweep costs over the sum of its parts, without Ray and on Ray.

  python benchmarks/sweep_cost.py -- --config=configs/quick.py --config.seeds=2 ...

What follows `--` are arguments of `launch/sweep.py`. The same sweep runs twice, each part on all
cores of this machine, one after another: with `--local`, and on a Ray cluster that begins and ends
with it. Parts should take about a minute. The result is printed and stored.
"""

import json
import os
import shlex
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import machine
import sweep_loss
from absl import app, logging

from dmg_jax import study_files
from dmg_jax.envs.workers import available_cores

RESULT = Path(__file__).parent / "results" / "sweep_cost.json"
# Of the sweeps; emptied first.
FOLDER = Path("runs/sweep_cost")
WAYS = {"without Ray": "--local", "on Ray": "--address=local"}


def measure(directory: Path, arguments: list[str]) -> dict[str, Any]:
  """Seconds of a sweep: of the command, from the first part's begin to the last's end, of parts."""
  started = time.monotonic()
  sweep_loss.finish(sweep_loss.start(directory, arguments), directory)
  command = time.monotonic() - started
  return {"seconds_of_command": command, **sweep_loss.undisturbed_times(directory)}


def main(arguments: list[str]) -> None:
  logging.set_verbosity(logging.WARNING)
  out = FOLDER.absolute()
  shutil.rmtree(out, ignore_errors=True)
  # As many as Ray counts, so that the parts wait for one another.
  common = [*arguments[1:], f"--cpus_per_task={os.cpu_count()}"]
  found = {
    name: measure(out / str(number), [*common, way])
    for number, (name, way) in enumerate(WAYS.items())
  }
  result = {
    "command": shlex.join(["python", "benchmarks/sweep_cost.py", *sys.argv[1:]]),
    "parts": len(list((out / "0" / "parts").iterdir())),
    "sweeps": found,
    "device": machine.device_name(),
    "cores": available_cores(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "ray")},
  }
  study_files.write({RESULT: (json.dumps(result, indent=1) + "\n").encode()})
  print(json.dumps(result, indent=1))


if __name__ == "__main__":
  app.run(main)
