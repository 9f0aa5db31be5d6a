"""In-sample learners: a loss of V on the data's actions, and the weights that belong to it.

All see u = Q(s, a) - V(s) of the data's actions, with Q the smallest target critic.
Their V lies between the mean and the largest Q of the data's actions. `Learner`s are
static: a method has one (`dmg_jax.methods`).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from dmg_jax.types import Array, Hyperparameters

# Largest exponents, as in the authors' codes of XQL and of EQL.
_GUMBEL_CLIP, _EXPONENTIAL_CLIP = 7.0, 5.0


def expectile_loss(difference: Array, expectile: Array | float) -> Array:
  """|tau - 1(u < 0)| * u^2, elementwise (paper Eq. 15, after IQL, arXiv 2110.06169).

  Args:
    difference: u, regression target minus prediction, any shape.
    expectile: tau in (0, 1); 0.5 is half the squared error.
  """
  weight = jnp.where(difference < 0, 1 - expectile, expectile)
  return weight * jnp.square(difference)


def gumbel_loss(difference: Array, temperature: Array | float) -> Array:
  """(e^z - z - 1) e^-m with z = min(u / beta, 7): Gumbel regression (XQL, arXiv 2301.02328).

  m is the batch's largest z, at least -1, and held constant: it keeps the
  exponentials finite, and scales the gradient alone. Where z is not cut, the
  optimum is V = beta log E exp(Q / beta).

  Args:
    difference: (B,) u.
    temperature: beta > 0, in units of return; towards 0, V becomes the largest Q.

  Returns:
    (B,).
  """
  z = jnp.minimum(difference / temperature, _GUMBEL_CLIP)
  largest = _largest(z)
  return jnp.exp(z - largest) - (z + 1) * jnp.exp(-largest)


def sparse_loss(difference: Array, values: Array, temperature: Array | float) -> Array:
  """1(y > 0) y^2 + V / alpha with y = 1 + u / (2 alpha) (SQL, arXiv 2303.15810).

  At the optimum E[max(y, 0)] = 1.

  Args:
    difference: (B,) u.
    values: (B,) V.
    temperature: alpha > 0, in units of return; towards 0, V becomes the largest Q.

  Returns:
    (B,).
  """
  return jnp.square(jnp.maximum(1 + difference / (2 * temperature), 0)) + values / temperature


def exponential_loss(difference: Array, values: Array, temperature: Array | float) -> Array:
  """(e^z + V / alpha) e^-m with z = min(u / alpha, 5) (EQL, arXiv 2303.15810).

  m is as in `gumbel_loss`, and so is the optimum where z is not cut.

  Args:
    difference: (B,) u.
    values: (B,) V.
    temperature: alpha > 0, in units of return.

  Returns:
    (B,).
  """
  z = jnp.minimum(difference / temperature, _EXPONENTIAL_CLIP)
  largest = _largest(z)
  return jnp.exp(z - largest) + jnp.exp(-largest) * values / temperature


def exponential_weights(
  advantages: Array, inverse_temperature: Array | float, weight_clip: Array | float
) -> Array:
  """min(exp(alpha * A), clip): density of reshaped over plain behaviour (paper Eq. 13)."""
  return jnp.minimum(jnp.exp(inverse_temperature * advantages), weight_clip)


def sparse_weights(advantages: Array, weight_clip: Array | float) -> Array:
  """min(max(A, 0), clip): SQL's, which drop every action that is not better than V."""
  return jnp.clip(advantages, 0, weight_clip)


class Learner(NamedTuple):
  """An in-sample learner.

  Attributes:
    loss: (target Q (B,), V (B,), hyperparameters) -> scalar, to be minimised over V.
    weights: (advantages (B,), hyperparameters) -> (B,), not negative.
    fields: the hyperparameters that they use, beside `weight_clip`.
  """

  loss: Callable[[Array, Array, Hyperparameters], Array]
  weights: Callable[[Array, Hyperparameters], Array]
  fields: frozenset[str]


EXPECTILE = Learner(
  lambda target_q, values, h: jnp.mean(expectile_loss(target_q - values, h.expectile)),
  lambda advantages, h: exponential_weights(advantages, h.inverse_temperature, h.weight_clip),
  frozenset({"expectile", "inverse_temperature"}),
)
GUMBEL = Learner(
  lambda target_q, values, h: jnp.mean(gumbel_loss(target_q - values, h.value_temperature)),
  lambda advantages, h: exponential_weights(advantages, h.inverse_temperature, h.weight_clip),
  frozenset({"value_temperature", "inverse_temperature"}),
)
SPARSE = Learner(
  lambda target_q, values, h: jnp.mean(sparse_loss(target_q - values, values, h.value_temperature)),
  lambda advantages, h: sparse_weights(advantages, h.weight_clip),
  frozenset({"value_temperature"}),
)
EXPONENTIAL = Learner(
  lambda target_q, values, h: jnp.mean(
    exponential_loss(target_q - values, values, h.value_temperature)
  ),
  # The authors' code weighs with ten times the inverse of the temperature.
  lambda advantages, h: exponential_weights(advantages, 10 / h.value_temperature, h.weight_clip),
  frozenset({"value_temperature"}),
)


def _largest(z: Array) -> Array:
  """The batch's largest z, at least -1, held constant."""
  return jax.lax.stop_gradient(jnp.maximum(jnp.max(z), -1))
