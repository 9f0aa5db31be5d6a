"""Agents of discrete actions: their losses by hand, augmentation, and a task that they solve."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from dmg_jax.agents import discrete, discrete_cql, discrete_iql, distillation
from dmg_jax.networks import Outputs
from dmg_jax.symmetry import groups, runs
from dmg_jax.types import Transitions

ROWS, ACTIONS, SIZES = 8, 3, (16,)
NETWORK = Outputs(SIZES, ACTIONS, "float32")
HALF_TURN = discrete.Augmentation(groups.turner(groups.rotations(2, 2, ACTIONS)))


def some_batch(seed: int = 0, rows: int = ROWS) -> Transitions:
  draws = np.random.default_rng(seed)
  return Transitions(
    observations=draws.normal(size=(rows, 4)).astype(np.float32),
    actions=np.eye(ACTIONS, dtype=np.float32)[draws.integers(ACTIONS, size=rows)],
    rewards=draws.normal(size=rows).astype(np.float32),
    next_observations=draws.normal(size=(rows, 4)).astype(np.float32),
    not_dones=(draws.random(rows) > 0.3).astype(np.float32),
  )


def begun(agent, seed: int = 0):
  """A fresh state; compiled, which is faster than operation by operation."""
  return jax.jit(lambda key: agent.init(key, 4, ACTIONS))(jax.random.key(seed))


def updated(agent, state, batch, h):
  """State and metrics after one step."""
  step = jax.jit(lambda state, h: agent.update(state, batch, NOISE, h, update_actor=True))
  return step(state, h)


NOISE = np.array([-1, 1] * (ROWS // 2), np.float32)  # every second sample is turned


def turned(observations: np.ndarray) -> np.ndarray:
  return observations * np.where(NOISE > 0, -1, 1)[:, None]


def test_what_a_learner_sees_and_what_its_targets_come_from():
  batch = some_batch()
  plain = batch.observations
  both = np.concatenate([plain, turned(plain)])
  expected = {
    "none": (plain, plain),
    "aug_d": (both, both),
    "aug_d_online": (both, np.concatenate([plain, plain])),
    "dac_latent": (both, plain),
    "dac_output": (both, plain),
  }
  assert tuple(expected) == discrete.USES
  for use, (inputs, sources) in expected.items():
    seen, source = discrete.view(batch, NOISE, HALF_TURN._replace(use=use))
    np.testing.assert_allclose(seen, inputs, atol=1e-6)
    np.testing.assert_allclose(source.observations, sources, atol=1e-6)
    assert len(source.rewards) == len(sources)
  _, source = discrete.view(batch, NOISE, HALF_TURN._replace(use="aug_d"))
  np.testing.assert_allclose(
    source.next_observations[ROWS:], turned(batch.next_observations), atol=1e-6
  )


def test_the_penalty_compares_the_halves_of_hidden_layer_or_output():
  hidden, output = np.arange(8.0).reshape(2, 4), np.array([[1.0, 2.0], [4.0, 0.0]])
  by_use = {
    use: float(discrete.inconsistency(hidden, output, HALF_TURN._replace(use=use)))
    for use in discrete.USES
  }
  assert by_use["dac_latent"] == 16
  assert by_use["dac_output"] == (9 + 4) / 2
  assert by_use["none"] == by_use["aug_d"] == by_use["aug_d_online"] == 0


@jax.jit
def values(parameters, observations):
  return discrete.apply(NETWORK, parameters, observations)[1]


@jax.jit
def state_values(parameters, observations):
  return discrete.apply(Outputs(SIZES, 1, "float32"), parameters, observations)[1][:, 0]


def test_cql_takes_the_loss_of_its_docstring():
  agent = discrete_cql.make(SIZES, ACTIONS)
  batch = some_batch()
  state = begun(agent)
  # A target that differs, at a step at which it is not copied.
  other = begun(agent, 1).critic.parameters
  state = state.replace(target_critic=other, step=jnp.asarray(1))
  h = discrete_cql.CQLHyperparameters(discount=0.9, conservatism=2.0)
  _, metrics = updated(agent, state, batch, h)
  chosen = np.argmax(values(state.critic.parameters, batch.next_observations), axis=1)
  next_value = np.asarray(values(other, batch.next_observations))[np.arange(ROWS), chosen]
  target = batch.rewards + 0.9 * batch.not_dones * next_value
  now = np.asarray(values(state.critic.parameters, batch.observations))
  q = (now * batch.actions).sum(axis=1)
  conservative = np.mean(np.log(np.exp(now).sum(axis=1)) - q)
  expected = np.mean(optax.huber_loss(q, target)) + 2 * conservative
  np.testing.assert_allclose(metrics["loss"], expected, rtol=1e-5)


def test_iql_takes_the_losses_of_its_docstring():
  agent = discrete_iql.make(SIZES, ACTIONS)
  batch = some_batch()
  state = begun(agent)
  h = discrete_iql.IQLHyperparameters(discount=0.9, expectile=0.8, inverse_temperature=2.0)
  after, metrics = updated(agent, state, batch, h)

  def of_critic(place, observations):
    return values(
      jax.tree.map(lambda leaf: leaf[place], _only(state.critic.parameters)), observations
    )

  both = [np.sum(of_critic(place, batch.observations) * batch.actions, axis=1) for place in (0, 1)]
  smaller = np.minimum(*both)
  before_v = np.asarray(state_values(state.value.parameters, batch.observations))
  u = smaller - before_v
  expected = np.mean(np.where(u < 0, 0.2, 0.8) * u**2)
  np.testing.assert_allclose(metrics["value_loss"], expected, rtol=1e-5)
  next_v = np.asarray(state_values(after.value.parameters, batch.next_observations))
  target = batch.rewards + 0.9 * batch.not_dones * next_v
  expected = sum(np.mean((q - target) ** 2) for q in both)
  np.testing.assert_allclose(metrics["critic_loss"], expected, rtol=1e-5)
  new_v = np.asarray(state_values(after.value.parameters, batch.observations))
  weights = np.minimum(np.exp(2 * (smaller - new_v)), 100)
  logits = values(state.actor.parameters, batch.observations)
  chances = np.asarray(jax.nn.log_softmax(logits))
  expected = -np.mean(weights * (chances * batch.actions).sum(axis=1))
  np.testing.assert_allclose(metrics["actor_loss"], expected, rtol=1e-5)


def _only(parameters):
  """The critics' parameters without the name of their ensemble, where there is one."""
  inner = parameters["params"]
  return {"params": inner if "head" in inner else next(iter(inner.values()))}


@pytest.mark.parametrize(("use", "place"), [("aug_d", "actor"), ("dac_output", "critic")])
def test_an_augmentation_changes_what_it_is_of(use, place):
  batch, h = some_batch(), discrete_iql.IQLHyperparameters(consistency=3.0)
  used = HALF_TURN._replace(use=use)
  augmented = (used, discrete.NONE) if place == "actor" else (discrete.NONE, used)
  plain, other = (
    agent.update(agent.init(jax.random.key(0), 4, ACTIONS), batch, NOISE, h, update_actor=True)[0]
    for agent in (
      discrete_iql.make(SIZES, ACTIONS),
      discrete_iql.make(SIZES, ACTIONS, *augmented),
    )
  )

  def same(part: str) -> bool:
    pairs = (jax.tree.leaves(getattr(state, part).parameters) for state in (plain, other))
    return all(np.array_equal(*pair) for pair in zip(*pairs, strict=True))

  assert not same(place)
  # The actor learns from the critics, and not the other way round.
  assert place == "critic" or same("critic")


def test_the_target_is_copied_once_in_a_period():
  agent = discrete_cql.make(SIZES, ACTIONS)
  h = discrete_cql.CQLHyperparameters(target_period=3.0)
  state, copied = begun(agent), []
  update = jax.jit(lambda state: agent.update(state, some_batch(), NOISE, h, update_actor=True)[0])
  for _ in range(7):
    before = state
    state = update(state)
    same = np.array_equal(
      jax.tree.leaves(state.target_critic)[0], jax.tree.leaves(before.critic.parameters)[0]
    )
    copied.append(same)
  assert copied == [True, False, False, True, False, False, True]


def bandit() -> Transitions:
  """One step each; action 1 pays, and the data hold no action 2."""
  batch = some_batch(rows=64)
  actions = np.arange(64) % 2
  return batch.replace(
    actions=np.eye(ACTIONS, dtype=np.float32)[actions],
    rewards=actions.astype(np.float32),
    not_dones=np.zeros(64, np.float32),
  )


@pytest.mark.parametrize(
  ("agent", "h"),
  [
    (
      discrete_iql.make(SIZES, ACTIONS, HALF_TURN._replace(use="dac_output")),
      discrete_iql.IQLHyperparameters(learning_rate=1e-2),
    ),
    (
      discrete_cql.make(SIZES, ACTIONS, HALF_TURN._replace(use="aug_d")),
      discrete_cql.CQLHyperparameters(learning_rate=1e-2, conservatism=0.1),
    ),
  ],
)
def test_runs_of_two_spans_learn_what_pays_and_are_traced_once(agent, h):
  one, other = bandit(), bandit()
  data = jax.tree.map(lambda *leaves: np.concatenate(leaves), one, other)
  traced = []

  def update(*arguments, **named):
    traced.append(1)
    return agent.update(*arguments, **named)

  counted = agent._replace(update=update)
  trained = runs.train(
    counted, [0, 1], h, data, [(0, 64), (64, 64)], batch_size=32, steps=200, side_by_side=True
  )
  assert len(traced) == 1
  assert not trained.diverged.any()
  chosen = jax.vmap(agent.act, in_axes=(0, None))(trained.policies, one.observations)
  assert np.mean(np.asarray(chosen)[..., 1]) > 0.95


def test_distillation_fits_its_targets_and_acts_by_them():
  batch = some_batch()
  targets = np.random.default_rng(5).normal(size=(ROWS, ACTIONS))
  data = runs.supervised(batch.observations, targets)
  agent = distillation.make(SIZES, ACTIONS)
  h = distillation.DistillationHyperparameters(1e-2)
  trained = runs.train(agent, [0], h, data, [(0, ROWS)], batch_size=8, steps=400, side_by_side=True)
  policy = jax.tree.map(lambda leaf: leaf[0], trained.policies)
  np.testing.assert_allclose(values(policy, batch.observations), targets, atol=0.2)
  chosen = np.argmax(agent.act(policy, batch.observations), axis=1)
  np.testing.assert_array_equal(chosen, np.argmax(targets, axis=1))
