"""What a step of each method costs, and what many runs cost beside one.

  python benchmarks/family_cost.py

Measures, in interleaved rounds on data of Hopper's sizes: gradient steps per second of
each program of the family with one run for each core; DMG's with 60 runs; the time to
compile each, and the bytes that are alive with one run and with 60. A method computes
only what it uses, so the cheap ones are faster. The result goes to
benchmarks/results/family_cost.json.
"""

import json
import platform
import sys
from importlib import metadata
from typing import Any

import jax
import numpy as np
import rates
from absl import app, flags
from jobs import RESULTS
from machine import device_name

from dmg_jax import cost, methods, networks
from dmg_jax.envs.workers import available_cores
from dmg_jax.population import Population

_METHODS = flags.DEFINE_list(
  "methods", ["dmg", "xql_dmg", "awac", "iql", "xql", "sql", "td3_bc", "bc"], "To measure."
)
_MANY = flags.DEFINE_integer("many", 60, "Runs of the large population.", lower_bound=2)
_ROUNDS = flags.DEFINE_integer("rounds", 8, "Rounds, after one that warms up.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 96, "Gradient steps of each run in a round.")

_MANY_JOB = "many runs of DMG"


def alive() -> int:
  """Bytes of all arrays on the devices."""
  return sum(array.nbytes for array in jax.live_arrays())


def measure() -> dict[str, Any]:
  data, cores = rates.make_data(), available_cores()
  jobs: rates.Jobs = {}
  compile_seconds, bytes_alive = {}, {}

  def add(name: str, method: str, runs: int) -> None:
    before = alive()
    population = Population(*rates.beginning(method, runs, data), data, cores)
    jobs[name], compile_seconds[name] = rates.training_of(population, _STEPS.value)
    bytes_alive[name] = alive() - before

  for method in _METHODS.value:
    add(method, method, cores)
  add(_MANY_JOB, "dmg", _MANY.value)
  found = rates.measured(jobs, _ROUNDS.value)
  median = {name: float(np.median(values)) for name, values in found.items()}

  def ratio(name: str, other: str) -> float:
    return float(np.median(np.divide(found[name], found[other])))

  data_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(data))
  return {
    "command": " ".join(["python", "benchmarks/family_cost.py", *sys.argv[1:]]),
    "device": device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib", "flax")}
    | {"python": platform.python_version()},
    "rounds": _ROUNDS.value,
    "steps_per_round": _STEPS.value,
    "runs_of_each_method": cores,
    "gflop_per_step": {
      method: cost.step_flops(
        networks.PAPER, rates.OBSERVATION_SIZE, rates.ACTION_SIZE, rates.BATCH, rates.DELAY,
        methods.find(method).form,
      ) / 1e9
      for method in _METHODS.value
    },
    "steps_per_second": median,
    "ratio_to_dmg": {method: ratio(method, "dmg") for method in _METHODS.value},
    "many_runs": _MANY.value,
    "cost_per_run_of_many_over_one_for_each_core": ratio("dmg", _MANY_JOB),
    "compile_seconds": compile_seconds,
    "bytes_of_data": data_bytes,
    "bytes_per_run": (bytes_alive[_MANY_JOB] - data_bytes) / _MANY.value,
    "bytes_alive_with_many_runs": bytes_alive[_MANY_JOB],
    "rates_of_rounds": found,
  }  # fmt: skip


def main(_) -> None:
  result = measure()
  path = RESULTS / "family_cost.json"
  path.write_text(json.dumps(result, indent=2) + "\n")
  print(f"{'':<10}{'GFLOP/step':>11}{'steps/s':>9}{'/ DMG':>7}{'compile':>9}")
  for method in _METHODS.value:
    print(
      f"{method:<10}{result['gflop_per_step'][method]:>11.3f}"
      f"{result['steps_per_second'][method]:>9.1f}{result['ratio_to_dmg'][method]:>7.2f}"
      f"{result['compile_seconds'][method]:>8.1f}s"
    )
  print(
    f"{_MANY.value} runs cost per run {result['cost_per_run_of_many_over_one_for_each_core']:.3f} "
    f"of what {result['runs_of_each_method']} do; a run takes "
    f"{result['bytes_per_run'] / 2**20:.2f} MiB, the data {result['bytes_of_data'] / 2**20:.1f} MiB"
  )
  print(path)


if __name__ == "__main__":
  app.run(main)
