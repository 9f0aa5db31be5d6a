"""Where the runs of an online loop act, and the rows that they learn from."""

from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax.data.scaling import Scaling
from dmg_jax.data.stream import Stream
from dmg_jax.types import Transitions


class Playing(NamedTuple):
  """Where one run acts.

  Attributes:
    environments: E of one kind.
    stream: what they went through.
    scaling: between their units and the networks'.
    reward_shift: added to their rewards.
  """

  environments: Sequence[gymnasium.Env]
  stream: Stream
  scaling: Scaling
  reward_shift: float = 0.0

  def transitions(self, start: int, stop: int) -> Transitions:
    """(N, ...) those of some rounds, as the networks see them."""
    found = self.scaling.apply(self.stream.transitions(start, stop))
    return jax.tree.map(np.float32, found.replace(rewards=found.rewards + self.reward_shift))


def rows_of(shared: Transitions, playing: Sequence[Playing], offsets: np.ndarray) -> Transitions:
  """The shared rows and, from their (R + 1,) offsets on, each run's region, with what it has."""
  parts = [shared, *(one.transitions(0, one.stream.size) for one in playing)]

  def leaf(*leaves: np.ndarray) -> np.ndarray:
    # Zeros take no memory until they are written: the regions may be large, and are empty at first.
    joined = np.zeros((offsets[-1], *leaves[0].shape[1:]), leaves[0].dtype)
    for start, rows in zip([0, *offsets[:-1]], leaves, strict=True):
      joined[start : start + len(rows)] = rows
    return joined

  return jax.tree.map(leaf, *parts)


def none_shared(observation_size: int, action_size: int) -> Transitions:
  """No rows: of runs that learn from their own alone."""
  return Transitions(
    observations=np.zeros((0, observation_size), np.float32),
    actions=np.zeros((0, action_size), np.float32),
    rewards=np.zeros(0, np.float32),
    next_observations=np.zeros((0, observation_size), np.float32),
    not_dones=np.zeros(0, np.float32),
  )
