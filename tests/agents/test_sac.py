"""Soft actor-critic: densities and losses against what can be computed by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import small_architecture
from scipy import integrate

from dmg_jax import networks, training
from dmg_jax.agents import dmg, sac
from dmg_jax.types import Transitions

MODULES = sac.make_networks(2, (8, 8), (8, 8))
H = sac.SoftHyperparameters(actor_learning_rate=0.01, critic_learning_rate=0.01)


def agent(seed: int = 0) -> sac.SoftState:
  return sac.init(jax.random.key(seed), 3, 2, networks=MODULES)


def batch(size: int = 5) -> Transitions:
  generator = np.random.default_rng(0)
  return Transitions(
    observations=generator.normal(size=(size, 3)).astype(np.float32),
    actions=generator.uniform(-1, 1, (size, 2)).astype(np.float32),
    rewards=generator.normal(size=size).astype(np.float32),
    next_observations=generator.normal(size=(size, 3)).astype(np.float32),
    not_dones=np.array([1, 0, 1, 1, 0], np.float32)[:size],
  )


update = jax.jit(sac.update, static_argnames="update_actor")
NOISE = np.random.default_rng(1).normal(size=(2, 5, 2)).astype(np.float32)


@pytest.mark.parametrize(("mean", "log_deviation"), [(0.0, 0.0), (0.7, -1.0), (-1.0, -0.3)])
def test_the_density_of_squashed_actions_integrates_to_one(mean, log_deviation):
  actions = np.linspace(-0.9999, 0.9999, 20_001)
  noise = (np.arctanh(actions) - mean) / np.exp(log_deviation)
  normal = (jnp.array([mean]), jnp.array([log_deviation]))
  found, log_densities = sac.sample(normal, jnp.float32(noise[:, None]))
  np.testing.assert_allclose(found[:, 0], actions, atol=1e-5)
  np.testing.assert_allclose(integrate.trapezoid(np.exp(log_densities), actions), 1, atol=2e-3)


def test_the_density_is_finite_where_tanh_is_flat():
  actions, log_density = sac.sample((jnp.array([30.0]), jnp.array([0.0])), jnp.zeros(1))
  assert actions == 1
  # At raw = 30 the slope of tanh is 4 exp(-60).
  expected = -np.log(2 * np.pi) / 2 - (np.log(4) - 60)
  np.testing.assert_allclose(log_density, expected, rtol=1e-6)


def test_without_noise_exploration_is_the_mode():
  parameters = agent().actor.parameters
  observations = batch().observations
  kept = sac.make(MODULES).act(sac.mode(parameters), observations)
  explored = sac.explore(MODULES, parameters, observations, jnp.zeros((5, 2)))
  np.testing.assert_allclose(kept, explored, atol=1e-6)


def test_the_policy_that_is_evaluated_is_an_actor_of_the_other_agents():
  """So that the policies of both learners are stored, and act, in one form."""
  state = agent()
  parameters = sac.make(MODULES).policy(state)
  modules = networks.make(2, small_architecture(8))
  observations = batch().observations
  np.testing.assert_array_equal(
    dmg.act(modules, parameters, observations), sac.make(MODULES).act(parameters, observations)
  )
  jax.tree.map(np.testing.assert_array_equal, parameters, sac.mode(state.average_actor))


def test_equal_agents_are_one_object():
  """Else every recording would compile anew."""
  assert sac.make(sac.make_networks(2, (8, 8), (8, 8))) is sac.make(MODULES)


def test_critics_move_down_the_gradient_of_the_soft_bellman_error():
  state, data = agent(), batch()
  state = state.replace(temperature=state.temperature.replace(parameters=jnp.log(0.5)))
  normal = MODULES.actor.apply(state.actor.parameters, data.next_observations)
  actions, log_densities = sac.sample(normal, NOISE[0])
  next_q = MODULES.critic.apply(state.target_critic, data.next_observations, actions)
  target = np.array(
    [
      data.rewards[i]
      + 0.99 * data.not_dones[i] * (min(next_q[0][i], next_q[1][i]) - 0.5 * log_densities[i])
      for i in range(5)
    ],
    np.float32,
  )

  def error(parameters):
    q = MODULES.critic.apply(parameters, data.observations, data.actions)
    return sum(jnp.mean((q[k] - target) ** 2) for k in range(2))

  gradient = jax.grad(error)(state.critic.parameters)
  new, _ = update(state, data, NOISE, H, update_actor=False)
  # Adam's first step is the learning rate times the gradient's sign.
  jax.tree.map(
    lambda old, now, slope: np.testing.assert_allclose(
      now - old, -0.01 * slope / (np.abs(slope) + 1e-8), atol=2e-4
    ),
    state.critic.parameters,
    new.critic.parameters,
    gradient,
  )
  jax.tree.map(
    lambda target, old, now: np.testing.assert_allclose(
      target, 0.995 * old + 0.005 * now, atol=1e-6
    ),
    new.target_critic,
    state.target_critic,
    new.critic.parameters,
  )


def test_the_actor_moves_down_the_gradient_of_its_soft_loss():
  state, data = agent(), batch()
  state = state.replace(temperature=state.temperature.replace(parameters=jnp.log(0.5)))
  new, _ = update(state, data, NOISE, H, update_actor=True)

  def loss(parameters):
    normal = MODULES.actor.apply(parameters, data.observations)
    actions, log_densities = sac.sample(normal, NOISE[1])
    q = MODULES.critic.apply(new.critic.parameters, data.observations, actions)
    return sum(0.5 * log_densities[i] - jnp.minimum(q[0][i], q[1][i]) for i in range(5)) / 5

  gradient = jax.grad(loss)(state.actor.parameters)
  # Adam's first step is the learning rate times the gradient's sign; its memory, the gradient.
  jax.tree.map(
    lambda memory, slope: np.testing.assert_allclose(memory, 0.1 * slope, rtol=1e-3, atol=1e-6),
    new.actor.optimiser.mu,
    gradient,
  )


def test_the_actor_moves_only_when_told_and_its_average_follows():
  state, data = agent(), batch()
  still, _ = update(state, data, NOISE, H, update_actor=False)
  jax.tree.map(np.testing.assert_array_equal, still.actor, state.actor)
  jax.tree.map(np.testing.assert_array_equal, still.temperature, state.temperature)
  moved, _ = update(state, data, NOISE, H, update_actor=True)
  jax.tree.map(
    lambda average, old, now: np.testing.assert_allclose(
      average, 0.998 * old + 0.002 * now, atol=1e-6
    ),
    moved.average_actor,
    state.average_actor,
    moved.actor.parameters,
  )
  assert moved.step == 1


@pytest.mark.parametrize(("target_entropy", "direction"), [(-100.0, -1), (100.0, 1)])
def test_the_temperature_rises_below_the_target_entropy_and_falls_above(target_entropy, direction):
  state = agent()
  h = H.replace(target_entropy=target_entropy)
  new, _ = update(state, batch(), NOISE, h, update_actor=True)
  np.testing.assert_allclose(new.temperature.parameters, direction * 0.01, rtol=1e-4)


def test_metrics_are_those_of_the_step():
  state, data = agent(), batch()
  state = state.replace(temperature=state.temperature.replace(parameters=jnp.log(0.5)))
  _, still = update(state, data, NOISE, H, update_actor=False)
  _, moved = update(state, data, NOISE, H, update_actor=True)
  normal = MODULES.actor.apply(state.actor.parameters, data.observations)
  np.testing.assert_allclose(moved["entropy"], -sac.sample(normal, NOISE[1])[1].mean(), rtol=1e-5)
  np.testing.assert_allclose(moved["alpha"], 0.5, rtol=1e-6)
  q = MODULES.critic.apply(state.critic.parameters, data.observations, data.actions)
  np.testing.assert_allclose(moved["q"], q.mean(), rtol=1e-5)
  assert moved.keys() - still.keys() == {"actor_loss", "entropy"}


def test_it_trains_in_double_precision():
  """Of every number in the state, but the counts."""

  def step(key):
    state = sac.init(key, 3, 2, jnp.float64, networks=MODULES)
    data = jax.tree.map(np.float64, batch())
    return state, sac.update(state, data, np.float64(NOISE), H, update_actor=True)[0]

  with jax.enable_x64(True):
    shapes = jax.eval_shape(step, jax.random.key(0))
  assert {str(leaf.dtype) for leaf in jax.tree.leaves(shapes)} == {"int32", "float64"}
  jax.tree.map(assert_same, *shapes)


def assert_same(old, new):
  assert (old.shape, old.dtype) == (new.shape, new.dtype)


def test_it_learns_the_better_of_two_sides_through_the_common_training():
  """One state, reward 1 - |a - 0.6|: the policy's mode goes to 0.6."""
  learner = sac.make(sac.make_networks(1, (32, 32), (32, 32)))
  actions = np.random.default_rng(0).uniform(-1, 1, (2000, 1)).astype(np.float32)
  zeros = np.zeros((2000, 1), np.float32)
  rewards = 1 - np.abs(actions[:, 0] - 0.6)
  data = Transitions(zeros, actions, rewards, zeros, np.zeros(2000, np.float32))
  program = training.make_program(learner, runs=1, batch_size=64, devices=jax.devices()[:1])
  h = jax.tree.map(
    lambda leaf: np.full(1, leaf, np.float32),
    H.replace(actor_learning_rate=3e-3, critic_learning_rate=3e-3),
  )
  runs, h, data = training.place(training.start([1], learner, data), h, data, program)
  runs, metrics = training.advance(runs, h, data, program, 1500)
  state = jax.tree.map(lambda leaf: leaf[0], runs.states)
  assert state.step == 3000
  assert metrics["entropy"].shape == (1,)
  action = learner.act(learner.policy(state), jnp.zeros((1, 1)))
  np.testing.assert_allclose(action, 0.6, atol=0.1)
