"""Actions a fixed distance from given ones, inside the box [-1, 1]^A."""

import numpy as np


def directions(actions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
  """A unit vector for each action, along which a distance of 1 stays in the box.

  Uniform on the sphere, but a component that would leave the box is turned round:
  from a place inside [-1, 1] a step of at most 1 leaves on one side only.

  Args:
    actions: (N, A) in [-1, 1].
    generator: of the draws.

  Returns:
    (N, A) float64 of Euclidean length 1.
  """
  drawn = generator.normal(size=actions.shape)
  units = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
  return np.where(np.abs(actions + units) > 1, -units, units)


def along(actions: np.ndarray, units: np.ndarray, distances: np.ndarray) -> np.ndarray:
  """(D, N, A): the actions moved by each distance.

  Args:
    actions: (N, A) in [-1, 1].
    units: (N, A), from `directions`.
    distances: (D,) in [0, 1].
  """
  return actions + distances[:, None, None] * units
