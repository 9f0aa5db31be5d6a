"""Finite groups that act on observations and actions by matrices."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.types import Array

_TOLERANCE = 1e-9


class Group(NamedTuple):
  """A finite group; hashable, hence static under `jax.jit`.

  Attributes:
    observations: an S x S orthogonal matrix for each element, as nested tuples; the
      identity first.
    actions: an A x A matrix for each.
  """

  observations: tuple
  actions: tuple

  @property
  def order(self) -> int:
    """How many elements it has."""
    return len(self.observations)


def group(observations: Sequence[np.ndarray], actions: Sequence[np.ndarray]) -> Group:
  """A group from its elements' matrices, checked.

  Args:
    observations: (G, S, S).
    actions: (G, A, A).

  Raises:
    UserError: where the matrices are not orthogonal, the identity is not the first, an
      inverse or a product of two elements is missing, or the counts differ.
  """
  parts = np.asarray(observations, float), np.asarray(actions, float)
  if len(parts[0]) != len(parts[1]) or not len(parts[0]):
    raise UserError(
      f"a group has {len(parts[0])} matrices for observations and {len(parts[1])} for actions; "
      "give one of each for each element"
    )
  for name, matrices in zip(("observations", "actions"), parts, strict=True):
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
      raise UserError(f"the group's matrices for {name} are {matrices.shape}, not square")
    identity = np.eye(matrices.shape[1])
    if np.abs(matrices @ np.swapaxes(matrices, 1, 2) - identity).max() > _TOLERANCE:
      raise UserError(f"the group's matrices for {name} are not orthogonal")
    if np.abs(matrices[0] - identity).max() > _TOLERANCE:
      raise UserError("the first element of a group is the identity; put it there")
  elements = [
    np.concatenate([part[place].ravel() for part in parts]) for place in range(len(parts[0]))
  ]
  for first in range(len(elements)):
    inverse = np.concatenate([part[first].T.ravel() for part in parts])
    if not _among(inverse, elements):
      raise UserError(f"element {first} has no inverse among the {len(elements)}: no group")
    for second in range(len(elements)):
      product = np.concatenate([(part[first] @ part[second]).ravel() for part in parts])
      if not _among(product, elements):
        raise UserError(f"the product of elements {first} and {second} is missing: no group")
  return Group(*(tuple(tuple(map(tuple, matrix)) for matrix in part.tolist()) for part in parts))


def _among(element: np.ndarray, elements: Sequence[np.ndarray]) -> bool:
  return any(np.abs(element - other).max() <= _TOLERANCE for other in elements)


@functools.cache
def rotations(order: int, vectors: int, actions: int) -> Group:
  """The group C_n of plane rotations by multiples of 360 / n degrees.

  Args:
    order: n.
    vectors: how many plane vectors an observation consists of.
    actions: size of the actions, which stay as they are.
  """
  angles = 2 * np.pi * np.arange(order) / order
  small = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
  if order in (1, 2, 4):  # whole numbers: no rounding
    small = [np.round(matrix) for matrix in small]
  return group([np.kron(np.eye(vectors), m) for m in small], [np.eye(actions)] * order)


def signed_permutation(places: Sequence[int], signs: Sequence[int]) -> np.ndarray:
  """The matrix that takes x to y with y[i] = signs[i] x[places[i]].

  Raises:
    UserError: where places are no permutation, or signs are not 1 or -1.
  """
  size = len(places)
  if sorted(places) != list(range(size)) or len(signs) != size or set(signs) - {1, -1}:
    raise UserError(
      f"places {list(places)} with signs {list(signs)} are no signed permutation: name each of "
      f"0 to {size - 1} once, with a sign 1 or -1"
    )
  matrix = np.zeros((size, size))
  matrix[np.arange(size), list(places)] = signs
  return matrix


def check_size(of: Group, observation_size: int) -> None:
  """Refuses observations that a group does not act on.

  Raises:
    UserError: naming both sizes.
  """
  size = len(of.observations[0])
  if size != observation_size:
    raise UserError(f"observations have {observation_size} numbers, but the group acts on {size}")


def picks(noise: Array, order: int) -> Array:
  """(B,) int32: elements drawn uniformly, 0 included, from standard normal noise (B,)."""
  share = jax.scipy.stats.norm.cdf(noise)
  return jnp.minimum((share * order).astype(jnp.int32), order - 1)


@functools.cache
def turner(of: Group) -> Callable[[Array, Array], Array]:
  """(observations (B, S), noise (B,)) -> observations, each under the element that its noise picks.

  Equal groups give the same object, so that agents made with it compile once.
  """

  def turn(observations: Array, noise: Array) -> Array:
    matrices = jnp.asarray(of.observations, observations.dtype)
    chosen = matrices[picks(noise, of.order)]
    return jnp.einsum("bij,bj->bi", chosen, observations, precision="highest")

  return turn
