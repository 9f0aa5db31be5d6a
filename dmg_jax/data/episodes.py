"""Whole episodes, as simulators give them and Minari stores them."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from dmg_jax.types import Transitions


class Episode(NamedTuple):
  """T steps and the T + 1 observations around them.

  Attributes:
    observations: (T + 1, S).
    actions: (T, A).
    rewards: (T,).
    terminations: (T,) bool, true where the environment ended the episode.
    truncations: (T,) bool, true where a time limit cut it.
    seed: that the simulator was reset with, where it is known.
  """

  observations: np.ndarray
  actions: np.ndarray
  rewards: np.ndarray
  terminations: np.ndarray
  truncations: np.ndarray
  seed: int | None = None


def flatten(episodes: Iterable[Episode]) -> Transitions:
  """All transitions of the episodes, in order, as float32 NumPy arrays.

  A truncation drops nothing and ends nothing: the observation after it is real,
  so its transition bootstraps like any other.
  """
  episodes = list(episodes)

  def join(pieces):
    return np.concatenate([np.asarray(piece, np.float32) for piece in pieces])

  return Transitions(
    observations=join(episode.observations[:-1] for episode in episodes),
    actions=join(episode.actions for episode in episodes),
    rewards=join(episode.rewards for episode in episodes),
    next_observations=join(episode.observations[1:] for episode in episodes),
    not_dones=join(~np.asarray(episode.terminations, bool) for episode in episodes),
  )
