"""Whole episodes, as simulators give them and Minari stores them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

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
    options: that it was reset with, JSON-able, if any.
  """

  observations: np.ndarray
  actions: np.ndarray
  rewards: np.ndarray
  terminations: np.ndarray
  truncations: np.ndarray
  seed: int | None = None
  options: dict[str, Any] | None = None


def ends(transitions: Transitions) -> np.ndarray:
  """(N,) bool, where a row is terminal, or the following row does not go on from it."""
  following = np.asarray(transitions.observations)[1:]
  follows = (np.asarray(transitions.next_observations)[:-1] == following).all(axis=1)
  return (np.asarray(transitions.not_dones) == 0) | np.append(~follows, True)


def split(transitions: Transitions) -> list[Episode]:
  """Transitions in order of time, as episodes; `flatten` gives them back.

  Where a row that is no terminal is not followed by its next observation, the
  episode was cut: that is its truncation.
  """
  last = ends(transitions)
  terminal = np.asarray(transitions.not_dones) == 0
  episodes = []
  start = 0
  for stop in map(int, np.flatnonzero(last) + 1):
    rows = slice(start, stop)
    final = np.asarray(transitions.next_observations)[stop - 1][None]
    episodes.append(
      Episode(
        observations=np.concatenate([np.asarray(transitions.observations)[rows], final]),
        actions=np.asarray(transitions.actions)[rows],
        rewards=np.asarray(transitions.rewards)[rows],
        terminations=terminal[rows],
        truncations=last[rows] & ~terminal[rows],
      )
    )
    start = stop
  return episodes


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
