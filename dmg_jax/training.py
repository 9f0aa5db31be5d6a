"""Many runs, many cycles, one compiled call.

A run is a seed and a point of hyperparameters; all runs of a job lie on the
leading axis of a `Runs`, sharded over the devices that the process sees.
"""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dmg_jax import dmg
from dmg_jax.types import Array, Hyperparameters, Metrics, Networks, TrainState, Transitions

# Streams of a run's randomness: its steps count up from 0, so the last number
# is free for the initialisation.
_INITIALISATION = np.uint32(2**32 - 1)
_RUN_AXIS = "runs"
ACTIVE = -1


@struct.dataclass
class Runs:
  """The population of a job; every leaf has a leading run axis.

  Attributes:
    states: the agents.
    seeds: uint32; with the step, all that a run's randomness depends on.
    offsets, sizes: int32, the rows of the data that belong to each run.
    frozen_at: int32, the step at which a run diverged (its state is the last
      finite one before), or `ACTIVE`.
  """

  states: TrainState
  seeds: Array
  offsets: Array
  sizes: Array
  frozen_at: Array


@struct.dataclass
class Program:
  """The static part of a job: with the shapes, what decides the compilation.

  Attributes:
    batch_size: B.
    policy_delay: gradient steps in a cycle, the last with the actor.
    vectorised: whether the runs of a device advance together (`vmap`) or one
      after another; see `vectorise`.
  """

  batch_size: int = struct.field(pytree_node=False, default=256)
  policy_delay: int = struct.field(pytree_node=False, default=2)
  vectorised: bool = struct.field(pytree_node=False, default=False)


def draw(
  seed: Array, step: Array, offset: Array, size: Array, shape: tuple[int, int], dtype
) -> tuple[Array, Array]:
  """What chance decides in one gradient step of one run.

  It depends on the seed and the step alone: not on the run's place, the number
  of runs, the devices, or how the steps were divided into calls.

  Args:
    seed, step, offset, size: scalars of the run.
    shape: (B, A).
    dtype: of the noise.

  Returns:
    (B,) rows of the data, drawn uniformly with replacement from
    [offset, offset + size), and (B, A) standard normal noise.
  """
  key = jax.random.fold_in(jax.random.key(seed), step)
  rows = jax.random.randint(jax.random.fold_in(key, 0), shape[:1], 0, size) + offset
  return rows, jax.random.normal(jax.random.fold_in(key, 1), shape, dtype)


def gradient_step(
  state: TrainState,
  seed: Array,
  span: tuple[Array, Array],
  hyperparameters: Hyperparameters,
  data: Transitions,
  *,
  batch_size: int,
  update_actor: bool,
) -> tuple[TrainState, Metrics]:
  """Draws a minibatch and noise for the state's step, and takes that step.

  Args:
    state: one agent.
    seed: of its run.
    span: offset and size of the run's rows in `data`.
    hyperparameters: scalars.
    data: all transitions.
    batch_size: B.
    update_actor: see `dmg.update`.
  """
  shape = (batch_size, data.actions.shape[-1])
  rows, noise = draw(seed, state.step, *span, shape, data.actions.dtype)
  batch = jax.tree.map(lambda leaf: leaf.at[rows].get(mode="promise_in_bounds"), data)
  return dmg.update(state, batch, noise, hyperparameters, update_actor=update_actor)


def initial_state(
  seed: Array, networks: Networks, observation_size: int, action_size: int, dtype=jnp.float32
) -> TrainState:
  """The agent with which the run of a seed begins."""
  key = jax.random.fold_in(jax.random.key(seed), _INITIALISATION)
  return dmg.init(key, networks, observation_size, action_size, dtype)


def _cycle(run: Runs, hyperparameters: Hyperparameters, data: Transitions, program: Program):
  """`policy_delay` gradient steps of one run, unrolled, the last with the actor."""
  state, metrics = run.states, {}
  for position in range(program.policy_delay):
    state, metrics = gradient_step(
      state,
      run.seeds,
      (run.offsets, run.sizes),
      hyperparameters,
      data,
      batch_size=program.batch_size,
      update_actor=position == program.policy_delay - 1,
    )
  return run.replace(states=state), metrics


def _advance_run(run, hyperparameters, data, program, cycles):
  def body(carry, _):
    return _cycle(carry, hyperparameters, data, program)

  new, metrics = jax.lax.scan(body, run, length=cycles)
  metrics = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), metrics)
  return new, metrics

@functools.partial(jax.jit, static_argnames=("program", "cycles"), donate_argnums=0)
def advance(runs, hyperparameters, data, program, cycles):
  one = functools.partial(_advance_run, data=data, program=program, cycles=cycles)
  if program.vectorised:
    return jax.vmap(one)(runs, hyperparameters)
  return jax.lax.map(lambda a: one(*a), (runs, hyperparameters))
