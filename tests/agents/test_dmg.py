"""The step: what moves, and what does not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ACTION_SIZE, OBSERVATION_SIZE, make_transitions

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.agents.form import DMG
from dmg_jax.types import Hyperparameters

update = jax.jit(dmg.update, static_argnames="update_actor")


@pytest.fixture(scope="module")
def state(small_networks):
  return dmg.init(jax.random.key(1), OBSERVATION_SIZE, ACTION_SIZE, networks=small_networks)


def batch_and_noise(size: int = 32):
  batch = jax.tree.map(jnp.asarray, make_transitions(size))
  noise = jax.random.normal(jax.random.key(2), batch.actions.shape)
  return batch, noise


def same(first, second) -> bool:
  return all(
    np.array_equal(a, b)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
  )


def test_without_the_actor_only_value_and_critics_move(state):
  new, metrics = update(state, *batch_and_noise(), Hyperparameters(), update_actor=False)
  for part in ("actor", "target_actor", "target_critic"):
    assert same(getattr(new, part), getattr(state, part))
  assert not same(new.value.parameters, state.value.parameters)
  assert not same(new.critic.parameters, state.critic.parameters)
  assert new.step == 1
  assert "actor_loss" not in metrics


def test_targets_move_by_the_rate_towards_new_parameters(state):
  rate = 0.3
  new, _ = update(state, *batch_and_noise(), Hyperparameters(target_rate=rate), update_actor=True)
  for target, old, moved in (
    (new.target_actor, state.target_actor, new.actor.parameters),
    (new.target_critic, state.target_critic, new.critic.parameters),
  ):
    expected = jax.tree.map(lambda o, m: (1 - rate) * o + rate * m, old, moved)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), target, expected)
    assert not same(moved, old)


def test_the_first_adam_step_has_the_size_of_its_learning_rate(state):
  """Bias-corrected Adam's first step is the rate times the gradient's sign."""
  point = Hyperparameters(value_learning_rate=0.01)
  new, _ = update(state, *batch_and_noise(), point, update_actor=False)
  moved = jax.tree.map(
    lambda a, b: jnp.abs(a - b).max(), new.value.parameters, state.value.parameters
  )
  np.testing.assert_allclose(max(jax.tree.leaves(moved)), 0.01, rtol=1e-3)


def test_zero_learning_rates_change_no_parameters(state):
  point = Hyperparameters(
    actor_learning_rate=0.0, critic_learning_rate=0.0, value_learning_rate=0.0
  )
  new, _ = update(state, *batch_and_noise(), point, update_actor=True)
  for part in ("actor", "critic", "value"):
    assert same(getattr(new, part).parameters, getattr(state, part).parameters)


def test_lambda_zero_does_not_see_the_target_policy(state):
  """At lambda 0 the critics bootstrap from V alone, so the smoothing noise is without effect."""
  batch, noise = batch_and_noise()
  point = Hyperparameters(lam=0.0)
  first, _ = update(state, batch, noise, point, update_actor=False)
  second, _ = update(state, batch, -noise, point, update_actor=False)
  assert same(first, second)
  third, _ = update(state, batch, noise, Hyperparameters(lam=1.0), update_actor=False)
  fourth, _ = update(state, batch, -noise, Hyperparameters(lam=1.0), update_actor=False)
  assert not same(third, fourth)


def test_metrics_name_lambda_nu_and_the_clipped_share(state):
  batch, noise = batch_and_noise()
  _, metrics = update(state, batch, noise, Hyperparameters(weight_clip=1e-6), update_actor=True)
  assert metrics["lam"] == 0.25
  np.testing.assert_allclose(metrics["nu"], 0.1)
  assert metrics["clipped_weights"] == 1
  assert all(metric.shape == () for metric in metrics.values())


def test_a_batch_of_another_shape_is_refused(state):
  batch, noise = batch_and_noise()
  with pytest.raises(AssertionError):
    update(state, batch, noise[:, :1], Hyperparameters(), update_actor=False)
  with pytest.raises(AssertionError):
    update(
      state,
      batch.replace(rewards=batch.rewards[:, None]),
      noise,
      Hyperparameters(),
      update_actor=False,
    )


def test_the_reward_scale_multiplies_the_rewards_and_logs_values_in_the_data_s(state):
  batch, noise = batch_and_noise()
  form = DMG._replace(reward_scale=0.25)
  scaled, logged = dmg.update(state, batch, noise, Hyperparameters(), update_actor=True, form=form)
  batch = batch.replace(rewards=0.25 * batch.rewards)
  plain, plainly = dmg.update(state, batch, noise, Hyperparameters(), update_actor=True)
  assert same(scaled, plain)
  for name, value in plainly.items():
    factor = 4 if name in ("q", "v", "policy_q", "advantage") else 1
    np.testing.assert_array_equal(logged[name], factor * value, err_msg=name)


def test_the_averaged_policy_is_the_target_actor_and_trains_alike(small_networks, state):
  averaged = dmg.make(small_networks, 2, DMG._replace(averaged_policy=True))
  batch, noise = batch_and_noise()
  new, _ = averaged.update(state, batch, noise, Hyperparameters(), update_actor=True)
  plain, _ = dmg.make(small_networks).update(
    state, batch, noise, Hyperparameters(), update_actor=True
  )
  assert same(new, plain)
  assert same(averaged.policy(new), new.target_actor)
  assert not same(new.target_actor, new.actor.parameters)


def test_two_critics_lower_bound_is_their_smallest_and_four_critics_is_not():
  batch, noise = batch_and_noise()
  form = DMG._replace(lower_confidence_bound=True)
  for critics, alike in ((2, True), (4, False)):
    sizes = ((16,), (16,), (16,))
    made = networks.make(ACTION_SIZE, networks.Architecture(*sizes, critics=critics))
    state = dmg.init(jax.random.key(1), OBSERVATION_SIZE, ACTION_SIZE, networks=made)
    losses = [
      dmg.update(state, batch, noise, Hyperparameters(), update_actor=False, form=one)[1]
      for one in (DMG, form)
    ]
    for name in ("value_loss", "critic_loss"):
      close = np.isclose(losses[0][name], losses[1][name], rtol=1e-5)
      assert close == alike
