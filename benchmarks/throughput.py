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

import functools
import importlib.util
import json
import platform
import re
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import throughput_report
from absl import app, flags
from machine import device_name

from dmg_jax import cost, networks, training
from dmg_jax.agents import dmg
from dmg_jax.envs.workers import available_cores
from dmg_jax.population import Population
from dmg_jax.types import Hyperparameters, Transitions

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

OBSERVATION_SIZE, ACTION_SIZE, BATCH, DELAY, WIDTH = 11, 3, 256, 2, 256
ROWS = 100_000
MATMULS = 1000
SIZES = (WIDTH, WIDTH)
STEP_FLOPS = cost.step_flops(networks.PAPER, OBSERVATION_SIZE, ACTION_SIZE, BATCH, DELAY)

# A job does its work once and returns its rate.
Jobs = dict[str, Callable[[], float]]


def make_data() -> Transitions:
  """Random transitions of Hopper's sizes; values do not matter to speed."""
  generator = np.random.default_rng(0)
  return Transitions(
    observations=generator.normal(size=(ROWS, OBSERVATION_SIZE)).astype(np.float32),
    actions=generator.uniform(-1, 1, (ROWS, ACTION_SIZE)).astype(np.float32),
    rewards=generator.normal(size=ROWS).astype(np.float32),
    next_observations=generator.normal(size=(ROWS, OBSERVATION_SIZE)).astype(np.float32),
    not_dones=np.ones(ROWS, np.float32),
  )


def timed(work: float, job: Callable[[], Any]) -> float:
  """Work per second."""
  started = time.perf_counter()
  job()
  return work / (time.perf_counter() - started)


def beginning(runs: int, data: Transitions) -> tuple[training.Program, training.Runs, Any]:
  """Program, runs and hyperparameters at step 0."""
  architecture = networks.PAPER._replace(precision=_PRECISION.value)
  agent = dmg.make(networks.make(ACTION_SIZE, architecture), DELAY)
  points = jax.tree.map(lambda value: np.full(runs, value, np.float32), Hyperparameters())
  program = training.make_program(agent, runs, BATCH)
  return program, training.start(range(runs), agent, data), points


def ours(runs: int, data: Transitions, workers: int) -> tuple[Callable[[], float], float]:
  """Steps per second of all runs together, as a job trains them; and seconds to compile."""
  population = Population(*beginning(runs, data), data, workers)
  cycles = _STEPS.value // DELAY
  seconds = population.prepare(cycles)
  work = cycles * DELAY * runs
  return lambda: timed(work, functools.partial(population.advance, cycles)), seconds


def one_call(runs: int, data: Transitions) -> Callable[[], float]:
  """The same by one compiled call for all runs, whose products use all cores."""
  program, state, points = beginning(runs, data)
  placed = training.place(state, points, data, program)
  cycles = _STEPS.value // DELAY
  compiled = training.advance.lower(*placed, program=program, cycles=cycles).compile()
  carried = [placed[0]]

  def advance() -> None:
    carried[0], _ = compiled(carried[0], *placed[1:])
    jax.block_until_ready(carried[0])

  return lambda: timed(cycles * DELAY * runs, advance)


def matmuls(threads: int, at_once: int = 1) -> Callable[[], float]:
  """Operations per second of 256 x 256 products.

  On a CPU each thread scans by itself, with single-threaded products, all at the
  same time: the rates are added.

  Args:
    threads: of a CPU; 1 on an accelerator.
    at_once: products in a batch, on an accelerator.
  """
  shape = (256, 256) if at_once == 1 else (at_once, 256, 256)
  right = jnp.asarray(np.random.default_rng(0).normal(size=shape) / 16, jnp.float32)
  precision = networks.PRODUCTS[_PRECISION.value]

  def scan(left):
    product = lambda left, _: (jnp.matmul(left, right, precision=precision), None)  # noqa: E731
    return jax.lax.scan(product, left, length=MATMULS)[0]

  options = training.compiler_options(jax.default_backend())
  compiled = jax.jit(scan).lower(right).compile(compiler_options=options)

  def one(together: threading.Barrier) -> float:
    together.wait()
    work = 2 * 256**3 * MATMULS * at_once
    return timed(work, lambda: jax.block_until_ready(compiled(right)))

  def measure() -> float:
    with ThreadPoolExecutor(threads) as pool:
      return sum(pool.map(one, [threading.Barrier(threads)] * threads))

  return measure


def torch_steps(data: Transitions, threads: int) -> Callable[[], float]:
  """Eager PyTorch steps per second with one run."""
  import recorded_trace
  import torch
  import torch_step

  settings = recorded_trace.Settings(
    S=OBSERVATION_SIZE, A=ACTION_SIZE, B=BATCH, N=_STEPS.value, **PAPER
  )
  agent = torch_step.Agent(settings, SIZES, torch.float32)

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


def rounds(jobs: Jobs) -> dict[str, list[float]]:
  """Each job's rate in each round; the first round of all only warms up."""
  found: dict[str, list[float]] = {name: [] for name in jobs}
  for round_number in range(_ROUNDS.value + 1):
    for name, job in jobs.items():
      rate = job()
      if round_number:
        found[name].append(rate)
  return found


def measure() -> dict[str, Any]:
  """All figures."""
  data = make_data()
  counts = [int(runs) for runs in _RUNS.value]
  on_cpu = jax.default_backend() == "cpu"
  workers = available_cores()
  jobs: Jobs = {
    throughput_report.ONE_CORE: matmuls(1),
    throughput_report.LIMIT: matmuls(workers) if on_cpu else matmuls(1, max(counts)),
  }
  compile_seconds: dict[str, float] = {}
  for runs in counts:
    jobs[f"{runs} runs"], seconds = ours(runs, data, workers)
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
  found = rounds(jobs)
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
