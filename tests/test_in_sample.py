"""In-sample learners against values by hand, closed forms and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dmg_jax import in_sample
from dmg_jax.types import Hyperparameters

numbers = st.floats(-1e3, 1e3, width=32)
# The values of a state's actions in the data, all equally likely.
Q = np.array([-1.0, 0.0, 0.5, 2.0])


def test_expectile_loss_by_hand():
  difference = jnp.array([2.0, -2.0, 0.0])
  # 0.7 * 4; |0.7 - 1| * 4; 0.
  np.testing.assert_allclose(in_sample.expectile_loss(difference, 0.7), [2.8, 1.2, 0.0], rtol=1e-6)


@given(numbers)
@example(1.1e-19)
def test_expectile_of_a_half_is_half_the_square(difference):
  expected = 0.5 * np.float32(difference) ** 2
  loss = in_sample.expectile_loss(jnp.float32(difference), 0.5)
  # XLA takes numbers too small for a full significand as 0, NumPy keeps them.
  np.testing.assert_allclose(loss, expected, atol=np.finfo(np.float32).tiny)


@given(st.lists(numbers, min_size=2, max_size=8), st.floats(0.51, 0.95))
def test_expectile_minimiser_is_monotone_in_the_expectile(targets, expectile):
  """The minimiser solves tau E[(x-m)+] = (1-tau) E[(m-x)+]: the loss falls to its right."""
  targets = jnp.array(targets)
  gradient_at_mean = jax.grad(lambda m: jnp.mean(in_sample.expectile_loss(targets - m, expectile)))(
    jnp.mean(targets)
  )
  # Above a half, the minimiser lies at or above the mean: the slope there is not positive.
  assert gradient_at_mean <= 1e-3 * (1 + jnp.max(jnp.abs(targets)))


def test_exponential_weights_by_hand():
  weights = in_sample.exponential_weights(jnp.array([0.0, 1.0, -1.0, 500.0]), 0.5, 1.5)
  np.testing.assert_allclose(weights, [1.0, 1.5, np.exp(-0.5), 1.5], rtol=1e-6)


def test_gumbel_loss_by_hand():
  """beta 2, z = 1 and -2: m is 1."""
  loss = in_sample.gumbel_loss(jnp.array([2.0, -4.0]), 2.0)
  e = np.e
  np.testing.assert_allclose(loss, [1 - 2 / e, np.exp(-3) + 1 / e], rtol=1e-6)


def test_gumbel_loss_with_z_above_seven():
  """z = 20 is cut to 7, which is also m: e^0 - 8 e^-7. The other, z = 0, gives e^-7 - e^-7."""
  difference = jnp.array([20.0, 0.0])
  loss = in_sample.gumbel_loss(difference, 1.0)
  np.testing.assert_allclose(loss, [1 - 8 * np.exp(-7), 0.0], atol=1e-8)
  # Where z is cut, nothing pulls; the scale e^-m is held constant.
  gradient = jax.grad(lambda u: jnp.sum(in_sample.gumbel_loss(u, 1.0)))(difference)
  np.testing.assert_allclose(gradient, [0.0, 0.0], atol=1e-8)
  gradient = jax.grad(lambda u: jnp.sum(in_sample.gumbel_loss(u, 1.0)))(jnp.array([20.0, 1.0]))
  np.testing.assert_allclose(gradient, [0.0, (np.e - 1) * np.exp(-7)], rtol=1e-5)


def test_gumbel_loss_with_all_z_below_minus_one():
  """z = -2 and -3: m stays -1, so the factor is e."""
  loss = in_sample.gumbel_loss(jnp.array([-2.0, -3.0]), 1.0)
  expected = [np.e * (np.exp(-2) + 1), np.e * (np.exp(-3) + 2)]
  np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_sparse_loss_by_hand():
  """alpha 2: y = 1 + u / 4."""
  loss = in_sample.sparse_loss(jnp.array([4.0, -8.0]), jnp.array([3.0, -1.0]), 2.0)
  np.testing.assert_allclose(loss, [4 + 1.5, 0 - 0.5], rtol=1e-6)


def test_exponential_loss_by_hand():
  """alpha 2: z = 1 and -3, m = 1; and z = 50, which is cut to 5, and m with it."""
  loss = in_sample.exponential_loss(jnp.array([2.0, -6.0]), jnp.array([4.0, 0.0]), 2.0)
  np.testing.assert_allclose(loss, [1 + 2 / np.e, np.exp(-4)], rtol=1e-6)
  loss = in_sample.exponential_loss(jnp.array([100.0]), jnp.array([4.0]), 2.0)
  np.testing.assert_allclose(loss, [1 + 2 * np.exp(-5)], rtol=1e-6)


def test_sparse_weights_by_hand():
  weights = in_sample.sparse_weights(jnp.array([-3.0, 0.0, 2.0, 500.0]), 100.0)
  np.testing.assert_allclose(weights, [0.0, 0.0, 2.0, 100.0])


def test_the_exponential_learner_weighs_with_ten_over_its_temperature():
  point = Hyperparameters(value_temperature=5.0, weight_clip=100.0, inverse_temperature=77.0)
  weights = in_sample.EXPONENTIAL.weights(jnp.array([0.5, 50.0]), point)
  np.testing.assert_allclose(weights, [np.e, 100.0], rtol=1e-6)


def optimum(learner: in_sample.Learner, point: Hyperparameters, q=Q) -> float:
  """Where the slope of the loss of one state's V changes its sign; in float64."""
  with jax.enable_x64(True):
    targets = jnp.asarray(q, jnp.float64)
    slope = jax.jit(jax.grad(lambda v: learner.loss(targets, jnp.full(len(q), v), point)))
    # Lower down, where every exponent is cut, the losses with exponentials have no slope.
    low, high = jnp.float64(np.mean(q) - 0.1), jnp.float64(max(q) + 1)
    for _ in range(60):
      middle = (low + high) / 2
      low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(middle)


@pytest.mark.parametrize("temperature", [0.7, 2.0, 5.0])
@pytest.mark.parametrize("learner", [in_sample.GUMBEL, in_sample.EXPONENTIAL])
def test_exponential_optima_are_the_log_mean_exponential(learner, temperature):
  found = optimum(learner, Hyperparameters(value_temperature=temperature))
  expected = temperature * np.log(np.mean(np.exp(Q / temperature)))
  np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 4.0])
def test_the_sparse_optimum_has_mean_weight_one(temperature):
  """E[max(1 + (Q - V) / (2 alpha), 0)] = 1; at a large alpha no action is dropped: the mean."""
  found = optimum(in_sample.SPARSE, Hyperparameters(value_temperature=temperature))
  kept = np.maximum(1 + (Q - found) / (2 * temperature), 0)
  np.testing.assert_allclose(kept.mean(), 1, atol=1e-9)
  if temperature == 4.0:
    np.testing.assert_allclose(found, Q.mean(), atol=1e-9)


def test_the_expectile_optimum_balances_both_sides():
  found = optimum(in_sample.EXPECTILE, Hyperparameters(expectile=0.8))
  above, below = np.maximum(Q - found, 0).sum(), np.maximum(found - Q, 0).sum()
  np.testing.assert_allclose(0.8 * above, 0.2 * below, atol=1e-9)


@pytest.mark.parametrize(
  ("learner", "points"),
  [
    (in_sample.EXPECTILE, [{"expectile": tau} for tau in (0.5, 0.9, 0.999)]),
    (in_sample.GUMBEL, [{"value_temperature": beta} for beta in (50.0, 1.0, 0.45)]),
    (in_sample.SPARSE, [{"value_temperature": alpha} for alpha in (50.0, 0.5, 0.001)]),
    (in_sample.EXPONENTIAL, [{"value_temperature": alpha} for alpha in (50.0, 1.0, 0.4)]),
  ],
)
def test_every_v_rises_from_the_mean_to_the_largest_q_and_never_beyond(learner, points):
  """The largest exponents that the losses keep, 7 and 5, bound how small a temperature counts."""
  found = [optimum(learner, Hyperparameters(**point)) for point in points]
  assert Q.mean() - 1e-9 <= found[0] < found[1] < found[2] <= Q.max()
  np.testing.assert_allclose(found[0], Q.mean(), atol=0.02)
  assert found[2] > 1.3


@given(st.lists(st.floats(-4, 4), min_size=2, max_size=6), st.floats(2, 5))
@pytest.mark.parametrize("learner", [in_sample.GUMBEL, in_sample.SPARSE, in_sample.EXPONENTIAL])
def test_losses_pull_v_between_the_mean_and_the_largest_q(learner, q, temperature):
  """Below the mean every loss falls with V, above the largest Q it rises."""
  point = Hyperparameters(value_temperature=temperature)
  targets = jnp.asarray(q, jnp.float32)
  slope = jax.grad(lambda v: learner.loss(targets, jnp.full(len(q), v), point))
  assert slope(jnp.mean(targets) - 0.1) < 0
  assert slope(jnp.max(targets) + 0.1) > 0
