"""Whether the precision of matrix products changes what is learned, and the time that it takes.

  python benchmarks/precisions.py [--precisions=float32,tensorfloat32,bfloat16] [--seeds=20]

Trains DMG on the embedded data once with each precision, by `launch/main.py`, and stores the
scores in benchmarks/results/precisions_DEVICE.json. Started again, it continues.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import app, flags
from jobs import RESULTS, ROOT, run
from machine import device_name

from dmg_jax import run_directory, run_log
from dmg_jax.report.scores import intervals, statistics

_PRECISIONS = flags.DEFINE_list(
  "precisions", ["float32", "tensorfloat32", "bfloat16"], "Of the matrix products."
)
_SEEDS = flags.DEFINE_integer("seeds", 20, "Number of seeds.", lower_bound=2)
_FOLDER = flags.DEFINE_string("folder", "runs/precisions", "Folder of the jobs.")


def measure(precision: str) -> dict[str, Any]:
  """Scores and seconds of a job."""
  run_dir = Path(_FOLDER.value) / precision
  command = ["python", "launch/main.py", "--config=configs/mujoco.py"]
  command += [f"--config.precision={precision}", f"--config.seeds={_SEEDS.value}"]
  run([*command, f"--run_dir={run_dir}"])
  summary = json.loads((ROOT / run_dir / run_directory.SUMMARY).read_text())
  (group,) = summary["groups"]
  seconds: dict[str, float] = {}
  for row in run_log.read(ROOT / run_dir, run_log.TIMING):
    seconds[row["what"]] = seconds.get(row["what"], 0.0) + row["seconds"]
  return {
    "command": " ".join(command),
    "last": [each["last"] for each in group["runs"]],
    "mean_of_window": [each["mean_of_window"] for each in group["runs"]],
    "window": group["window"],
    "diverged": sum(each["diverged_at"] is not None for each in group["runs"]),
    "seconds": seconds,
    "steps": summary["steps"],
    "versions": summary["versions"],
  }


def main(_: Sequence[str]) -> None:
  jobs = {precision: measure(precision) for precision in _PRECISIONS.value}
  first, *others = jobs
  device = device_name()
  result = {
    "command": " ".join(["python", "benchmarks/precisions.py", *sys.argv[1:]]),
    "device": device,
    "seeds": _SEEDS.value,
    "jobs": jobs,
    "differences_of_mean_of_window": {
      other: intervals.difference_interval(
        jobs[other]["mean_of_window"], jobs[first]["mean_of_window"]
      )
      for other in others
    },
  }
  slug = re.sub(r"\W+", "_", device).strip("_").lower()
  path = RESULTS / f"precisions_{slug}.json"
  path.write_text(json.dumps(result, indent=1) + "\n")
  for precision, job in jobs.items():
    mean, deviation = statistics.mean_and_deviation(job["mean_of_window"])
    seconds = ", ".join(f"{what} {spent:.0f} s" for what, spent in job["seconds"].items())
    print(f"{precision:<15}{mean:6.1f} ± {deviation:.1f}  {seconds}")
  print(path)


if __name__ == "__main__":
  app.run(main)
