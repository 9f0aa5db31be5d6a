"""Gradient steps per second against the number of runs, and against the machine's limit.

  python benchmarks/throughput.py                    # a CPU: 1 to 16 runs
  python benchmarks/throughput.py --runs=1,5,20,80   # a GPU

The limit of a CPU is the sum of the rates at which its cores multiply matrices,
each by itself and all at once; that of an accelerator, the rate of as many products
at once as there are runs. Everything is measured in one sitting, in interleaved
rounds. A rate is the median of its rounds, and a ratio the median of the ratios
within each round, so that it holds while a shared machine's speed drifts. The
result is printed and stored under benchmarks/results/: all rounds, and a plot of
the time that a gradient step of one run takes.
"""

import importlib.util
import json
import platform
import re
import resource
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import rates
import throughput_report
from absl import app, flags
from machine import device_name
from rates import ACTION_SIZE, BATCH, DELAY, OBSERVATION_SIZE, timed

from dmg_jax import cost, networks, training
from dmg_jax.envs.workers import available_cores
from dmg_jax.population import Population
from dmg_jax.types import Transitions

_RUNS = flags.DEFINE_list(
  "runs", ["1", "2", "3", "4", "5", "8", "10", "12", "16"], "Numbers of runs to measure."
)
_ROUNDS = flags.DEFINE_integer("rounds", 8, "Rounds, after one that warms up.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 96, "Gradient steps of each run in a round.")
_PRECISION = flags.DEFINE_enum(
  "precision", "float32", list(networks.PRODUCTS), "Of the matrix products."
)
_ONE_CALL = flags.DEFINE_list(
  "one_call",
  ["1", "2", "4", "5", "10"],
  "On a CPU: numbers of runs to measure in one compiled call with multi-threaded products too.",
)
_TORCH = flags.DEFINE_bool("torch", True, "Measure the PyTorch step, if it is installed.")
_OUT = flags.DEFINE_string("out", None, "JSON file of the result, default by device; plot beside.")

STEP_FLOPS = cost.step_flops(networks.PAPER, OBSERVATION_SIZE, ACTION_SIZE, BATCH, DELAY)


def one_call(runs: int, data: Transitions) -> Callable[[], float]:
  """DMG's runs in one compiled call, whose products use all cores."""
  program, state, points = rates.beginning("dmg", runs, data, _PRECISION.value)
  placed = training.place(state, points, data, program)
  cycles = _STEPS.value // DELAY
  compiled = training.advance.lower(*placed, program=program, cycles=cycles).compile()
  carried = [placed[0]]

  def advance() -> None:
    carried[0], _ = compiled(carried[0], *placed[1:])
    jax.block_until_ready(carried[0])

  return lambda: timed(cycles * DELAY * runs, advance)


def torch_steps(data: Transitions, threads: int) -> Callable[[], float]:
  """Eager PyTorch steps per second with one run."""
  import recorded_trace
  import torch
  import torch_step

  settings = recorded_trace.Settings(
    S=OBSERVATION_SIZE, A=ACTION_SIZE, B=BATCH, N=_STEPS.value, **PAPER
  )
  agent = torch_step.Agent(settings, (256, 256), torch.float32)

  def train() -> None:
    torch.set_num_threads(threads)
    agent.train(data, _STEPS.value)

  return lambda: timed(_STEPS.value, train)


PAPER: dict[str, Any] = {
  "start_step": 0,
  "mode": "offline",
  "discount": 0.99,
  "tau": 0.005,
  "policy_freq": DELAY,
  "expectile": 0.7,
  "temperature": 3.0,
  "lam": 0.25,
  "lam_end": 0.5,
  "nu": 0.1,
  "nu_end": 0.005,
  "max_weight": 3.0,
  "lr_actor_final": 3e-4,
}


def measure() -> dict[str, Any]:
  """All figures."""
  data = rates.make_data()
  counts = [int(runs) for runs in _RUNS.value]
  on_cpu = jax.default_backend() == "cpu"
  workers = available_cores()
  jobs: rates.Jobs = {
    throughput_report.ONE_CORE: rates.matmuls(1, 1, _PRECISION.value),
    throughput_report.LIMIT: rates.matmuls(
      *((workers, 1) if on_cpu else (1, max(counts))), _PRECISION.value
    ),
  }
  compile_seconds: dict[str, float] = {}
  for runs in counts:
    population = Population(*rates.beginning("dmg", runs, data, _PRECISION.value), data, workers)
    jobs[f"{runs} runs"], seconds = rates.training_of(population, _STEPS.value)
    if runs == counts[0] or not on_cpu:  # on a CPU, one program serves any number of runs
      compile_seconds[str(runs)] = seconds
    if on_cpu and str(runs) in _ONE_CALL.value:
      jobs[f"{runs} runs in one call"] = one_call(runs, data)
  with_torch = _TORCH.value and importlib.util.find_spec("torch") is not None
  if _TORCH.value and not with_torch:
    print("PyTorch is not installed (extra bench): its step is not measured")
  if with_torch:
    for threads in (1, 2):
      jobs[f"PyTorch, {threads} threads"] = torch_steps(data, threads)
  found = rates.measured(jobs, _ROUNDS.value)
  memory = jax.devices()[0].memory_stats() or {}
  packages = ("dmg_jax", "jax", "jaxlib", "flax", *(["torch"] if with_torch else []))
  return {
    "command": " ".join(["python", "benchmarks/throughput.py", *sys.argv[1:]]),
    "device": device_name(),
    "versions": {name: metadata.version(name) for name in packages}
    | {"python": platform.python_version()},
    "rounds": _ROUNDS.value,
    "steps_per_round": _STEPS.value,
    "worker_threads": workers if on_cpu else 1,
    "precision": _PRECISION.value,
    **throughput_report.ratios(found, counts, STEP_FLOPS),
    "compile_seconds": compile_seconds,
    "peak_memory_bytes": memory.get(
      "peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ),
  }


def main(_) -> None:
  result = measure()
  throughput_report.show(result)
  slug = re.sub(r"\W+", "_", result["device"]).strip("_").lower()
  slug += "" if result["precision"] == "float32" else f"_{result['precision']}"
  path = Path(_OUT.value or Path(__file__).parent / "results" / f"throughput_{slug}.json")
  path.write_text(json.dumps(result, indent=2) + "\n")
  throughput_report.draw(result, path.with_suffix(".png"))
  print(path)


if __name__ == "__main__":
  app.run(main)
