"""A replay buffer on the device, for the online loop."""

import jax
import jax.numpy as jnp
from flax import struct

from dmg_jax.types import Array, Transitions


class Replay(struct.PyTreeNode):
  """Transitions in order of arrival.

  Attributes:
    transitions: arrays of fixed capacity; rows from `size` on are unused.
    size: int32, rows in use.
  """

  transitions: Transitions
  size: Array


def empty(capacity: int, observation_size: int, action_size: int) -> Replay:
  """A float32 replay without transitions."""

  def zeros(*shape):
    return jnp.zeros((capacity, *shape), jnp.float32)

  transitions = Transitions(
    observations=zeros(observation_size),
    actions=zeros(action_size),
    rewards=zeros(),
    next_observations=zeros(observation_size),
    not_dones=zeros(),
  )
  return Replay(transitions, jnp.zeros((), jnp.int32))


def add(replay: Replay, transitions: Transitions) -> Replay:
  """The replay with N more rows; the caller keeps within its capacity.

  Donate the replay where this is jitted: otherwise every call copies it.
  """
  rows = len(transitions.rewards)
  joined = jax.tree.map(
    lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, replay.size, axis=0),
    replay.transitions,
    transitions,
  )
  return Replay(joined, replay.size + rows)
