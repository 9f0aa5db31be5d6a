"""Schedules: the actor's cosine, and the online decay of lambda and nu."""

import jax.numpy as jnp

from dmg_jax.types import Array, Hyperparameters

DECAY_FACTOR = 0.99
DECAY_INTERVAL = 1000


def cosine(count: Array, horizon: Array | float) -> Array:
  """(1 + cos(pi * count / horizon)) / 2, and 0 past the horizon.

  Args:
    count: steps taken before this one.
    horizon: steps until 0; infinite gives 1 throughout. A float whose dtype
      the result takes.
  """
  horizon = jnp.asarray(horizon)
  progress = jnp.minimum(count.astype(horizon.dtype) / horizon, 1)
  return (1 + jnp.cos(jnp.pi * progress)) / 2


def decay_online(
  start: Hyperparameters, lam_end: Array | float, nu_end: Array | float, step: Array | int
) -> Hyperparameters:
  """lambda and nu of an online gradient step (paper App. C.2).

  With r = 0.99^floor(step / 1000), lambda = lam_end - (lam_end - lambda_0) * r,
  and nu likewise: a geometric approach, a thousand steps at a time.

  Args:
    start: the hyperparameters of the offline phase.
    lam_end, nu_end: the limits (the paper: 0.5, and 1% of nu).
    step: gradient steps of the online phase including this one, from 1.
  """
  remaining = DECAY_FACTOR ** jnp.floor_divide(step, DECAY_INTERVAL)
  return start.replace(
    lam=lam_end - (lam_end - start.lam) * remaining,
    nu=nu_end - (nu_end - start.nu) * remaining,
  )
