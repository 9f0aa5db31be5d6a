"""Training many runs of a study at once, from their first step to their last."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from dmg_jax import training
from dmg_jax.types import Agent, Array, Parameters, Transitions

# A training is so many calls of one compiled program.
_CALLS = 5


class Trained(NamedTuple):
  """What training gave.

  Attributes:
    policies: parameters, leading axis R.
    metrics: (R,) each, means over the last steps.
    updates_per_second: gradient steps of all runs together, without compilation.
    updates_per_processor_second: the same by the time of the processor, whatever else runs.
    diverged: (R,) whether a number stopped being finite.
  """

  policies: Parameters
  metrics: dict[str, np.ndarray]
  updates_per_second: float
  updates_per_processor_second: float
  diverged: np.ndarray


def train(
  agent: Agent,
  seeds: Sequence[int],
  hyperparameters: Any,
  data: Transitions,
  spans: Sequence[tuple[int, int]],
  *,
  batch_size: int,
  steps: int,
  side_by_side: bool,
) -> Trained:
  """Trains R runs through `training.advance`.

  Args:
    agent: of all runs; static.
    seeds: (R,).
    hyperparameters: scalars, or leaves (R,).
    data: of all runs.
    spans: (offset, size) of each run's rows.
    batch_size: B.
    steps: gradient steps of each run, a multiple of 5 cycles.
    side_by_side: whether the runs advance together (`vmap`), which pays for small
      networks, or one after another.
  """
  count = len(seeds)
  leaves = jax.tree.map(
    lambda leaf: np.broadcast_to(np.asarray(leaf, np.float32), count), hyperparameters
  )
  # A seed's first parameters are the same in all of its runs.
  distinct, places = np.unique(np.asarray(seeds), return_inverse=True)
  first = training.start(distinct.tolist(), agent, data)
  offsets, sizes = np.array(spans, np.int32).T
  runs = jax.tree.map(lambda leaf: leaf[places], first).replace(offsets=offsets, sizes=sizes)
  mesh = Mesh(np.array(jax.devices()[:1]), ("runs",))
  program = training.Program(agent, batch_size, side_by_side, mesh)
  placed = training.place(runs, leaves, data, program)
  cycles, rest = divmod(steps, _CALLS * agent.cycle)
  if rest:
    raise ValueError(f"{steps} steps are not {_CALLS} calls of whole cycles")
  runs, leaves, data = placed
  ends = []
  for _ in range(_CALLS):
    runs, metrics = jax.block_until_ready(training.advance(runs, leaves, data, program, cycles))
    ends.append((time.perf_counter(), time.process_time()))
  # The first call compiles.
  later = count * (steps - steps // _CALLS)
  seconds, processor_seconds = np.subtract(ends[-1], ends[0])
  return Trained(
    policies=jax.vmap(agent.policy)(runs.states),
    metrics=jax.tree.map(np.asarray, metrics),
    updates_per_second=float(later / seconds),
    updates_per_processor_second=float(later / processor_seconds),
    diverged=np.asarray(runs.frozen_at) != training.ACTIVE,
  )


def supervised(observations: Array, targets: Array) -> Transitions:
  """Samples (N, S) with targets (N, A), for `agents.distillation`."""
  rows = len(observations)
  return Transitions(
    observations=np.asarray(observations, np.float32),
    actions=np.asarray(targets, np.float32),
    rewards=np.zeros(rows, np.float32),
    next_observations=np.asarray(observations, np.float32),
    not_dones=np.zeros(rows, np.float32),
  )
