"""Who explores: how an agent that learns online chooses its actions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.agents import sac
from dmg_jax.types import Agent, Array, Parameters

# A stream of random numbers of its own: an agent's gradient steps count up from 0,
# and the last number is the initialisation's.
_STREAM = np.uint32(2**32 - 2)
_MEMORY = 32


class Exploration(NamedTuple):
  """Pure functions.

  Attributes:
    parameters: from an agent's state to what `act` needs of it.
    act: (those parameters, (N, S) observations, the run's seed, the round's number)
      -> (N, A) actions in [-1, 1].
  """

  parameters: Callable[[Any], Parameters]
  act: Callable[[Parameters, Array, Array, Array], Array]


def gaussian(agent: Agent, deviations: tuple[float, ...], correlation: float) -> Exploration:
  """A deterministic agent's actions with Gaussian noise.

  Args:
    agent: whose policy acts.
    deviations: for each of N environments, the standard deviation of the noise on
      actions in [-1, 1].
    correlation: of the noise from one round to the next, in [0, 1).
  """
  scales = np.array(deviations, np.float32)[:, None]

  def act(parameters: Parameters, observations: Array, seed: Array, round_: Array) -> Array:
    actions = agent.act(parameters, observations)
    noise = correlated_noise(_key(seed), round_, actions.shape, correlation)
    return jnp.clip(actions + scales * noise, -1, 1)

  return Exploration(agent.policy, act)


def stochastic(networks: sac.SoftNetworks) -> Exploration:
  """Draws from soft actor-critic's own policy; not from its running average."""

  def act(parameters: Parameters, observations: Array, seed: Array, round_: Array) -> Array:
    shape = (*observations.shape[:-1], networks.actor.action_size)
    noise = jax.random.normal(jax.random.fold_in(_key(seed), round_), shape)
    return sac.explore(networks, parameters, observations, noise)

  return Exploration(lambda state: state.actor.parameters, act)


def _key(seed: Array) -> Array:
  return jax.random.fold_in(jax.random.key(seed), _STREAM)


def correlated_noise(key: Array, round_: Array, shape: tuple[int, ...], correlation) -> Array:
  """Standard normal noise whose correlation between rounds falls off geometrically.

  A first-order autoregression over the last `_MEMORY` rounds: a round's noise is
  made from the round's number alone, and needs no state.

  Args:
    key: of the run.
    round_: uint32.
    shape: of the noise.
    correlation: between neighbouring rounds, in [0, 1); 0 is white noise.
  """

  def innovation(lag):
    return jax.random.normal(jax.random.fold_in(key, round_ - lag), shape)

  if correlation == 0:
    return innovation(np.uint32(0))
  weights = correlation ** jnp.arange(_MEMORY)
  innovations = jax.vmap(innovation)(jnp.arange(_MEMORY, dtype=jnp.uint32))
  return jnp.tensordot(weights / jnp.linalg.norm(weights), innovations, axes=1)
