"""Theorem 1: what one gradient step at a data action does to the value of an action nearby."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from dmg_jax.theory import generators
from dmg_jax.theory.generators import SmoothMDP
from dmg_jax.theory.networks import init, value
from dmg_jax.types import Array, Parameters

_STATES = 4
WIDTHS = (8, 32, 128)
# Distances as shares of the radius in which the theorem speaks.
DISTANCES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
# Learning rates as shares of 1 / g_max^2.
RATES = tuple(2.0**-power for power in range(11))
# Of the first layer in the action: with it the theorem's radius ends within the grid.
_STEEPNESS = 4.0
# Actions are one number; constants are taken on this grid, data actions lie in [-1, 1].
_GRID = np.linspace(-2, 2, 161)


class Constants(NamedTuple):
  """Of a network on the grid of actions, which stands for the continuum.

  Attributes:
    gradient: g_max, the largest |grad_theta Q|.
    gradient_slope: K_g, the largest change of grad_theta Q per unit of action.
    slope: K_Q.
    largest: Q_max.
  """

  gradient: Array
  gradient_slope: Array
  slope: Array
  largest: Array


def gradient(parameters: Parameters, state: Array, action: Array) -> Array:
  """grad_theta Q(s, a), flat."""
  return ravel_pytree(jax.grad(value)(parameters, state, action))[0]


def constants(parameters: Parameters, states: Array) -> Constants:
  """The constants of a network (see there) for one-hot states (S, S)."""

  def at(state, action):
    q, slope = jax.jvp(partial(value, parameters, state), (action,), (jnp.ones_like(action),))
    by_parameters, its_slope = jax.jvp(
      partial(gradient, parameters, state), (action,), (jnp.ones_like(action),)
    )
    norms = jnp.linalg.norm(by_parameters), jnp.linalg.norm(its_slope)
    return Constants(*norms, jnp.abs(slope), jnp.abs(q))

  places = jnp.asarray(_GRID)[:, None]
  of_each = jax.lax.map(lambda state: jax.lax.map(partial(at, state), places), states)
  return jax.tree.map(jnp.max, of_each)


def backup(
  functions: SmoothMDP, parameters: Parameters, states: Array, state: Array, actions: Array
) -> Array:
  """T_u Q of a network at actions (N, 1) of one state, for u over the whole grid."""
  over_grid = jax.vmap(jax.vmap(partial(value, parameters), in_axes=(None, 0)), in_axes=(0, None))
  next_values = jnp.max(over_grid(states, jnp.asarray(_GRID)[:, None]), axis=1)
  mdp = functions.at(jnp.broadcast_to(actions, (len(states), *actions.shape)))
  every = mdp.rewards + mdp.discount * jnp.sum(mdp.transitions * next_values, axis=-1)
  return state @ every


class Step(NamedTuple):
  """One gradient step of learning rate alpha at (s, a), seen at actions a~ nearby.

  Attributes:
    first_factor: C1, (N,).
    second_factor: C2, (N,).
    change: (N,), of Q(s, a~), in truth.
    remainder: (N,), change less C1 (T_u Q(s, a~) - Q(s, a~) + C2 |a~ - a|).
    moved: |theta' - theta|.
  """

  first_factor: Array
  second_factor: Array
  change: Array
  remainder: Array
  moved: Array


def take_step(
  functions: SmoothMDP,
  parameters: Parameters,
  state: Array,
  action: Array,
  nearby: Array,
  rate: Array,
) -> Step:
  """The step of the theorem: theta' = theta + alpha (T_u Q(s, a) - Q(s, a)) grad Q(s, a).

  Args:
    functions: the MDP.
    parameters: theta.
    state: one-hot, (S,).
    action: (1,), of the data.
    nearby: (N, 1), a~.
    rate: alpha.
  """
  flat, unravel = ravel_pytree(parameters)
  states = jnp.eye(len(state))
  places = jnp.concatenate([action[None], nearby])
  q = jax.vmap(partial(value, parameters, state))(places)
  errors = backup(functions, parameters, states, state, places) - q
  direction = gradient(parameters, state, action)
  moved = flat + rate * errors[0] * direction
  after = jax.vmap(partial(value, unravel(moved), state))(nearby)
  first = rate * jax.vmap(partial(gradient, parameters, state))(nearby) @ direction
  distance = jnp.abs(nearby - action)[:, 0]
  second = (errors[0] - errors[1:]) / distance
  predicted = first * (errors[1:] + second * distance)
  change = after - q[1:]
  return Step(first, second, change, change - predicted, jnp.linalg.norm(moved - flat))


def draw(key: Array, width: int) -> tuple[SmoothMDP, Parameters, jax.Array, jax.Array]:
  """An MDP, a network, a one-hot state and an action in [-1, 1]."""
  keys = jax.random.split(key, 4)
  functions = generators.smooth_mdp(keys[0], _STATES, 1, reward_slope=1.0, transition_slope=1.0)
  state = jax.nn.one_hot(jax.random.randint(keys[2], (), 0, _STATES), _STATES)
  action = jax.random.uniform(keys[3], (1,), minval=-1)
  (weights, biases), *rest = init(keys[1], _STATES + 1, width)
  steep = weights.at[-1].multiply(_STEEPNESS)
  return functions, [(steep, biases), *rest], state, action


def examine(functions: SmoothMDP, parameters: Parameters, state: Array, action: Array) -> dict:
  """The theorem's quantities at one (s, a), on both sides, for all DISTANCES and RATES."""
  found = constants(parameters, jnp.eye(_STATES))
  smoothness = functions.smoothness()
  reach = jnp.linalg.norm(gradient(parameters, state, action)) / found.gradient_slope
  # The grid must cover a~ too, as its constants stand for all actions.
  reach = jnp.minimum(reach, 1.0)
  offsets = reach * jnp.asarray(DISTANCES)
  nearby = jnp.concatenate([action - offsets, action + offsets])[:, None]
  largest = 1 / jnp.square(found.gradient)
  take = partial(take_step, functions, parameters, state, action, nearby)
  steps = jax.vmap(lambda share: take(rate=share * largest))(jnp.asarray(RATES))
  limit = found.slope + (
    smoothness.rewards
    + functions.discount * smoothness.transition_entries * _STATES * found.largest
  )
  return {
    "first": steps.first_factor[0],
    "second_share": jnp.max(jnp.abs(steps.second_factor[0])) / limit,
    "curvature": jnp.max(jnp.abs(steps.remainder), axis=1) / jnp.square(steps.moved),
    "remainder": jnp.max(jnp.abs(steps.remainder), axis=1),
    "change": jnp.max(jnp.abs(steps.change), axis=1),
    "reach": reach,
  }


def measure(seed: int, instances: int = 100, widths: tuple[int, ...] = WIDTHS) -> dict[str, Any]:
  """The row of Theorem 1. To be called with float64 on.

  Args:
    seed: of all draws.
    instances: MDPs, networks and pairs (s, a) for each width.
    widths: of the two hidden layers.
  """
  rows = []
  for width in widths:
    drawn = generators.draw_many(partial(draw, width=width), seed, instances)
    every = jax.jit(lambda drawn: jax.lax.map(lambda one: examine(*one), drawn))(drawn)
    every = {name: np.asarray(values) for name, values in every.items()}
    first = every["first"].reshape(instances, 2, len(DISTANCES))
    share = every["remainder"] / every["change"]
    rows.append(
      {
        "width": width,
        "smallest_first": float(first.min()),
        "largest_first": float(first.max()),
        "mean_first": first.mean(axis=(0, 1)).tolist(),
        "largest_second_share": float(every["second_share"].max()),
        # From the fourth rate on, where the steps are small.
        "order": float(np.median(_orders(every["remainder"])[:, 3:])),
        "remainder_share": np.median(share, axis=0).tolist(),
        "curvature": np.median(every["curvature"], axis=0).tolist(),
        "mean_reach": float(every["reach"].mean()),
      }
    )
  return {
    "instances": instances * len(widths),
    "nearby": 2 * len(DISTANCES),
    "worst_margin": min(
      min(row["smallest_first"], 1 - row["largest_first"], 1 - row["largest_second_share"])
      for row in rows
    ),
    "rates": RATES,
    "distances": DISTANCES,
    "rows": rows,
  }


def _orders(remainder: np.ndarray) -> np.ndarray:
  """The power of the step's length by which the remainder falls from each rate to the next."""
  return np.log2(remainder[:, :-1] / remainder[:, 1:])
