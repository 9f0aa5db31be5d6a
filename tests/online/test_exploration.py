"""Noise of the agents that explore."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax import networks
from dmg_jax.agents import dmg, sac
from dmg_jax.online import exploration


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_noise_is_standard_and_correlated_as_asked(correlation):
  key = jax.random.key(0)
  rounds = jnp.arange(100, 4100, dtype=jnp.uint32)
  noise = jax.vmap(lambda r: exploration.correlated_noise(key, r, (4,), correlation))(rounds)
  noise = np.asarray(noise, np.float64)
  np.testing.assert_allclose(noise.std(axis=0), 1, atol=0.07)
  for lag in (1, 3):
    products = np.mean(noise[:-lag] * noise[lag:])
    np.testing.assert_allclose(products, correlation**lag, atol=0.05)
  assert abs(np.mean(noise[:, 0] * noise[:, 1])) < 0.07


def explored(made, state, rounds=2000):
  """(rounds, N, A) actions of one state at the same N observations."""
  parameters = made.parameters(state)
  observations = jnp.ones((2, 3))

  @jax.jit
  def act(round_):
    return made.act(parameters, observations, jnp.uint32(7), round_)

  return np.asarray(jax.lax.map(act, jnp.arange(100, 100 + rounds, dtype=jnp.uint32)))


def test_each_environment_has_its_own_deviation_around_the_agents_action():
  agent = dmg.make(networks.make(1))
  state = agent.init(jax.random.key(0), 3, 1)
  actions = explored(exploration.gaussian(agent, (0.05, 0.2), 0.0), state)
  mode = agent.act(agent.policy(state), jnp.ones((2, 3)))
  np.testing.assert_allclose((actions - mode).mean(axis=0), 0, atol=0.02)
  np.testing.assert_allclose((actions - mode).std(axis=0)[:, 0], [0.05, 0.2], rtol=0.1)
  assert np.abs(actions).max() <= 1


def test_soft_actor_critic_explores_by_its_own_deviation_around_the_actor():
  modules = sac.make_networks(1)
  agent = sac.make(modules)
  state = agent.init(jax.random.key(0), 3, 1)
  # The average has another policy, which must not be the one that explores.
  state = state.replace(average_actor=jax.tree.map(jnp.zeros_like, state.average_actor))
  raw = np.arctanh(explored(exploration.stochastic(modules), state))
  mean, log_deviation = modules.actor.apply(state.actor.parameters, jnp.ones(3))
  np.testing.assert_allclose(raw.mean(axis=0), np.tile(mean, (2, 1)), atol=0.1)
  np.testing.assert_allclose(raw.std(axis=0), np.exp(log_deviation[0]), rtol=0.1)


@pytest.mark.parametrize("seed", [1, 8])
def test_other_seeds_and_rounds_draw_other_noise(seed):
  made = exploration.stochastic(sac.make_networks(1))
  state = sac.make(sac.make_networks(1)).init(jax.random.key(0), 3, 1)
  parameters, observations = made.parameters(state), jnp.ones((1, 3))
  first = made.act(parameters, observations, jnp.uint32(7), jnp.uint32(3))
  assert first != made.act(parameters, observations, jnp.uint32(seed), jnp.uint32(3))
  assert first != made.act(parameters, observations, jnp.uint32(7), jnp.uint32(seed))
  assert first == made.act(parameters, observations, jnp.uint32(7), jnp.uint32(3))
