"""What a run learns from: rows that runs may share and, online, a region of its own."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from dmg_jax.types import Array, Transitions


class Region(struct.PyTreeNode):
  """Rows that runs collected themselves; every leaf has a leading run axis.

  Attributes:
    offsets: int32, the first row of each run's region in the data.
    sizes: int32, rows in use.
  """

  offsets: Array
  sizes: Array


class Span(NamedTuple):
  """The rows of one run; scalars.

  Attributes:
    offset, size: of the rows that it may share with other runs; size 0 is none.
    own: its region, or None.
  """

  offset: Array
  size: Array
  own: Region | None = None


def draw(
  seed: Array,
  step: Array,
  span: Span,
  batch_size: int,
  noise_shape: tuple[int, ...],
  dtype,
  symmetric: bool = False,
) -> tuple[Array, Array]:
  """What chance decides in one gradient step of one run.

  It depends on the seed and the step alone: not on the run's place, the number
  of runs, the devices, or how the steps were divided into calls.

  Args:
    seed, step: scalars of the run.
    span: the run's rows, at least one.
    batch_size: B.
    noise_shape: of the agent.
    dtype: of the noise.
    symmetric: whether half of the rows are shared ones and half of the run's own
      (Ball et al. 2023, arXiv 2302.02948); neither may be empty. Static.

  Returns:
    (B,) rows of the data, drawn uniformly with replacement from all rows of the
    span, and standard normal noise.
  """
  key = jax.random.fold_in(jax.random.key(seed), step)
  keys = [jax.random.fold_in(key, number) for number in range(3)]
  noise = jax.random.normal(keys[1], noise_shape, dtype)
  if span.own is None:
    return jax.random.randint(keys[0], (batch_size,), 0, span.size) + span.offset, noise
  if symmetric:
    shared = jax.random.randint(keys[0], (batch_size // 2,), 0, span.size) + span.offset
    own = jax.random.randint(keys[2], (batch_size - batch_size // 2,), 0, span.own.sizes)
    return jnp.concatenate([shared, own + span.own.offsets]), noise
  places = jax.random.randint(keys[0], (batch_size,), 0, span.size + span.own.sizes)
  own = places - span.size + span.own.offsets
  return jnp.where(places < span.size, places + span.offset, own), noise


def take(data: Transitions, rows: Array) -> Transitions:
  """The minibatch of some rows, all of which exist."""
  return jax.tree.map(lambda leaf: leaf.at[rows].get(mode="promise_in_bounds"), data)


def append(
  data: Transitions, own: Region, transitions: Transitions, active: Array
) -> tuple[Transitions, Region]:
  """The data with new rows in each run's region, and the regions grown by them.

  Donate data and regions where this is jitted: otherwise every call copies them.

  Args:
    data: of all runs.
    own: their regions.
    transitions: leaves (R, N, ...): N new rows of each run, within its capacity.
    active: (R,) bool; the rows of other runs are left out.
  """
  count = transitions.rewards.shape[1]
  rows = (own.offsets + own.sizes)[:, None] + jnp.arange(count, dtype=jnp.int32)
  rows = jnp.where(active[:, None], rows, len(data.rewards))
  joined = jax.tree.map(lambda old, new: old.at[rows].set(new, mode="drop"), data, transitions)
  return joined, own.replace(sizes=own.sizes + count * active.astype(jnp.int32))
