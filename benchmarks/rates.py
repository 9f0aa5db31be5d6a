"""Rates of training on data of Hopper's sizes, in interleaved rounds."""

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import methods, networks, tasks, training
from dmg_jax.population import Population
from dmg_jax.types import Hyperparameters, Transitions

OBSERVATION_SIZE, ACTION_SIZE = 11, 3
BATCH, DELAY = tasks.BATCH_SIZE, tasks.POLICY_DELAY
ROWS = 100_000
MATMULS = 1000

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


def beginning(
  method: str, runs: int, data: Transitions, precision: str = "float32", **changes: Any
) -> tuple[training.Program, training.Runs, Any]:
  """Program, runs and hyperparameters of a method at step 0, at the paper's settings.

  Args:
    method: its name.
    runs: how many.
    data: of all.
    precision: of the products.
    **changes: static fields of a run's point that are not the paper's.
  """
  static = tasks.paper_point("hopper-medium-v2") | changes
  agent = methods.agent(method, static, ACTION_SIZE, precision)
  point = methods.point(method, Hyperparameters())
  points = jax.tree.map(lambda value: np.full(runs, value, np.float32), point)
  program = training.make_program(agent, runs, static["batch_size"])
  return program, training.start(range(runs), agent, data), points


def training_of(population: Population, steps: int) -> tuple[Callable[[], float], float]:
  """Gradient steps per second of all runs together, as a job trains them.

  Args:
    population: of the runs.
    steps: of each run, each time.

  Returns:
    A job, and the seconds that it took to compile.
  """
  cycles = steps // DELAY
  seconds = population.prepare(cycles)
  work = cycles * DELAY * population.count
  return lambda: timed(work, functools.partial(population.advance, cycles)), seconds


def matmuls(threads: int, at_once: int, precision: str) -> Callable[[], float]:
  """Operations per second of 256 x 256 products.

  On a CPU each thread scans by itself, with single-threaded products, all at the
  same time: the rates are added.

  Args:
    threads: of a CPU; 1 on an accelerator.
    at_once: products in a batch, on an accelerator; 1 on a CPU.
    precision: of the products.
  """
  shape = (256, 256) if at_once == 1 else (at_once, 256, 256)
  right = jnp.asarray(np.random.default_rng(0).normal(size=shape) / 16, jnp.float32)
  algorithm = networks.PRODUCTS[precision]

  def scan(left):
    product = lambda left, _: (jnp.matmul(left, right, precision=algorithm), None)  # noqa: E731
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


def measured(jobs: Jobs, rounds: int) -> dict[str, list[float]]:
  """Each job's rate in each round; a round before the first only warms up."""
  found: dict[str, list[float]] = {name: [] for name in jobs}
  for number in range(rounds + 1):
    for name, job in jobs.items():
      rate = job()
      if number:
        found[name].append(rate)
  return found
