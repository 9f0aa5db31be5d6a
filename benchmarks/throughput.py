"""Gradient steps per second, beside PyTorch's and the machine's own matmul rate.

  python benchmarks/throughput.py                 # a CPU: 1, 5 and 10 runs
  python benchmarks/throughput.py --runs=1,5,20,80   # a GPU

Everything is measured in one sitting, in interleaved rounds, and each figure is
the best of its rounds, so that ratios hold while a shared machine's speed
drifts. The result is printed and stored under benchmarks/results/.
"""

import json
import platform
import re
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags

from dmg_jax import networks, training
from dmg_jax.agents import dmg
from dmg_jax.types import Hyperparameters, Transitions

_RUNS = flags.DEFINE_list("runs", ["1", "5", "10"], "Numbers of runs to measure.")
_ROUNDS = flags.DEFINE_integer("rounds", 10, "Rounds; the best counts.", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 200, "Gradient steps of each run in a round.")
_TORCH = flags.DEFINE_bool("torch", True, "Whether to measure the PyTorch step (extra bench).")
_OUT = flags.DEFINE_string("out", None, "File of the result; default by device.")

OBSERVATION_SIZE, ACTION_SIZE, BATCH, DELAY, WIDTH = 11, 3, 256, 2, 256
ROWS = 100_000
MATMULS = 1000
FORMULA = "2 m n k for each product that is needed; per step, the mean over a cycle of two"


def forward_flops(inputs: int, outputs: int) -> int:
  """Of one network on a batch: three products."""
  return 2 * BATCH * (inputs * WIDTH + WIDTH * WIDTH + WIDTH * outputs)


def backward_flops(inputs: int, outputs: int, *, weights: bool, to_inputs: bool) -> int:
  """The products for the weights' gradients and, but for the first layer, the inputs'."""
  hidden = 2 * BATCH * (WIDTH * WIDTH + WIDTH * outputs)
  first = 2 * BATCH * inputs * WIDTH
  return weights * (hidden + first) + hidden + to_inputs * first


def step_flops() -> float:
  """Floating-point operations of a gradient step in the products it needs (see `FORMULA`).

  Each step: target critics on (s, a) and (s', a'), the target actor on s', the
  value on s with its gradient and on s', the critics on (s, a) with theirs.
  Every second: the value and the actor on s, the critics on (s, pi(s)), the
  gradient through them to the action, and the actor's.
  """
  state, pair = OBSERVATION_SIZE, OBSERVATION_SIZE + ACTION_SIZE
  value, critic = forward_flops(state, 1), forward_flops(pair, 1)
  actor = forward_flops(state, ACTION_SIZE)
  each = (
    4 * critic
    + actor
    + 2 * value
    + backward_flops(state, 1, weights=True, to_inputs=False)
    + 2 * critic
    + 2 * backward_flops(pair, 1, weights=True, to_inputs=False)
  )
  # Of a first layer's gradient to its inputs, the actor needs the action's part.
  to_actions = 2 * BATCH * ACTION_SIZE * WIDTH
  through_critic = backward_flops(pair, 1, weights=False, to_inputs=False) + to_actions
  delayed = (
    value
    + actor
    + 2 * critic
    + 2 * through_critic
    + backward_flops(state, ACTION_SIZE, weights=True, to_inputs=False)
  )
  return each + delayed / DELAY


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


def ours(runs: int, data: Transitions) -> tuple[Callable[[], None], float]:
  """A call that advances every run by `--steps`, and the seconds to compile it."""
  sizes = (WIDTH, WIDTH)
  agent = dmg.make(networks.make(ACTION_SIZE, networks.Architecture(sizes, sizes, sizes)), DELAY)
  program = training.make_program(agent, runs, BATCH)
  points = jax.tree.map(lambda value: np.full(runs, value, np.float32), Hyperparameters())
  state = training.start(range(runs), agent, data)
  placed = training.place(state, points, data, program)
  started = time.perf_counter()
  compiled = training.advance.lower(
    *placed, program=program, cycles=_STEPS.value // DELAY
  ).compile()
  seconds = time.perf_counter() - started
  carried = [placed[0]]

  def advance() -> None:
    carried[0], _ = compiled(carried[0], *placed[1:])
    jax.block_until_ready(carried[0])

  return advance, seconds


def matmuls() -> Callable[[], None]:
  """A scan of float32 256 x 256 products on all cores."""
  right = jnp.asarray(np.random.default_rng(0).normal(size=(256, 256)) / 16, jnp.float32)

  @jax.jit
  def scan(left):
    product = lambda left, _: (jnp.matmul(left, right, precision="float32"), None)  # noqa: E731
    return jax.lax.scan(product, left, length=MATMULS)[0]

  return lambda: jax.block_until_ready(scan(right))


def torch_steps(data: Transitions, threads: int) -> Callable[[], None]:
  """A call that takes `--steps` eager PyTorch steps with one run."""
  import recorded_trace
  import torch
  import torch_step

  settings = recorded_trace.Settings(
    S=OBSERVATION_SIZE, A=ACTION_SIZE, B=BATCH, N=_STEPS.value, **PAPER
  )
  agent = torch_step.Agent(settings, (WIDTH, WIDTH), torch.float32)

  def train() -> None:
    torch.set_num_threads(threads)
    agent.train(data, _STEPS.value)

  return train


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


def best_seconds(jobs: dict[str, Callable[[], None]]) -> dict[str, float]:
  """Each job's fastest round; the first round of all only warms up."""
  best = dict.fromkeys(jobs, float("inf"))
  for round_number in range(_ROUNDS.value + 1):
    for name, job in jobs.items():
      started = time.perf_counter()
      job()
      if round_number:
        best[name] = min(best[name], time.perf_counter() - started)
  return best


def device_name() -> str:
  """Of the accelerator, or the processor's."""
  device = jax.devices()[0]
  if device.platform != "cpu":
    return f"{len(jax.devices())} x {device.device_kind}"
  try:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
  except OSError:
    lines = []
  models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
  return f"{len(models)} x {models[0]}" if models else platform.processor()


def measure() -> dict:
  """All figures."""
  data = make_data()
  counts = [int(runs) for runs in _RUNS.value]
  jobs: dict[str, Callable[[], None]] = {"matmul": matmuls()}
  compile_seconds = {}
  for runs in counts:
    jobs[f"{runs} runs"], compile_seconds[runs] = ours(runs, data)
  if _TORCH.value:
    for threads in (1, 2):
      jobs[f"PyTorch, {threads} threads"] = torch_steps(data, threads)
  best = best_seconds(jobs)
  rates = {runs: _STEPS.value * runs / best[f"{runs} runs"] for runs in counts}
  matmul_rate = 2 * 256**3 * MATMULS / best["matmul"]
  torch_rates = {
    name: _STEPS.value / seconds for name, seconds in best.items() if name.startswith("PyTorch")
  }
  single = rates[counts[0]]
  memory = jax.devices()[0].memory_stats() or {}
  return {
    "command": " ".join(["python", "benchmarks/throughput.py", *sys.argv[1:]]),
    "device": device_name(),
    "versions": {name: metadata.version(name) for name in ("dmg_jax", "jax", "jaxlib", "flax")}
    | ({"torch": metadata.version("torch")} if _TORCH.value else {})
    | {"python": platform.python_version()},
    "rounds": _ROUNDS.value,
    "steps_per_round": _STEPS.value,
    "flops_per_step": step_flops(),
    "flops_formula": FORMULA,
    "matmul_flops_per_second": matmul_rate,
    "steps_per_second": {str(runs): rate for runs, rate in rates.items()},
    "time_per_run_over_single": {str(runs): single / rate for runs, rate in rates.items()},
    "share_of_matmul_rate": {
      str(runs): rate * step_flops() / matmul_rate for runs, rate in rates.items()
    },
    "torch_steps_per_second": torch_rates,
    "ratio_to_torch": single / max(torch_rates.values()) if torch_rates else None,
    "compile_seconds": {str(runs): seconds for runs, seconds in compile_seconds.items()},
    "peak_memory_bytes": memory.get(
      "peak_bytes_in_use", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ),
  }


def show(result: dict) -> None:
  """Prints the table."""
  print(f"{result['device']}; jax {result['versions']['jax']}; best of {result['rounds']} rounds")
  print(f"matmul      {result['matmul_flops_per_second'] / 1e9:8.1f} GFLOP/s (float32, 256 x 256)")
  print(f"a step      {result['flops_per_step'] / 1e9:8.3f} GFLOP ({result['flops_formula']})")
  for name, rate in result["torch_steps_per_second"].items():
    print(f"{name:<20}{rate:9.1f} steps/s")
  print(f"{'':<20}{'steps/s':>9}{'of matmul':>11}{'time/run':>10}{'compile':>10}")
  for runs, rate in result["steps_per_second"].items():
    print(
      f"{'dmg_jax, ' + runs + ' runs':<20}{rate:9.1f}{result['share_of_matmul_rate'][runs]:11.2f}"
      f"{result['time_per_run_over_single'][runs]:10.2f}{result['compile_seconds'][runs]:8.1f} s"
    )
  if result["ratio_to_torch"]:
    print(f"one run against PyTorch: {result['ratio_to_torch']:.2f} times")
  print(f"peak memory {result['peak_memory_bytes'] / 2**20:.0f} MiB")


def main(_) -> None:
  result = measure()
  show(result)
  slug = re.sub(r"\W+", "_", result["device"]).strip("_").lower()
  path = Path(_OUT.value or Path(__file__).parent / "results" / f"throughput_{slug}.json")
  path.write_text(json.dumps(result, indent=2) + "\n")
  print(path)


if __name__ == "__main__":
  app.run(main)
