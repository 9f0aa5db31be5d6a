"""The losses of critics and actor as pure functions, each naming its equation."""

import jax
import jax.numpy as jnp

from dmg_jax.types import Array


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


def lower_confidence_bound(q_values: Array) -> Array:
  """Mean less standard deviation of C critics' values: (C, B) -> (B,).

  The deviation is that of the C values (divisor C), so that of two critics this is the
  smallest. Where all agree its gradient is the mean's, and not NaN.
  """
  mean = jnp.mean(q_values, axis=0)
  variance = jnp.mean(jnp.square(q_values - mean), axis=0)
  spread = variance > 0
  return mean - jnp.where(spread, jnp.sqrt(jnp.where(spread, variance, 1)), 0)


def generalised_share(
  generalised_values: Array, in_sample_values: Array, lam: Array | float
) -> Array:
  """The share of a target's bootstrap that comes from the policy's actions.

  lambda * mean|Q| / (lambda * mean|Q| + (1 - lambda) * mean|V|), of arrays (B,);
  0 where both parts are 0. The measured counterpart of Table 1's propagation.
  """
  generalised = lam * jnp.mean(jnp.abs(generalised_values))
  both = generalised + (1 - lam) * jnp.mean(jnp.abs(in_sample_values))
  return generalised / jnp.where(both > 0, both, 1)


def actor_loss(
  q_values: Array | None,
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
    q_values: (B,) min over critics at the policy's actions; None leaves the first term out.
    policy_actions: (B, A) pi(s).
    actions: (B, A) of the data.
    weights: (B,) advantage weights, held constant.
    q_coefficient: weight of the first term.
    nu: weight of the second.

  Returns:
    A scalar, with a finite gradient also where every Q is 0.
  """
  regression = nu * jnp.mean(weights[:, None] * jnp.square(policy_actions - actions))
  if q_values is None:
    return regression
  magnitude = jnp.mean(jnp.abs(jax.lax.stop_gradient(q_values)))
  scale = 1 / jnp.where(magnitude > 0, magnitude, 1)
  return -q_coefficient * scale * jnp.mean(q_values) + regression
