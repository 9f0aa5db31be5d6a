"""Losses against values computed by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dmg_jax import losses

numbers = st.floats(-1e3, 1e3, width=32)


def test_bellman_target_by_hand():
  target = losses.bellman_target(
    rewards=jnp.array([1.0, 1.0]),
    not_dones=jnp.array([1.0, 0.0]),
    generalised_values=jnp.array([8.0, 8.0]),
    in_sample_values=jnp.array([4.0, 4.0]),
    lam=0.25,
    discount=0.9,
  )
  # 1 + 0.9 * (0.25 * 8 + 0.75 * 4); an end has no future.
  np.testing.assert_allclose(target, [5.5, 1.0], rtol=1e-6)


@pytest.mark.parametrize(("lam", "expected"), [(0.0, 4.0), (1.0, 8.0)])
def test_bellman_target_at_the_ends_of_lambda(lam, expected):
  one = jnp.ones(1)
  target = losses.bellman_target(0 * one, one, 8 * one, 4 * one, lam, 1.0)
  np.testing.assert_allclose(target, [expected])


@given(numbers, numbers, numbers, numbers, st.floats(0, 1), st.floats(0, 0.99), st.booleans())
@example(0.0, 100.0, 0.0, 100.0, 0.25, 0.9, True)
def test_bellman_target_is_a_gamma_contraction_and_no_more(q, other_q, v, other_v, lam, gamma, on):
  """Eq. 16 moves by gamma times the mixture of its bootstraps' moves: at most by gamma times the
  larger, and by just that where both move alike. Past an end it does not move."""
  one = jnp.ones(1, jnp.float32)
  first = losses.bellman_target(one, on * one, q * one, v * one, lam, gamma)
  second = losses.bellman_target(one, on * one, other_q * one, other_v * one, lam, gamma)
  moved = lam * (other_q - q) + (1 - lam) * (other_v - v)
  np.testing.assert_allclose(second - first, on * gamma * moved, atol=2e-3)


@pytest.mark.parametrize("lam", [0.0, 0.25, 1.0])
def test_bellman_target_has_the_discounted_sum_as_its_fixed_point(lam):
  """A state that leads to itself with reward 2, of which the last visit ends with reward 1."""
  rewards, not_dones = jnp.array([2.0, 1.0]), jnp.array([1.0, 0.0])
  values = jnp.array([-50.0, 50.0])
  for _ in range(150):
    values = losses.bellman_target(rewards, not_dones, values, values, lam, 0.9)
  np.testing.assert_allclose(values, [2 / (1 - 0.9), 1.0], rtol=1e-5)


def test_generalised_share_by_hand():
  q, v = jnp.array([2.0, -4.0]), jnp.array([1.0, 1.0])
  # 0.25 * 3 beside 0.75 * 1.
  np.testing.assert_allclose(losses.generalised_share(q, v, 0.25), 0.5)
  np.testing.assert_allclose(losses.generalised_share(q, 0 * v, 1.0), 1.0)
  np.testing.assert_allclose(losses.generalised_share(0 * q, v, 0.0), 0.0)
  np.testing.assert_allclose(losses.generalised_share(0 * q, 0 * v, 0.5), 0.0)


def test_actor_loss_by_hand():
  loss = losses.actor_loss(
    q_values=jnp.array([2.0, -4.0]),
    policy_actions=jnp.array([[0.5, 0.0], [0.0, 1.0]]),
    actions=jnp.array([[0.0, 0.0], [0.0, 0.0]]),
    weights=jnp.array([2.0, 3.0]),
    q_coefficient=1.0,
    nu=0.1,
  )
  # -mean(Q) / mean|Q| = 1 / 3; mean over batch and dimensions of w * d^2 = 3.5 / 4.
  np.testing.assert_allclose(loss, 1 / 3 + 0.1 * 3.5 / 4, rtol=1e-6)


def test_actor_loss_without_a_q_term_is_the_weighted_regression():
  loss = losses.actor_loss(
    None, jnp.array([[0.5], [1.0]]), jnp.zeros((2, 1)), jnp.array([2.0, 3.0]), 1.0, 0.1
  )
  np.testing.assert_allclose(loss, 0.1 * 3.5 / 2, rtol=1e-6)


def test_actor_loss_holds_its_scale_constant():
  gradient = jax.grad(
    lambda q: losses.actor_loss(q, jnp.zeros((2, 1)), jnp.zeros((2, 1)), jnp.ones(2), 1.0, 0.0)
  )(jnp.array([2.0, -4.0]))
  # d/dq of -mean(q) / 3 with the 3 constant.
  np.testing.assert_allclose(gradient, [-1 / 6, -1 / 6], rtol=1e-6)


def test_actor_loss_has_a_finite_gradient_where_every_q_is_zero():
  gradient = jax.grad(
    lambda q: losses.actor_loss(q, jnp.zeros((2, 1)), jnp.zeros((2, 1)), jnp.ones(2), 1.0, 0.1)
  )(jnp.zeros(2))
  assert jnp.isfinite(gradient).all()


def test_the_lower_confidence_bound_by_hand():
  # Means 3 and 1; deviations sqrt(((-2)^2 + 0 + 2^2) / 3) and 0.
  q_values = jnp.array([[1.0, 1.0], [3.0, 1.0], [5.0, 1.0]])
  np.testing.assert_allclose(
    losses.lower_confidence_bound(q_values), [3 - (8 / 3) ** 0.5, 1.0], rtol=1e-6
  )


def test_of_two_critics_the_bound_is_the_smallest():
  q_values = jax.random.normal(jax.random.key(0), (2, 50))
  np.testing.assert_allclose(
    losses.lower_confidence_bound(q_values), q_values.min(axis=0), atol=1e-6
  )


def test_where_critics_agree_the_bounds_gradient_is_the_means():
  gradient = jax.grad(lambda q_values: losses.lower_confidence_bound(q_values).sum())
  np.testing.assert_allclose(gradient(jnp.ones((4, 3))), np.full((4, 3), 0.25))
