"""Shapes and initialisation of the networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax import networks
from dmg_jax.agents import dmg


@pytest.fixture(scope="module")
def state():
  return dmg.init(jax.random.key(0), 11, 3, networks=networks.make(3))


def test_shapes(state):
  observations, actions = jnp.ones((4, 7, 11)), jnp.ones((4, 7, 3))
  modules = state.networks
  assert modules.actor.apply(state.actor.parameters, observations).shape == (4, 7, 3)
  assert modules.critic.apply(state.critic.parameters, observations, actions).shape == (2, 4, 7)
  assert modules.value.apply(state.value.parameters, observations).shape == (4, 7)


def test_initialisation_is_uniform_in_pytorchs_bounds(state):
  """Kernels and biases of a layer are U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
  layers = state.actor.parameters["params"]["policy"]
  for layer, fan_in in (("layer_0", 11), ("layer_1", 256), ("layer_2", 256)):
    bound = fan_in**-0.5
    for name in ("kernel", "bias"):
      values = np.asarray(layers[layer][name])
      assert np.abs(values).max() <= bound
    spread = np.asarray(layers[layer]["kernel"]).std()
    np.testing.assert_allclose(spread, bound / np.sqrt(3), rtol=0.1)
    assert np.asarray(layers[layer]["bias"]).std() > 0


def test_both_critics_differ_and_targets_start_as_copies(state):
  critics = state.critic.parameters["params"]
  first, second = critics["critics"]["layer_0"]["kernel"]
  assert not np.allclose(first, second)
  jax.tree.map(np.testing.assert_array_equal, state.target_critic, state.critic.parameters)
  jax.tree.map(np.testing.assert_array_equal, state.target_actor, state.actor.parameters)


def test_actions_stay_in_the_box(state):
  actions = dmg.act(state.networks, state.actor.parameters, 1e6 * jnp.ones((3, 11)))
  assert (jnp.abs(actions) <= 1).all()
