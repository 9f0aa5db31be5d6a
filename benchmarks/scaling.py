"""What a run costs against the number of runs, of devices, and the precision of products.

  python benchmarks/scaling.py                                     # a CPU: 1 to 64 runs
  python benchmarks/scaling.py --runs=1,5,20,80,320 --work=100000 \\
    --precisions=float32,tensorfloat32,bfloat16                    # a GPU

The devices of a CPU are worker threads, one for each core (`dmg_jax.population`). A series is
measured in interleaved rounds, beside the rate at which the same devices multiply matrices. The
result and its plot go to benchmarks/results/scaling_DEVICE.json after each series.
"""

import json
import platform
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np
import rates
import scaling_figure
from absl import app, flags
from machine import device_name

from dmg_jax import cost, networks
from dmg_jax.envs.workers import available_cores
from dmg_jax.population import Population

_RUNS = flags.DEFINE_list("runs", ["1", "2", "4", "8", "16", "32", "64"], "Numbers of runs.")
_WORKERS = flags.DEFINE_list(
  "workers", None, "Numbers of worker threads on a CPU; default 1 and the number of cores."
)
_PRECISIONS = flags.DEFINE_list("precisions", ["float32"], "Of the matrix products.")
_WORK = flags.DEFINE_integer(
  "work", 1024, "Gradient steps of all runs together in a round, at least 16 for each."
)
_ROUNDS = flags.DEFINE_integer("rounds", 4, "Rounds, after one that warms up.", lower_bound=1)
_OUT = flags.DEFINE_string("out", None, "JSON file of the result; default by device. Plot beside.")

# A multiple of the turns of a population's chunk, in whole cycles.
_LEAST = 16
_LIMIT = "products"


def steps_of(runs: int, work: int) -> int:
  """Gradient steps of each run in a round."""
  return max(_LEAST, work // runs // _LEAST * _LEAST)


def measure(
  counts: Sequence[int], threads: int, precision: str, work: int, rounds: int
) -> dict[str, Any]:
  """One series.

  Args:
    counts: numbers of runs.
    threads: worker threads on a CPU; an accelerator has 1.
    precision: of the products.
    work: see the flag.
    rounds: see the flag.
  """
  data = rates.make_data()
  at_once = 1 if jax.default_backend() == "cpu" else max(counts)
  jobs: rates.Jobs = {_LIMIT: rates.matmuls(threads, at_once, precision)}
  compilation: dict[int, float] = {}
  bytes_of_run = 0
  for runs in counts:
    program, state, points = rates.beginning("dmg", runs, data, precision)
    population = Population(program, state, points, data, threads)
    bytes_of_run = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) // runs
    jobs[str(runs)], compilation[runs] = rates.training_of(population, steps_of(runs, work))
  found = rates.measured(jobs, rounds)
  step_flops = cost.step_flops(
    networks.PAPER, rates.OBSERVATION_SIZE, rates.ACTION_SIZE, rates.BATCH, rates.DELAY
  )
  return {
    "workers": threads,
    "precision": precision,
    "bytes_of_run": bytes_of_run,
    "matmul_flops_per_second": float(np.median(found[_LIMIT])),
    "runs": [_row(found, runs, compilation[runs], step_flops) for runs in counts],
  }


def _row(
  found: Mapping[str, Sequence[float]], runs: int, compile_seconds: float, step_flops: float
) -> dict[str, Any]:
  """What was measured with a number of runs; the share is the median within rounds."""
  mine = found[str(runs)]
  return {
    "runs": runs,
    "steps_per_second": float(np.median(mine)),
    "rates_of_rounds": list(mine),
    "share_of_matmul_rate": float(np.median(np.divide(mine, found[_LIMIT]))) * step_flops,
    "compile_seconds": compile_seconds,
  }


def show(series: Mapping[str, Any]) -> None:
  """Prints a series."""
  print(f"{series['workers']} workers, {series['precision']} products")
  print(f"  {'runs':>5}{'steps/s':>10}{'ms/step/run':>13}{'of matmul':>11}{'compile':>9}")
  for row in series["runs"]:
    rate = row["steps_per_second"]
    print(
      f"  {row['runs']:>5}{rate:>10,.0f}{1000 / rate:>13.3f}"
      f"{row['share_of_matmul_rate']:>11.2f}{row['compile_seconds']:>7.1f} s",
      flush=True,
    )


def main(_: Sequence[str]) -> None:
  device, on_cpu = device_name(), jax.default_backend() == "cpu"
  cores = sorted({1, available_cores()}) if on_cpu else [1]
  workers = [int(n) for n in _WORKERS.value] if _WORKERS.value else cores
  slug = re.sub(r"\W+", "_", device).strip("_").lower()
  path = Path(_OUT.value or Path(__file__).parent / "results" / f"scaling_{slug}.json")
  result: dict[str, Any] = {
    "command": " ".join(["python", "benchmarks/scaling.py", *sys.argv[1:]]),
    "device": device,
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib", "flax")}
    | {"python": platform.python_version()},
    "rounds": _ROUNDS.value,
    "work": _WORK.value,
    # Programs that were compiled before are read from there, in less time.
    "compilation_cache": bool(jax.config.values["jax_compilation_cache_dir"]),
    "series": [],
  }
  counts = [int(runs) for runs in _RUNS.value]
  for threads in workers:
    for precision in _PRECISIONS.value:
      series = measure(counts, threads, precision, _WORK.value, _ROUNDS.value)
      show(series)
      result["series"].append(series)
      memory = jax.devices()[0].memory_stats() or {}
      result["peak_memory_bytes"] = memory.get(
        "peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
      )
      # What there is, should the next take longer than there is time.
      path.write_text(json.dumps(result, indent=1) + "\n")
      scaling_figure.draw(result, path.with_suffix(".png"))
  print(path)


if __name__ == "__main__":
  app.run(main)
