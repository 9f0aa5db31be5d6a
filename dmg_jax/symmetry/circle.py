"""Counter-example 1 of arXiv 2607.02288: a CMDP on the circle, exact.

A state is an angle. Action 0 ends the episode with reward r; actions 1 and 2 do
nothing. So Q* = [r, gamma r, gamma r] at every angle. Training has the angles 0, 90,
180 and 270 degrees, the test has 45.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.types import Array

REWARD, DISCOUNT = 1.0, 0.95
TRAINING_ANGLES = (0.0, 90.0, 180.0, 270.0)
TEST_ANGLE = 45.0
ACTIONS = 3
# Half the diagonal of a square, less half its side: how far the rotated pair gets
# beyond Q* half-way between two training angles, as a share of eta.
_EXCESS = (np.sqrt(2) - 1) / 2


def check(eta: float, reward: float, discount: float) -> None:
  """Refuses numbers that make no problem.

  Raises:
    UserError: for a negative eta, a reward that is not positive, or a discount outside [0, 1).
  """
  if not eta >= 0:
    raise UserError(f"the pessimism eta is {eta}, but it is a distance: give 0 or more")
  if not reward > 0:
    raise UserError(f"the reward r is {reward}, but action 0 must pay: give a positive number")
  if not 0 <= discount < 1:
    raise UserError(f"the discount gamma is {discount}: give a number from 0 up to, not with, 1")


def position(angles: Array) -> Array:
  """(..., 2): the observation of angles in degrees, on the unit circle."""
  radians = jnp.deg2rad(angles)
  return jnp.stack([jnp.cos(radians), jnp.sin(radians)], axis=-1)


def rotated_target(
  angles: Array, eta: Array | float, reward: float = REWARD, discount: float = DISCOUNT
) -> Array:
  """(..., 3): the pessimistic values that are not symmetric, at any angle.

  The pair of sub-optimal values turns with the angle about (gamma r - eta / 2) twice.
  Between the training angles this is what an exactly equivariant network predicts.

  Args:
    angles: (...), degrees.
    eta: the largest pessimism, in the unit of the reward.
    reward: r.
    discount: gamma.
  """
  turned = jnp.deg2rad(jnp.asarray(angles) + 45)
  centre, radius = discount * reward - eta / 2, eta / jnp.sqrt(2.0)
  best = jnp.full_like(turned, reward)
  pair = centre + radius * jnp.cos(turned), centre + radius * jnp.sin(turned)
  return jnp.stack([best, *pair], axis=-1)


def symmetric_target(
  angles: Array, eta: Array | float, reward: float = REWARD, discount: float = DISCOUNT
) -> Array:
  """(..., 3): the values with eta taken off both sub-optimal actions, at every angle alike."""
  best = jnp.full_like(jnp.asarray(angles), reward)
  worse = jnp.full_like(best, discount * reward - eta)
  return jnp.stack([best, worse, worse], axis=-1)


def greedy_return(values: Array, reward: float = REWARD) -> Array:
  """(...): the return of the greedy policy: r if it ends the episode, 0 if it loops for ever.

  Args:
    values: (..., 3); of equal values the first counts as greedy.
    reward: r.
  """
  return jnp.where(jnp.argmax(values, axis=-1) == 0, reward, 0.0)


def threshold(reward: float = REWARD, discount: float = DISCOUNT) -> float:
  """The eta beyond which the rotated target fails at 45 degrees: (1 - gamma) r / 0.2071...

  There, action 2 has gamma r + eta (sqrt(2) - 1) / 2, and beats r.
  """
  return float((1 - discount) * reward / _EXCESS)


def crossing(
  reward: float = REWARD, discount: float = DISCOUNT, angle: float = TEST_ANGLE
) -> float:
  """The eta at which the greedy policy of the rotated target fails first, by bisection.

  Computed from `rotated_target` and `greedy_return` alone, in the precision of JAX.
  """
  low, high = 0.0, 2 * threshold(reward, discount)
  for _ in range(200):
    middle = (low + high) / 2
    values = rotated_target(jnp.asarray(angle), middle, reward, discount)
    if float(greedy_return(values, reward)) > 0:
      low = middle
    else:
      high = middle
  return (low + high) / 2


def table(eta: float) -> list[dict[str, Any]]:
  """Both targets at the training angles and at the test angle, with their greedy returns."""
  rows = []
  for angle in (*TRAINING_ANGLES, TEST_ANGLE):
    row: dict[str, Any] = {"angle": angle}
    for name, target in (("symmetric", symmetric_target), ("rotated", rotated_target)):
      values = target(jnp.asarray(angle), eta)
      row[name] = np.asarray(values).tolist()
      row[f"{name}_return"] = float(greedy_return(values))
    rows.append(row)
  return rows
