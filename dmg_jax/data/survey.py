"""What a data set holds, and whether it is whole."""

from typing import NamedTuple

import numpy as np

from dmg_jax.data.catalog import normalised_score
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.episodes import ends

# Actions this near a bound of their box count as saturated, in shares of the box.
_EDGE = 1e-3


class Survey(NamedTuple):
  """Figures of a data set.

  Attributes:
    transitions: N.
    trajectories: stretches in which each row's next observation is the
      following row's observation.
    terminals: rows at which the environment ended an episode.
    cuts: trajectories that end without a terminal: time limits, or gaps.
    lengths: (trajectories,) steps.
    returns: (E,) of the complete episodes.
    scores: (E,), or None without reference returns.
    saturated: share of the actions' components at a bound, or None where the
      data state none.
  """

  transitions: int
  trajectories: int
  terminals: int
  cuts: int
  lengths: np.ndarray
  returns: np.ndarray
  scores: np.ndarray | None
  saturated: float | None


def survey(dataset: Dataset) -> Survey:
  """The figures of a data set."""
  transitions = dataset.transitions
  last = ends(transitions)
  terminal = np.asarray(transitions.not_dones) == 0
  saturated = None
  if dataset.action_low is not None and dataset.action_high is not None:
    margin = _EDGE * (dataset.action_high - dataset.action_low)
    actions = np.asarray(transitions.actions)
    at_bound = (actions <= dataset.action_low + margin) | (actions >= dataset.action_high - margin)
    saturated = float(at_bound.mean())
  reference = dataset.reference
  return Survey(
    transitions=len(last),
    trajectories=int(last.sum()),
    terminals=int(terminal.sum()),
    cuts=int((last & ~terminal).sum()),
    lengths=np.diff(np.flatnonzero(last), prepend=-1),
    returns=dataset.episode_returns,
    scores=None if reference is None else normalised_score(dataset.episode_returns, reference),
    saturated=saturated,
  )
