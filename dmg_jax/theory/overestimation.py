"""Theorem 4: how far worst-case errors off the data lift the values on the data."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dmg_jax.theory import extension, generators
from dmg_jax.theory.mdp import FiniteMDP
from dmg_jax.theory.operators import Data, in_sample_backup
from dmg_jax.types import Array

_STATES, _IN_DATA, _NEIGHBOURS, _DIMENSIONS = 5, 3, 3, 2
_ASCENT_RATE = 0.5


class SmoothCase(NamedTuple):
  """A Lipschitz MDP with its data.

  Attributes:
    mdp: at actions of the data and others at the radius from one of them.
    data: beta-hat and beta-tilde; the latter takes all actions.
    lam: lambda.
    radius: eps_a.
    lipschitz: K_Q, see `generators.q_lipschitz`.
  """

  mdp: FiniteMDP
  data: Data
  lam: Array
  radius: Array
  lipschitz: Array


def draw(key: Array) -> SmoothCase:
  """A random Lipschitz MDP, eps_a in [0.02, 0.2], lambda in [0.05, 1]."""
  keys = jax.random.split(key, 4)
  model = generators.smooth_mdp(
    keys[0], _STATES, _DIMENSIONS, reward_slope=1.0, transition_slope=0.3
  )
  radius = jax.random.uniform(keys[1], minval=0.02, maxval=0.2)
  lam = jax.random.uniform(keys[2], minval=0.05)
  actions, support = generators.data_with_neighbours(
    keys[3], _STATES, _IN_DATA, _NEIGHBOURS, _DIMENSIONS, radius
  )
  return SmoothCase(
    mdp=model.at(actions),
    data=Data(support, jnp.ones_like(support)),
    lam=lam,
    radius=radius,
    lipschitz=generators.q_lipschitz(model.smoothness(), model.discount, lam, radius),
  )


def attaining_case() -> SmoothCase:
  """One state, one action of the data and one at eps_a from it: nothing else limits the error.

  R(a) = 1/2 - 2 |a| in [0, 1/2] for |a| <= 1/4, so that K_R = K_Q = 2.
  """
  mdp = FiniteMDP(
    actions=jnp.array([[[0.0], [0.125]]]),
    transitions=jnp.ones((1, 2, 1)),
    rewards=jnp.array([[0.5, 0.25]]),
    discount=jnp.array(0.9),
    initial=jnp.ones(1),
  )
  support = jnp.array([[True, False]])
  return SmoothCase(
    mdp, Data(support, jnp.ones_like(support)), jnp.array(0.25), jnp.array(0.125), jnp.array(2.0)
  )


def bound(case: SmoothCase, steps: Array) -> Array:
  """lambda eps_a K_Q gamma (1 - gamma^k) / (1 - gamma) at each k of `steps`."""
  discount = case.mdp.discount
  limit = case.lam * case.radius * case.lipschitz * discount / (1 - discount)
  return limit * (1 - discount**steps)


def in_sample_iterates(case: SmoothCase, steps: int) -> Array:
  """Q_In^k, (steps + 1, S, A), from Q^0 = 0; at all actions."""

  def step(q, _):
    q = in_sample_backup(case.mdp, q, case.data)
    return q, q

  start = jnp.zeros_like(case.mdp.rewards)
  return jnp.concatenate([start[None], jax.lax.scan(step, start, None, length=steps)[1]])


def mild_iterates(case: SmoothCase, shares: Array) -> Array:
  """Q^_DMG^k, (K + 1, S, A), from Q^0 = 0 on the data, and any errors off it.

  Args:
    case: the MDP.
    shares: (K + 1, S, A) in [0, 1], the errors of each iterate, see `extension.extend`. Those
      of the last are not bootstrapped from.
  """
  actions, support = case.mdp.actions, case.data.support
  start = extension.extend(
    jnp.zeros_like(case.mdp.rewards), actions, support, case.lipschitz, shares[0]
  )

  def step(q, share):
    q = extension.approximate_backup(case.mdp, q, case.data, case.lam, case.lipschitz, share)
    return q, q

  return jnp.concatenate([start[None], jax.lax.scan(step, start, shares[1:])[1]])


def excess(case: SmoothCase, shares: Array) -> Array:
  """Q^_DMG^k - Q_In^k, (K + 1, S, A); off the data it is 0 by convention."""
  difference = mild_iterates(case, shares) - in_sample_iterates(case, len(shares) - 1)
  return jnp.where(case.data.support, difference, 0)


def ascend(case: SmoothCase, logits: Array, iterations: int) -> Array:
  """Errors that lift the values on the data most, found by gradient ascent (Adam).

  Args:
    case: the MDP.
    logits: (K + 1, S, A), where the search starts; shares are their sigmoids.
    iterations: of Adam.

  Returns:
    (K + 1, S, A), shares.
  """
  optimiser = optax.adam(_ASCENT_RATE)

  def loss(logits):
    return -jnp.sum(excess(case, jax.nn.sigmoid(logits)))

  def step(carry, _):
    logits, state = carry
    updates, state = optimiser.update(jax.grad(loss)(logits), state)
    return (optax.apply_updates(logits, updates), state), None

  start = (logits, optimiser.init(logits))
  (logits, _), _ = jax.lax.scan(step, start, None, length=iterations)
  return jax.nn.sigmoid(logits)


def margins(case: SmoothCase, shares: Array) -> dict[str, Array]:
  """How far Theorem 4 is from failing for given errors.

  Returns:
    upper: min over k and the data of bound - excess. lower: min of the excess. share: of the
    bound at the last k, the most over the data. steepness: the largest |Q^(a) - Q^(b)| / |a - b|
    over iterates and pairs of actions, as a share of K_Q.
  """
  shape = (-1, 1, 1)
  difference = excess(case, shares)
  limits = bound(case, jnp.arange(len(shares))).reshape(shape)
  on_data = case.data.support
  iterates = mild_iterates(case, shares)
  apart = extension.distances(case.mdp.actions)
  rises = jnp.abs(iterates[:, :, :, None] - iterates[:, :, None, :])
  slopes = jnp.where(apart > 0, rises / jnp.where(apart > 0, apart, 1), 0)
  return {
    "upper": jnp.min(jnp.where(on_data, limits - difference, jnp.inf)),
    "lower": jnp.min(jnp.where(on_data, difference, jnp.inf)),
    "share": jnp.max(difference[-1]) / limits[-1, 0, 0],
    "steepness": jnp.max(slopes) / case.lipschitz,
  }


def _random_shares(key: Array, steps: int) -> Array:
  actions = _IN_DATA * (1 + _NEIGHBOURS)
  return jax.random.uniform(key, (steps + 1, _STATES, actions))


def measure(
  seed: int, instances: int = 1000, searched: int = 30, steps: int = 30, iterations: int = 300
) -> dict[str, Any]:
  """The row of Theorem 4. To be called with float64 on.

  Args:
    seed: of all draws.
    instances: random Lipschitz MDPs, with random errors and with the largest extension.
    searched: of them, with errors found by gradient ascent too.
    steps: backups, K.
    iterations: of the ascent.
  """
  cases = generators.draw_many(draw, seed, instances)
  assert np.isfinite(np.asarray(cases.lipschitz)).all()  # so are slopes and radii chosen
  random = generators.draw_many(partial(_random_shares, steps=steps), seed + 1, instances)
  few = jax.tree.map(lambda leaf: leaf[:searched], cases)
  # All errors start upward: where none is, the maximum lies on the data and the gradient is 0.
  start = jnp.abs(jnp.log(random[:searched]) - jnp.log1p(-random[:searched]))
  found = jax.jit(jax.vmap(partial(ascend, iterations=iterations)))(few, start)
  measured = jax.jit(jax.vmap(margins))
  of_random, of_largest = measured(cases, random), measured(cases, jnp.ones_like(random))
  of_found = measured(few, found)
  every = [of_random, of_largest, of_found]
  attaining = attaining_case()
  attained = margins(attaining, jnp.ones((steps + 1, 1, 2)))
  found_share, largest_share = (np.asarray(of["share"]) for of in (of_found, of_largest))
  return {
    "instances": instances,
    "searched": searched,
    "iterations": iterations,
    "backups": steps,
    "worst_margin": float(min(np.min(of["upper"]) for of in every)),
    "worst_margin_below": float(min(np.min(of["lower"]) for of in every)),
    "largest_steepness": float(max(np.max(of["steepness"]) for of in every)),
    "share_of_bound": {
      "random": _summary(of_random["share"]),
      "ascent": _summary(found_share),
      "largest_extension": _summary(largest_share),
      "largest_extension_where_searched": _summary(largest_share[:searched]),
    },
    "ascent_beyond_largest_extension": float((found_share - largest_share[:searched]).max()),
    "attaining_share": float(attained["share"]),
    "shown": _shown(few, random, found, int(np.argmax(found_share)), steps),
  }


def _summary(shares: Array) -> dict[str, float]:
  return {"mean": float(np.mean(shares)), "most": float(np.max(shares))}


def _shown(cases: SmoothCase, random: Array, found: Array, place: int, steps: int) -> dict:
  """The curves of one MDP, at the state and action of the data that the ascent lifted most."""
  case = jax.tree.map(lambda leaf: leaf[place], cases)
  lifted = np.asarray(excess(case, found[place]))
  state, action = np.unravel_index(np.argmax(lifted[-1]), lifted[-1].shape)
  at = (slice(None), int(state), int(action))
  # The random errors of many MDPs are as many errors for this one.
  sampled = np.asarray(jax.vmap(partial(excess, case))(random[:200]))[:, :, state, action]
  in_sample = np.asarray(in_sample_iterates(case, steps))[at]
  largest = np.asarray(excess(case, jnp.ones_like(found[place])))[at]
  curves = {
    "in_sample": in_sample,
    "bound": in_sample + np.asarray(bound(case, jnp.arange(steps + 1))),
    "ascent": in_sample + lifted[at],
    "largest_extension": in_sample + largest,
    "random_lowest": in_sample + sampled.min(axis=0),
    "random_highest": in_sample + sampled.max(axis=0),
  }
  numbers = {
    "discount": float(case.mdp.discount),
    "lam": float(case.lam),
    "radius": float(case.radius),
    "lipschitz": float(case.lipschitz),
  }
  return numbers | {name: curve.round(6).tolist() for name, curve in curves.items()}
