"""How far a policy's actions are from those of the data."""

import numpy as np
from scipy.spatial import cKDTree

_DEVIATION_FLOOR = 1e-3


def neighbours(observations: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
  """(R, count) rows whose observations are nearest to those of some rows, themselves included.

  Distances are Euclidean after each number was standardised over the data.

  Args:
    observations: (N, S) of the data.
    rows: (R,) of them.
    count: at most N.
  """
  units = (observations - observations.mean(axis=0)) / (observations.std(axis=0) + _DEVIATION_FLOOR)
  _, found = cKDTree(units).query(units[rows], k=count)
  return np.asarray(found).reshape(len(rows), count)


def distances(actions: np.ndarray, candidates: np.ndarray) -> np.ndarray:
  """(R,) Euclidean distance of each action (R, A) to the nearest of its candidates (R, K, A)."""
  return np.linalg.norm(actions[:, None] - candidates, axis=-1).min(axis=1)
