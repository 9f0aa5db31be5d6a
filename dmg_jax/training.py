"""Many runs of any agent, many cycles, one compiled call.

A run is a seed, a point of hyperparameters and a span of the data; the runs of
a population lie on the leading axis of a `Runs`.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dmg_jax import experience
from dmg_jax.types import Agent, Array, Metrics, Transitions

# Streams of a run's randomness: its steps count up from 0, so the last number
# is free for the initialisation.
INITIALISATION = np.uint32(2**32 - 1)
_RUN_AXIS = "runs"
ACTIVE = -1


class Runs(struct.PyTreeNode):
  """Runs of one agent; every leaf has a leading run axis.

  Attributes:
    states: of the agent; any pytree with a `step`.
    seeds: uint32; with the step, all that a run's randomness depends on.
    offsets, sizes: int32, the rows of the data that each run is given.
    frozen_at: int32, the step at which a run diverged (its state is the last
      finite one before), or `ACTIVE`.
    own: the rows that each run collected itself; None offline.
  """

  states: Any
  seeds: Array
  offsets: Array
  sizes: Array
  frozen_at: Array
  own: experience.Region | None = None


@dataclasses.dataclass(frozen=True)
class Program:
  """The static part of a population: with the shapes, what decides the compilation.

  Attributes:
    agent: the algorithm.
    batch_size: B.
    vectorised: whether the runs of a device advance together (`vmap`) or one
      after another; see `vectorise`.
    mesh: the devices.
    symmetric: whether half of a minibatch is of the run's own rows, see
      `experience.draw`.
  """

  agent: Agent
  batch_size: int
  vectorised: bool
  mesh: Mesh
  symmetric: bool = False


def gradient_step(
  run: Runs, hyperparameters: Any, data: Transitions, program: Program, *, update_actor: bool
) -> tuple[Runs, Metrics]:
  """Draws a minibatch and noise for a run's step, and takes that step.

  Args:
    run: one run; leaves without a run axis.
    hyperparameters: of the agent; scalars.
    data: all transitions.
    program: static.
    update_actor: whether the step is the last of a cycle. Static.
  """
  agent = program.agent
  rows, noise = experience.draw(
    run.seeds,
    run.states.step,
    experience.Span(run.offsets, run.sizes, run.own),
    program.batch_size,
    agent.noise_shape(program.batch_size, data.actions.shape[-1]),
    data.actions.dtype,
    program.symmetric,
  )
  state, metrics = agent.update(
    run.states, experience.take(data, rows), noise, hyperparameters, update_actor=update_actor
  )
  return run.replace(states=state), metrics


@functools.partial(jax.jit, static_argnames=("agent", "observation_size", "action_size", "dtype"))
def initial_state(
  seed: Array, agent: Agent, observation_size: int, action_size: int, dtype=jnp.float32
) -> Any:
  """The agent's state with which the run of a seed begins."""
  key = jax.random.fold_in(jax.random.key(seed), INITIALISATION)
  return agent.init(key, observation_size, action_size, dtype)


def _part(
  run: Runs, hyperparameters: Any, data: Transitions, program: Program, positions: range
) -> tuple[Runs, Metrics]:
  """Some positions of a cycle of gradient steps of one run, unrolled; the metrics of the last."""
  metrics: Metrics = {}
  for position in positions:
    run, metrics = gradient_step(
      run, hyperparameters, data, program, update_actor=position == program.agent.cycle - 1
    )
  return run, metrics


def _finite(tree) -> Array:
  """Whether every number in a tree is finite."""
  # Reductions of single leaves, joined at the end, would be fused into one another again and
  # again: that was three quarters of the program's instructions.
  leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
  return jnp.all(jnp.isfinite(jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])))


def _advance_run(
  run: Runs, hyperparameters: Any, data: Transitions, program: Program, phase: int, steps: int
) -> tuple[Runs, Metrics]:
  """`steps` gradient steps of one run, which freezes where they do not stay finite."""
  cycle = program.agent.cycle
  lead = min(steps, -phase % cycle)
  cycles, rest = divmod(steps - lead, cycle)
  # Of the steps that end a cycle: leaves (number of them,).
  found: list[Metrics] = []
  advanced = run
  if lead:
    advanced, metrics = _part(advanced, hyperparameters, data, program, range(phase, phase + lead))
    if phase + lead == cycle:
      found.append(jax.tree.map(lambda leaf: leaf[None], metrics))
  if cycles:

    def body(run, _):
      return _part(run, hyperparameters, data, program, range(cycle))

    advanced, metrics = jax.lax.scan(body, advanced, length=cycles)
    found.append(metrics)
  if rest:
    advanced, _ = _part(advanced, hyperparameters, data, program, range(rest))
  means: Metrics = {}
  if found:
    means = jax.tree.map(lambda *leaves: jnp.mean(jnp.concatenate(leaves), axis=0), *found)
  finite = _finite((advanced.states, means))
  active = run.frozen_at == ACTIVE
  kept = jax.tree.map(lambda new, old: jnp.where(active & finite, new, old), advanced, run)
  frozen_at = jnp.where(active & ~finite, run.states.step, run.frozen_at)
  return kept.replace(frozen_at=frozen_at), means


@functools.partial(jax.jit, static_argnames=("program", "cycles"), donate_argnums=0)
def advance(
  runs: Runs, hyperparameters: Any, data: Transitions, program: Program, cycles: int
) -> tuple[Runs, Metrics]:
  """Takes `cycles` cycles of gradient steps with every run.

  A run in which a number stops being finite keeps the state that it came with,
  and its `frozen_at` holds that state's step; the others are not affected.

  Args:
    runs: from `place`; donated.
    hyperparameters: leaves with a leading run axis.
    data: all transitions, float32 (or float64 for checks), replicated.
    program: static.
    cycles: static; one compilation for each number.

  Returns:
    The runs, and metrics with a leading run axis, each the mean over the last
    steps of the cycles.
  """
  return _advance(runs, hyperparameters, data, program, 0, cycles * program.agent.cycle)


@functools.partial(jax.jit, static_argnames=("program", "phase", "steps"), donate_argnums=0)
def advance_steps(
  runs: Runs, hyperparameters: Any, data: Transitions, program: Program, phase: int, steps: int
) -> tuple[Runs, Metrics]:
  """Takes `steps` gradient steps with every run, which need not be whole cycles.

  Args:
    runs, hyperparameters, data, program: as of `advance`.
    phase: steps of the cycle that were taken before. Static, as `steps`: one
      compilation for each pair.

  Returns:
    As `advance`; no metrics, if no cycle ends.
  """
  return _advance(runs, hyperparameters, data, program, phase, steps)


def _advance(
  runs: Runs, hyperparameters: Any, data: Transitions, program: Program, phase: int, steps: int
) -> tuple[Runs, Metrics]:
  chex.assert_equal_shape_prefix(jax.tree.leaves((runs, hyperparameters)), 1)
  chex.assert_equal_shape_prefix(jax.tree.leaves(data), 1)

  def block(runs, hyperparameters, data):
    def one(run, hyperparameters):
      return _advance_run(run, hyperparameters, data, program, phase, steps)

    if program.vectorised:
      return jax.vmap(one)(runs, hyperparameters)
    return jax.lax.map(lambda pair: one(*pair), (runs, hyperparameters))

  split, whole = PartitionSpec(_RUN_AXIS), PartitionSpec()
  return jax.shard_map(
    block,
    mesh=program.mesh,
    in_specs=(split, split, whole),
    out_specs=split,
    check_vma=False,
  )(runs, hyperparameters, data)


def vectorise(backend: str, runs_per_device: int) -> bool:
  """Whether a device's runs should advance together: the fixed rule.

  A CPU's cores are busy with one run's products already, so its runs take turns
  and the time per run does not grow with them; accelerators need the width.
  """
  return backend != "cpu" and runs_per_device > 1


def compiler_options(platform: str) -> dict[str, str | bool]:
  """Of a program whose calls are spread over a CPU's cores: one thread for each."""
  return {"xla_cpu_multi_thread_eigen": False} if platform == "cpu" else {}


def make_program(
  agent: Agent,
  runs: int,
  batch_size: int,
  devices: Sequence[jax.Device] | None = None,
  symmetric: bool = False,
) -> Program:
  """The program for a number of runs on some devices (all of this process, if not given)."""
  devices = jax.local_devices() if devices is None else devices
  return Program(
    agent=agent,
    batch_size=batch_size,
    vectorised=vectorise(devices[0].platform, -(-runs // len(devices))),
    mesh=Mesh(np.array(devices), (_RUN_AXIS,)),
    symmetric=symmetric,
  )


def start(
  seeds: Sequence[int],
  agent: Agent,
  data: Transitions,
  spans: Sequence[tuple[int, int]] | None = None,
) -> Runs:
  """Fresh runs, one for each seed, as NumPy arrays.

  Args:
    seeds: R integers from 0 to 2^32 - 1.
    agent: of all runs.
    data: that they will learn from.
    spans: (offset, size) of each run's rows; all rows, if not given.
  """
  seed_array = np.array(seeds, np.uint32)
  rows, observation_size = data.observations.shape
  spans = [(0, rows)] * len(seeds) if spans is None else spans
  offsets, sizes = np.array(spans, np.int32).T
  # One by one: a seed's first parameters are the same in any company, and one compilation
  # serves any number.
  states = [
    jax.device_get(
      initial_state(seed, agent, observation_size, data.actions.shape[1], data.actions.dtype)
    )
    for seed in seed_array
  ]
  return Runs(
    states=jax.tree.map(lambda *leaves: np.stack(leaves), *states),
    seeds=seed_array,
    offsets=offsets,
    sizes=sizes,
    frozen_at=np.full(len(seeds), ACTIVE, np.int32),
  )


def place(
  runs: Runs, hyperparameters: Any, data: Transitions, program: Program
) -> tuple[Runs, Any, Transitions]:
  """Lays runs over the program's devices, and the data on each of them.

  Where the runs do not divide, frozen copies of the last fill up; `gather`
  leaves them out again.
  """
  devices = program.mesh.size
  padding = -len(runs.seeds) % devices

  def pad(leaf):
    leaf = np.asarray(leaf)
    return np.concatenate([leaf, np.repeat(leaf[-1:], padding, axis=0)])

  runs, hyperparameters = jax.tree.map(pad, (runs, hyperparameters))
  dummy = np.arange(len(runs.seeds)) >= len(runs.seeds) - padding
  runs = runs.replace(frozen_at=np.where(dummy, 0, runs.frozen_at).astype(np.int32))
  split = NamedSharding(program.mesh, PartitionSpec(_RUN_AXIS))
  whole = NamedSharding(program.mesh, PartitionSpec())
  return (
    jax.device_put(runs, split),
    jax.device_put(hyperparameters, split),
    jax.device_put(data, whole),
  )


def gather(tree, count: int):
  """The first `count` runs of a tree, as NumPy arrays: what `place` was given.

  They are copies: what is made of them does not see later, donating calls.
  """
  return jax.tree.map(lambda leaf: np.array(leaf)[:count], tree)
