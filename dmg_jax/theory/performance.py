"""Theorem 3: under oracle generalisation the DMG policy is at least the in-sample one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.theory import generators
from dmg_jax.theory.contraction import Case, draw
from dmg_jax.theory.mdp import policy_value
from dmg_jax.theory.operators import (
  data_of,
  fixed_point,
  greedy,
  in_sample_fixed_point,
  maximum,
  mild_backup,
  optimal_q,
)
from dmg_jax.types import Array

_RADII = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2)
_LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0)
# Values are of the order of 10, and linear solves in float64 are exact to about 1e-14 of them.
ROUNDING = 1e-10


def compare(case: Case) -> dict[str, Array]:
  """The greedy policies of Q*_DMG over beta-tilde and of Q*_In over beta-hat, solved exactly.

  Returns:
    in_sample, mild: (S,), values of the two policies.
    mixed_value: (S,), the maximum of Q*_DMG over beta-tilde.
    improvement: (S,), the maximum of Q*_In over beta-tilde less that over beta-hat: what one
      generalised step adds.
    only_generalised: (S,), max over beta-tilde of the fixed point of T_u, u = beta-tilde.
    residual: sup norm of T_DMG Q*_DMG - Q*_DMG.
  """
  mdp, data, lam = case
  in_sample_q = in_sample_fixed_point(mdp, data)
  mild_q = fixed_point(mdp, data, lam)
  return {
    "in_sample": policy_value(mdp, greedy(in_sample_q, data.support)),
    "mild": policy_value(mdp, greedy(mild_q, data.generalised)),
    "mixed_value": maximum(mild_q, data.generalised),
    "improvement": maximum(in_sample_q, data.generalised) - maximum(in_sample_q, data.support),
    "only_generalised": maximum(fixed_point(mdp, data, 1.0), data.generalised),
    "residual": jnp.max(jnp.abs(mild_backup(mdp, mild_q, data, lam) - mild_q)),
  }


# Over a leading axis of any length, in one compiled call.
compare_many = jax.jit(jax.vmap(compare))


@jax.jit
def _mean_gap(cases: Case, radius: Array, lam: Array) -> Array:
  """V_DMG - V_In over all states and MDPs, as a share of V* - V_In."""

  def gap(case: Case) -> Array:
    data = data_of(case.mdp.actions, case.data.support, radius)
    compared = compare(Case(case.mdp, data, lam))
    best = jnp.max(optimal_q(case.mdp), axis=1)
    gained = jnp.mean(compared["mild"] - compared["in_sample"])
    return jnp.stack([gained, jnp.mean(best - compared["in_sample"])])

  gained, possible = jnp.sum(jax.vmap(gap)(cases), axis=0)
  return gained / possible


def measure(seed: int, instances: int = 10_000, swept: int = 500) -> dict[str, Any]:
  """The row of Theorem 3. To be called with float64 on.

  Args:
    seed: of all draws.
    instances: random MDPs, compared in one compiled call.
    swept: of them, for the sweep over eps_a and lambda.
  """
  cases = generators.draw_many(draw, seed, instances)
  compared = {name: np.asarray(values) for name, values in compare_many(cases).items()}
  gaps = compared["mild"] - compared["in_sample"]
  improves = compared["improvement"].max(axis=1) > ROUNDING
  strict = gaps.max(axis=1) > ROUNDING
  above = compared["mild"] - compared["mixed_value"]
  slip = compared["only_generalised"] - compared["mixed_value"]
  few = jax.tree.map(lambda leaf: leaf[:swept], cases)
  share = [
    [float(_mean_gap(few, jnp.asarray(radius), jnp.asarray(lam))) for radius in _RADII]
    for lam in _LAMBDAS
  ]
  return {
    "instances": instances,
    "states": gaps.size,
    "rewards_up_to": generators.LARGEST_REWARD,
    "worst_margin": float(gaps.min()),
    "strictly_better": int(strict.sum()),
    "equal": int((~strict).sum()),
    "equality_predicted_wrongly": int((improves != strict).sum()),
    "largest_gap": float(gaps.max()),
    "largest_residual": float(compared["residual"].max()),
    "mixed_value_below_policy": int((above.max(axis=1) > ROUNDING).sum()),
    "mixed_value_above_policy": int((above.min(axis=1) < -ROUNDING).sum()),
    "generalised_fixed_point_differs": int((slip.max(axis=1) > ROUNDING).sum()),
    "largest_fixed_point_difference": float(slip.max()),
    "sweep": {"instances": swept, "radii": _RADII, "lambdas": _LAMBDAS, "share": share},
    "gaps": np.sort(gaps.mean(axis=1))[:: max(1, instances // 200)].round(6).tolist(),
  }
