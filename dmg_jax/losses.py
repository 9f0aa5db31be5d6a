"""The losses of DMG as pure functions, each naming its equation."""

import jax
import jax.numpy as jnp

from dmg_jax.types import Array


def expectile_loss(difference: Array, expectile: Array | float) -> Array:
  """|tau - 1(u < 0)| * u^2, elementwise (paper Eq. 15, after IQL).

  Args:
    difference: u, regression target minus prediction, any shape.
    expectile: tau in (0, 1); 0.5 is half the squared error.
  """
  weight = jnp.where(difference < 0, 1 - expectile, expectile)
  return weight * jnp.square(difference)


def bellman_target(
  rewards: Array,
  not_dones: Array,
  generalised_values: Array,
  in_sample_values: Array,
  lam: Array | float,
  discount: Array | float,
) -> Array:
  """r + gamma * (1 - d) * [lam * Q(s', pi(s')) + (1 - lam) * V(s')] (Eq. 16).

  All arrays are (B,). `lam` is the mildness of propagation: 0 bootstraps from
  the data's actions alone (IQL), 1 from the policy's (TD3).
  """
  mixture = lam * generalised_values + (1 - lam) * in_sample_values
  return rewards + discount * not_dones * mixture


def advantage_weights(
  advantages: Array, inverse_temperature: Array | float, weight_clip: Array | float
) -> Array:
  """min(exp(alpha * A), clip): density of reshaped over plain behaviour (Eq. 13)."""
  return jnp.minimum(jnp.exp(inverse_temperature * advantages), weight_clip)


def actor_loss(
  q_values: Array,
  policy_actions: Array,
  actions: Array,
  weights: Array,
  q_coefficient: Array | float,
  nu: Array | float,
) -> Array:
  """-q_coefficient * mean(Q) / mean|Q| + nu * mean(w * (pi(s) - a)^2) (Eq. 14).

  The log-likelihood of Eq. 14 is a squared error, as the policy is
  deterministic, averaged over the action's dimensions too; the scale
  1 / mean|Q|, held constant, is that of the authors' code.

  Args:
    q_values: (B,) min over critics at the policy's actions.
    policy_actions: (B, A) pi(s).
    actions: (B, A) of the data.
    weights: (B,) advantage weights, held constant.
    q_coefficient: weight of the first term.
    nu: weight of the second.

  Returns:
    A scalar, with a finite gradient also where every Q is 0.
  """
  magnitude = jnp.mean(jnp.abs(jax.lax.stop_gradient(q_values)))
  scale = 1 / jnp.where(magnitude > 0, magnitude, 1)
  regression = weights[:, None] * jnp.square(policy_actions - actions)
  return -q_coefficient * scale * jnp.mean(q_values) + nu * jnp.mean(regression)
