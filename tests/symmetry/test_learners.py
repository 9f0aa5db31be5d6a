"""Agents that know a symmetry: what they see, and that DMG trains with them."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import make_transitions, small_architecture

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.symmetry import groups, learners, runs
from dmg_jax.types import Hyperparameters

# A quarter turn of two of five observed numbers, and of the action.
QUARTER = np.array([[0.0, -1.0], [1.0, 0.0]])
POWERS = [np.linalg.matrix_power(QUARTER, power) for power in range(4)]
GROUP = groups.group(
  [np.block([[p, np.zeros((2, 3))], [np.zeros((3, 2)), np.eye(3)]]) for p in POWERS], POWERS
)
PLAIN = networks.make(2, small_architecture())


def test_symmetric_networks_commute_with_the_group_and_train():
  modules = learners.symmetric_networks(PLAIN, GROUP)
  agent = dmg.make(modules)
  data = make_transitions(60)
  trained = runs.train(
    agent, [0, 1], Hyperparameters(), data, [(0, 60)] * 2, batch_size=16, steps=10,
    side_by_side=True,
  )  # fmt: skip
  assert not trained.diverged.any()
  policy = jax.tree.map(lambda leaf: leaf[0], trained.policies)
  some = data.observations[:8]
  act = jax.jit(agent.act)
  for turn, on_actions in zip(GROUP.observations, GROUP.actions, strict=True):
    turned = some @ np.array(turn, np.float32).T
    expected = np.asarray(act(policy, some)) @ np.array(on_actions).T
    np.testing.assert_allclose(act(policy, turned), expected, atol=1e-6)


def test_symmetric_critics_give_copies_the_same_value():
  modules = learners.symmetric_networks(PLAIN, GROUP)
  data = make_transitions(8)
  state = jax.jit(lambda key: dmg.init(key, 5, 2, networks=modules))(jax.random.key(0))
  turn, on_actions = (np.array(part[1], np.float32).T for part in GROUP)
  for module, inputs, turned in (
    (modules.value, (data.observations,), (data.observations @ turn,)),
    (
      modules.critic,
      (data.observations, data.actions),
      (data.observations @ turn, data.actions @ on_actions),
    ),
  ):
    parameters = (state.value if len(inputs) == 1 else state.critic).parameters
    plain, copy = (jax.jit(module.apply)(parameters, *given) for given in (inputs, turned))
    assert plain.shape == ((8,) if len(inputs) == 1 else (2, 8))
    np.testing.assert_allclose(plain, copy, atol=1e-6)


def test_an_augmented_agent_learns_from_turned_samples():
  seen = []
  inner = dmg.make(PLAIN)._replace(
    update=lambda state, batch, noise, h, *, update_actor: (state, seen.append((batch, noise)))
  )
  agent = learners.augmented(inner, GROUP)
  assert agent is learners.augmented(inner, GROUP)
  data = make_transitions(4)
  noise = np.zeros((4, 3), np.float32)
  noise[:, -1] = [-1.0, -0.3, 0.3, 1.0]  # one sample for each element
  assert agent.noise_shape(4, 2) == noise.shape
  agent.update(None, data, jnp.asarray(noise), None, update_actor=True)
  batch, passed = seen[0]
  assert passed.shape == (4, 2)
  for row in range(4):
    for name, matrices in (
      ("observations", GROUP.observations),
      ("actions", GROUP.actions),
      ("next_observations", GROUP.observations),
    ):
      expected = np.array(matrices[row]) @ getattr(data, name)[row]
      np.testing.assert_allclose(getattr(batch, name)[row], expected, atol=1e-6)
  np.testing.assert_array_equal(batch.rewards, data.rewards)
