"""Agents that know a symmetry: what they see, and that DMG trains with them."""

import jax
import jax.numpy as jnp
import numpy as np
from conftest import make_transitions, small_architecture

from dmg_jax import methods, networks, training
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


def test_td3_climbs_the_first_of_symmetric_critics():
  modules = learners.symmetric_networks(PLAIN, GROUP)
  data = make_transitions(60)
  form = methods.find("td3_bc").form
  state = jax.jit(lambda key: dmg.init(key, 5, 2, networks=modules, form=form))(jax.random.key(0))
  pairs = data.observations[:8], data.actions[:8]
  first = dmg._first_q(modules, state.critic.parameters, *pairs)
  every = modules.critic.apply(state.critic.parameters, *pairs)
  np.testing.assert_allclose(first, every[0], atol=1e-6)
  assert not np.allclose(first, every[1], atol=1e-3)


def test_the_penalty_is_the_mean_over_the_group_and_nothing_for_symmetric_policies():
  observations = make_transitions(8).observations
  penalty = learners.Consistency(GROUP, 0.5)
  actor = jax.jit(PLAIN.actor.init)(jax.random.key(0), observations)

  def plain(rows):
    return PLAIN.actor.apply(actor, rows)

  squares = [
    np.square(
      plain(observations @ np.array(turn, np.float32).T) - plain(observations) @ np.array(own).T
    )
    for turn, own in zip(GROUP.observations, GROUP.actions, strict=True)
  ]
  found = penalty(plain, observations, plain(observations))
  np.testing.assert_allclose(found, 0.5 * np.mean(squares), rtol=1e-5)
  assert found > 1e-3
  modules = learners.symmetric_networks(PLAIN, GROUP)
  actor = jax.jit(modules.actor.init)(jax.random.key(0), observations)

  def symmetric(rows):
    return modules.actor.apply(actor, rows)

  assert penalty(symmetric, observations, symmetric(observations)) < 1e-10


def test_an_agent_that_pays_gets_consistent():
  data = make_transitions(60)
  agent = learners.make("consistency", PLAIN, GROUP, 100.0)
  assert agent is learners.make("consistency", PLAIN, GROUP, 100.0)  # compiles once
  rows = data.observations[:8]

  def inconsistency(policy):
    def act(observations):
      return agent.act(policy, observations)

    return learners.Consistency(GROUP, 1.0)(act, rows, act(rows))

  trained = runs.train(
    agent, [0], Hyperparameters(actor_learning_rate=1e-2), data, [(0, 60)], batch_size=16,
    steps=50, side_by_side=True,
  )  # fmt: skip
  before = agent.policy(training.initial_state(np.uint32(0), agent, 5, 2))
  after = jax.tree.map(lambda leaf: leaf[0], trained.policies)
  assert inconsistency(after) < inconsistency(before) / 4


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
