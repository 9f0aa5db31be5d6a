"""What each assumption buys: for each, a case in which it fails and the statement with it."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.theory import extension, generators, lower_bound, overestimation
from dmg_jax.theory.contraction import Case, draw
from dmg_jax.theory.mdp import FiniteMDP, expected_return, policy_value
from dmg_jax.theory.one_step import Constants, constants, gradient
from dmg_jax.theory.one_step import draw as draw_network
from dmg_jax.theory.operators import (
  Data,
  data_of,
  fixed_point,
  greedy,
  in_sample_fixed_point,
  mild_backup,
)
from dmg_jax.types import Array

_LAMBDAS = (0.0, 0.25, 0.5, 1.0)


def extrapolated_iterates(
  lam: Array | float, beyond: Array | float, discount: Array | float, steps: int
) -> Array:
  """Values of a learner that extrapolates linearly beyond the data, (steps + 1,).

  In the first state action 0 ends the task without reward and action 1 stays with reward 1;
  the data hold both. A generalised action lies `beyond` past action 1, where the learner
  believes Q(1) + beyond (Q(1) - Q(0)); in truth it is as good as action 1. So the believed
  values grow by the factor gamma (1 + lambda beyond) a backup.

  Returns:
    Q(s, 1) at each backup, from 0.
  """
  mdp = FiniteMDP(
    actions=jnp.array([[[0.0], [1.0], [1 + beyond]]] * 2),
    transitions=jnp.array([[[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0]] * 3]),
    rewards=jnp.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]),
    discount=discount,
    initial=jnp.array([1.0, 0.0]),
  )
  support = jnp.array([[True, True, False]] * 2)
  data = Data(support, jnp.ones_like(support))

  def believe(q: jax.Array) -> jax.Array:
    return q.at[:, 2].set(q[:, 1] + beyond * (q[:, 1] - q[:, 0]))

  def step(q, _):
    q = believe(jnp.asarray(mild_backup(mdp, q, data, lam)))
    return q, q[0, 1]

  _, values = jax.lax.scan(step, jnp.zeros((2, 3)), None, length=steps)
  return jnp.concatenate([jnp.zeros(1), values])


def misled_value(case: Case, noise: Array) -> Array:
  """V_DMG - V_In (S,), if Q*_DMG is off by some noise (S, A) at generalised actions."""
  q = fixed_point(case.mdp, case.data, case.lam)
  believed = q + jnp.where(case.data.support, 0, noise)
  policy = greedy(believed, case.data.generalised)
  in_sample = greedy(in_sample_fixed_point(case.mdp, case.data), case.data.support)
  return policy_value(case.mdp, policy) - policy_value(case.mdp, in_sample)


def stuck_returns(radii: Array, lam: float) -> dict[str, list[float]]:
  """J of both policies where the data's only action is poor and a good one is near.

  One state; R = 0.2 at the data's action 0 and 1 at the action 0.3; gamma = 0.9.
  """
  mdp = FiniteMDP(
    actions=jnp.array([[[0.0], [0.3]]]),
    transitions=jnp.ones((1, 2, 1)),
    rewards=jnp.array([[0.2, 1.0]]),
    discount=jnp.array(0.9),
    initial=jnp.ones(1),
  )
  support = jnp.array([[True, False]])

  def returns(radius: Array) -> tuple[Array, Array]:
    data = data_of(mdp.actions, support, radius)
    mild = greedy(fixed_point(mdp, data, lam), data.generalised)
    in_sample = greedy(in_sample_fixed_point(mdp, data), data.support)
    return expected_return(mdp, mild), expected_return(mdp, in_sample)

  mild, in_sample = jax.vmap(returns)(radii)
  return {"mild": mild.tolist(), "in_sample": in_sample.tolist()}


def cliff_loss(radius: float) -> float:
  """J lost by a step of `radius` off the data onto a state without reward: no K_P holds.

  One good action in the data; whatever is not that action ends all reward. An error off the
  data as small as K_Q eps_a makes the policy step there.
  """
  mdp = FiniteMDP(
    actions=jnp.array([[[0.0], [radius]]] * 2),
    transitions=jnp.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]),
    rewards=jnp.array([[1.0, 1.0], [0.0, 0.0]]),
    discount=jnp.array(0.9),
    initial=jnp.array([1.0, 0.0]),
  )
  support = jnp.array([[True, False]] * 2)
  data = Data(support, jnp.ones_like(support))
  q = in_sample_fixed_point(mdp, data)
  policy = extension.misled(q, -q, mdp.actions, data, 1.0)
  return float(expected_return(mdp, greedy(q, support)) - expected_return(mdp, policy))


def _spikes(case: overestimation.SmoothCase, size: Array, steps: int) -> Array:
  """The most of excess / bound when values off the data exceed the nearest's by `size` K_Q eps_a.

  With size = 1 they are as Thm 4 allows, beyond that not Lipschitz.
  """
  apart = extension.distances(case.mdp.actions)
  nearest = jnp.argmin(jnp.where(case.data.support[:, None, :], apart, jnp.inf), axis=2)
  lift = jnp.where(case.data.support, 0, size * case.lipschitz * case.radius)

  def step(q, _):
    q = mild_backup(case.mdp, q, case.data, case.lam)
    q = jnp.take_along_axis(q, nearest, axis=1) + lift
    return q, q

  _, iterates = jax.lax.scan(step, lift, None, length=steps)
  excess = iterates - overestimation.in_sample_iterates(case, steps)[1:]
  limits = overestimation.bound(case, jnp.arange(1, steps + 1))[:, None, None]
  return jnp.max(jnp.where(case.data.support, excess / limits, -jnp.inf))


def _other_start(case: overestimation.SmoothCase, below: Array) -> Array:
  """Q^_DMG^1 - Q_In^1, the least over the data, if DMG starts from a Q^0 that is lower."""
  start = jnp.full_like(case.mdp.rewards, -below)
  mild = mild_backup(case.mdp, start, case.data, case.lam)
  difference = mild - overestimation.in_sample_iterates(case, 1)[1]
  return jnp.min(jnp.where(case.data.support, difference, jnp.inf))


def _first_factors(functions, parameters, state, action) -> dict[str, Array]:
  """C1 of Theorem 1: the largest at 4 / g_max^2, and the smallest anywhere on the actions."""
  del functions
  found: Constants = constants(parameters, jnp.eye(len(state)))
  here = gradient(parameters, state, action)
  places = jnp.linspace(-2, 2, 41)[:, None]
  there = jax.vmap(lambda place: gradient(parameters, state, place))(places)
  products = there @ here / jnp.square(found.gradient)
  return {"fast": 4 * jnp.max(products), "far": jnp.min(products)}


def measure(seed: int, instances: int = 1000, networks: int = 50) -> dict[str, Any]:
  """A row for each assumption, and the curves of the two that are drawn.

  Args:
    seed: of all draws.
    instances: random MDPs where a case has any.
    networks: for those of Theorem 1.
  """
  beyond, discount, steps = 0.2, 0.9, 60
  curves = {
    str(lam): np.asarray(extrapolated_iterates(lam, beyond, discount, steps)) for lam in _LAMBDAS
  }
  cases = generators.draw_many(draw, seed, instances)
  noise = jax.random.normal(jax.random.key(seed + 1), cases.mdp.rewards.shape)
  mislead = jax.jit(jax.vmap(misled_value))
  losses = np.asarray(mislead(cases, 3 * noise)).min(axis=1)
  held = np.asarray(mislead(cases, 0 * noise)).min(axis=1)
  radii = np.linspace(0, 0.6, 13)
  smooth = generators.draw_many(overestimation.draw, seed, instances)
  spike = jax.jit(jax.vmap(partial(_spikes, steps=40), in_axes=(0, None)))
  start = jax.jit(jax.vmap(_other_start, in_axes=(0, None)))
  drawn = generators.draw_many(lambda key: draw_network(key, 32), seed, networks)
  factors = jax.jit(lambda drawn: jax.lax.map(lambda one: _first_factors(*one), drawn))(drawn)
  truth = 1 / (1 - discount)
  return {
    "extrapolation": {
      "beyond": beyond,
      "discount": discount,
      "truth": truth,
      "growth": {str(lam): discount * (1 + lam * beyond) for lam in _LAMBDAS},
      "curves": {lam: curve.round(4).tolist() for lam, curve in curves.items()},
    },
    "misled": {
      "instances": instances,
      "worse_with_oracle": int((held < -1e-10).sum()),
      "worse_without": int((losses < -1e-10).sum()),
      "worst_without": float(losses.min()),
    },
    "stuck": {"radii": radii.round(3).tolist(), "lam": 0.25} | stuck_returns(radii, 0.25),
    "spikes": {
      "instances": instances,
      "share_at_1": float(np.max(spike(smooth, 1.0))),
      "share_at_3": float(np.max(spike(smooth, 3.0))),
    },
    "other_start": {
      "instances": instances,
      "lowest_same": float(np.min(start(smooth, 0.0))),
      "lowest_other": float(np.min(start(smooth, 1.0))),
    },
    "crossing": {
      "inside": lower_bound.crossing_case(0.99),
      "beyond": lower_bound.crossing_case(1.01),
    },
    "cliff": [{"radius": radius, "loss": cliff_loss(radius)} for radius in (0.1, 0.01, 0.001)],
    "first_factor": {
      "networks": networks,
      "largest_fast": float(np.max(factors["fast"])),
      "smallest_far": float(np.min(factors["far"])),
    },
  }
