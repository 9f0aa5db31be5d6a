"""Theorem 2: T_DMG contracts on the generalised area, and what lambda does to generalisation."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.theory import generators
from dmg_jax.theory.mdp import FiniteMDP
from dmg_jax.theory.operators import Data, data_of, fixed_point, mild_backup
from dmg_jax.types import Array

_STATES, _ACTIONS, _DIMENSIONS = 6, 12, 2
_SHOWN_STEPS = 20
# gamma and lambda of the MDP in the picture.
_SHOWN_DISCOUNT, _SHOWN_LAMBDA = 0.9, 0.25


class Case(NamedTuple):
  """A random MDP with its data.

  Attributes:
    mdp: without structure.
    data: beta-hat and beta-tilde.
    lam: lambda.
  """

  mdp: FiniteMDP
  data: Data
  lam: Array


def draw(key: Array) -> Case:
  """A random MDP, data on a third of its actions, eps_a in [0, 1], lambda in [0, 1]."""
  keys = jax.random.split(key, 4)
  mdp = generators.random_mdp(keys[0], _STATES, _ACTIONS, _DIMENSIONS)
  support = generators.random_support(keys[1], _STATES, _ACTIONS, share=0.3)
  radius = jax.random.uniform(keys[2])
  return Case(mdp, data_of(mdp.actions, support, radius), jax.random.uniform(keys[3]))


def norm(q: Array, mask: Array) -> Array:
  """The sup norm of Q over a mask."""
  return jnp.max(jnp.where(mask, jnp.abs(q), 0))


def contraction_ratio(case: Case, first: Array, second: Array) -> Array:
  """|T_DMG Q1 - T_DMG Q2| / |Q1 - Q2|, sup norms over the generalised area."""
  before = norm(first - second, case.data.generalised)
  images = [mild_backup(case.mdp, q, case.data, case.lam) for q in (first, second)]
  return norm(images[0] - images[1], case.data.generalised) / before


def _random_pairs(key: Array, pairs: int) -> tuple[Array, Array]:
  """(N, S, A) twice: half of the pairs independent, half one above the other.

  Where one lies above the other the maxima differ alike, which is when the ratio is largest.
  """
  keys = jax.random.split(key, 4)
  shape = (pairs // 2, _STATES, _ACTIONS)
  first = 10 * jax.random.normal(keys[0], (2, *shape))
  apart = 10 * jax.random.normal(keys[1], shape)
  above = first[1] + jax.random.uniform(keys[2], shape, minval=0.8)
  return first.reshape(-1, *shape[1:]), jnp.concatenate([apart, above])


def _contracts(case: Case, first: Array, second: Array) -> dict[str, Array]:
  """The largest ratio over pairs of Q (N, S, A), and that of a constant shift."""
  ratios = jax.vmap(partial(contraction_ratio, case))(first, second)
  return {"ratio": jnp.max(ratios), "shift": contraction_ratio(case, first[0], first[0] + 1)}


def _converges(case: Case, starts: Array, steps: int) -> dict[str, Array]:
  """How far iterates from first Q (N, S, A) end from the fixed point of policy iteration."""
  fixed = fixed_point(case.mdp, case.data, case.lam)
  backup = jax.vmap(lambda q: mild_backup(case.mdp, q, case.data, case.lam))
  end = jax.lax.fori_loop(0, steps, lambda _, q: backup(q), starts)
  residual = mild_backup(case.mdp, fixed, case.data, case.lam) - fixed
  return {
    "distance": jnp.max(jnp.abs(end - fixed)),
    "residual": norm(residual, case.data.generalised),
  }


def follow_perturbation(case: Case, size: Array | float, steps: int) -> tuple[Array, Array]:
  """How an error of the generalised values off the data lives on.

  The values off the data are raised by `size` above the fixed point once, and T_DMG is applied.

  Returns:
    two arrays (steps + 1,), sup norms of the distance to the fixed point: of all generalised
    values, and of those off the data when those on the data are held at the fixed point, so
    that only generalisation carries the error on.
  """
  mdp, data, lam = case
  fixed = fixed_point(mdp, data, lam)
  outside = data.generalised & ~data.support

  def step(carry, _):
    free, held = carry
    free = mild_backup(mdp, free, data, lam)
    held = jnp.where(data.support, fixed, mild_backup(mdp, held, data, lam))
    return (free, held), distances(free, held)

  def distances(free, held):
    return norm(free - fixed, data.generalised), norm(held - fixed, outside)

  start = fixed + jnp.where(outside, size, 0)
  _, norms = jax.lax.scan(step, (start, start), None, length=steps)
  first = distances(start, start)
  free, held = (
    jnp.concatenate([head[None], tail]) for head, tail in zip(first, norms, strict=True)
  )
  return free, held


def _propagates(case: Case, steps: int) -> dict[str, Array]:
  """How far both norms exceed lambda gamma^k and (lambda gamma)^k, the most over k."""
  free, held = follow_perturbation(case, 1.0, steps)
  powers = jnp.arange(1, steps + 1)
  discount, lam = case.mdp.discount, case.lam
  # Some draws have no generalised action off the data, hence nothing to follow.
  return {
    "perturbed": free[0] > 0,
    "free": jnp.max(free[1:] - lam * discount**powers),
    "held": jnp.max(held[1:] - (lam * discount) ** powers),
  }


def attaining_case(case: Case, lam: Array | float) -> Case:
  """Changed so that the best action is off the data everywhere and none moves the state."""
  support = jnp.arange(_ACTIONS) < _ACTIONS // 2
  support = jnp.broadcast_to(support, (_STATES, _ACTIONS))
  same = jnp.broadcast_to(case.mdp.transitions[:, :1], case.mdp.transitions.shape)
  mdp = case.mdp.replace(
    transitions=same,
    rewards=jnp.where(support, 0, 0.5) + case.mdp.rewards / 2,
    discount=jnp.asarray(_SHOWN_DISCOUNT),
  )
  return Case(mdp, Data(support, jnp.ones_like(support)), jnp.asarray(lam))


def measure(
  seed: int, instances: int = 4000, pairs: int = 32, starts: int = 8, steps: int = 800
) -> dict[str, Any]:
  """The row of Theorem 2. To be called with float64 on.

  Args:
    seed: of all draws.
    instances: random MDPs for the ratios; a tenth of them for the fixed points.
    pairs: of random Q for each.
    starts: random first Q for each fixed point.
    steps: backups from there.
  """
  cases = generators.draw_many(draw, seed, instances)
  first, second = generators.draw_many(partial(_random_pairs, pairs=pairs), seed + 1, instances)
  ratios = jax.jit(jax.vmap(_contracts))(cases, first, second)
  few = jax.tree.map(lambda leaf: leaf[: max(1, instances // 10)], cases)
  far = 10 * first[: len(few.lam), :starts]
  fixed = jax.jit(jax.vmap(partial(_converges, steps=steps)))(few, far)
  spread = jax.jit(jax.vmap(partial(_propagates, steps=10)))(cases)
  perturbed = np.asarray(spread["perturbed"])
  discounts, ratio = np.asarray(cases.mdp.discount), np.asarray(ratios["ratio"])
  one = jax.tree.map(lambda leaf: leaf[0], cases)
  follow = jax.jit(lambda lam: follow_perturbation(attaining_case(one, lam), 1.0, _SHOWN_STEPS))
  shown = {str(lam): follow(lam) for lam in (_SHOWN_LAMBDA, 1.0)}
  return {
    "instances": instances,
    "pairs": instances * pairs,
    "worst_margin": float((discounts - ratio).min()),
    "largest_share_of_discount": float((ratio / discounts).max()),
    "constant_shift_share_of_discount": float((np.asarray(ratios["shift"]) / discounts).min()),
    "fixed_points": len(few.lam),
    "starts": starts,
    "backups": steps,
    "farthest_end": float(np.max(fixed["distance"])),
    "largest_residual": float(np.max(fixed["residual"])),
    "perturbed_instances": int(perturbed.sum()),
    "largest_excess_free": float(np.asarray(spread["free"])[perturbed].max()),
    "largest_excess_held": float(np.asarray(spread["held"])[perturbed].max()),
    "shown": {
      "discount": _SHOWN_DISCOUNT,
      "lam": _SHOWN_LAMBDA,
      "free": {lam: np.asarray(norms[0]).tolist() for lam, norms in shown.items()},
      "held": {lam: np.asarray(norms[1]).tolist() for lam, norms in shown.items()},
    },
    "ratios": {
      "discount": discounts[:400].round(4).tolist(),
      "ratio": ratio[:400].round(4).tolist(),
    },
  }
