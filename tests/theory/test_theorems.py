"""Each theorem as a property, and the cases that show what its assumptions buy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmg_jax.theory import (
  broken,
  contraction,
  extension,
  generators,
  lower_bound,
  one_step,
  performance,
)
from dmg_jax.theory import overestimation as over

SEEDS = st.integers(0, 2**31 - 1)
# Compiling takes longer than running here, and the compiler's last levels take most of it.
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
# Values are of the order of 10; sums of 40 backups leave about 1e-14 of rounding.
ROUNDING = 1e-10


@compiled
def _ratio_above_discount(seed, spread):
  key, pair = jax.random.split(jax.random.key(seed))
  case = contraction.draw(key)
  first = 10 * jax.random.normal(pair, case.mdp.rewards.shape)
  second = first + 1 + spread * jnp.sin(jnp.arange(first.size).reshape(first.shape))
  return contraction.contraction_ratio(case, first, second) - case.mdp.discount


@given(SEEDS, st.floats(0, 3))
def test_theorem_2_contraction(seed, spread):
  assert _ratio_above_discount(seed, spread) <= ROUNDING


def test_theorem_2_a_perturbation_decays_as_said_where_the_best_action_is_off_the_data():
  def follow(key):
    case = contraction.attaining_case(contraction.draw(key), 0.25)
    return contraction.follow_perturbation(case, 1.0, 3)

  free, held = compiled(follow)(jax.random.key(0))
  # lambda gamma = 0.225; then by gamma = 0.9, or by 0.225 again where the data's values are held.
  np.testing.assert_allclose(free, [1, 0.225, 0.2025, 0.18225], atol=1e-10)
  np.testing.assert_allclose(held, [1, 0.225, 0.050625, 0.011390625], atol=1e-10)


@compiled
def _compared(seed):
  compared = performance.compare(contraction.draw(jax.random.key(seed)))
  gaps = compared["mild"] - compared["in_sample"]
  above = compared["mild"] - compared["mixed_value"]
  return jnp.min(gaps), jnp.max(gaps), jnp.max(compared["improvement"]), jnp.min(above)


@given(SEEDS)
def test_theorem_3_and_its_equality(seed):
  smallest, largest, improvement, above = _compared(seed)
  assert smallest >= -ROUNDING
  assert (largest > ROUNDING) == (improvement > ROUNDING)
  assert above >= -ROUNDING  # V of the policy is at least V*_DMG


@compiled
def _margins(seed, power):
  keys = jax.random.split(jax.random.key(seed))
  case = over.draw(keys[0])
  shares = jax.random.uniform(keys[1], (26, *case.mdp.rewards.shape)) ** power
  return over.margins(case, shares)


@given(SEEDS, st.floats(0, 4))
def test_theorem_4_for_random_errors(seed, power):
  margins = _margins(seed, power)
  assert margins["upper"] >= -ROUNDING
  assert margins["lower"] >= -ROUNDING
  assert margins["steepness"] <= 1 + 1e-9


def test_theorem_4_is_attained_by_hand():
  case = over.attaining_case()
  # lambda eps_a K_Q gamma = 0.25 * 0.125 * 2 * 0.9 = 0.05625; then times 1 + 0.9.
  np.testing.assert_allclose(over.bound(case, jnp.arange(3)), [0, 0.05625, 0.106875])
  excess = over.excess(case, jnp.ones((3, 1, 2)))[:, 0, 0]
  np.testing.assert_allclose(excess, [0, 0.05625, 0.106875])


def test_theorem_4_ascent_raises_the_error_to_the_bound():
  case = over.attaining_case()
  start = jnp.full((6, 1, 2), 0.5)
  before = over.margins(case, jax.nn.sigmoid(start))["share"]
  found = compiled(partial(over.ascend, iterations=100))(case, start)
  # A share of sigmoid(0.5) = 0.6225 of the interval [-K eps, K eps] is an error of 0.2449 K eps.
  assert before == pytest.approx(0.2449, abs=1e-4)
  assert over.margins(case, found)["share"] > 0.99


@compiled
def _at_multiple(seed, multiple, share):
  return lower_bound.at_multiple(lower_bound.draw(jax.random.key(seed)), multiple, share)


@settings(max_examples=25)
@given(SEEDS, st.floats(0.01, 0.999), st.floats(0, 1))
def test_theorem_5_inside_its_threshold(seed, multiple, share):
  found = _at_multiple(seed, multiple, share)
  assert found["loss"] <= found["reward"] + found["transition"] + ROUNDING
  assert found["moved"] <= found["radius"] * (1 + 1e-9)


def test_theorem_5_is_sharp_and_needs_the_rewards_term():
  inside, beyond = (lower_bound.crossing_case(multiple) for multiple in (0.9, 1.1))
  # Inside, eps_a = 0.9 * 0.2 / 4 = 0.045 and each step loses 4 * 0.045 = 0.18, ten times over.
  assert inside["loss"] == pytest.approx(1.8)
  assert inside["bound"] == pytest.approx(1.8)
  # Beyond, eps_a = 0.055: the gap of 0.2 is lost as well.
  assert beyond["loss"] == pytest.approx(4.2)
  assert beyond["bound"] == pytest.approx(2.2)


def test_theorem_5_gap_and_threshold_by_hand():
  q = jnp.array([[3.0, 1.0, 9.0], [2.0, 0.0, 5.0]])
  support = jnp.array([[True, True, False], [True, False, False]])
  np.testing.assert_allclose(lower_bound.gap(q, support), [2.0, jnp.inf])
  # 0.1 * 2 / (4 * (0.1 + 0.5 * 0.9)).
  assert lower_bound.threshold(q, support, 4.0, 0.9, 0.5) == pytest.approx(0.2 / 2.2)


@compiled
def _one_step(seed):
  found = one_step.examine(*one_step.draw(jax.random.key(seed), 8))
  return found["first"], found["second_share"], found["curvature"]


@settings(max_examples=15)
@given(SEEDS)
def test_theorem_1(seed):
  first, second, curvature = _one_step(seed)
  assert first.min() >= 0
  assert first.max() <= 1
  assert second <= 1
  # The remainder is of second order: over |theta' - theta|^2 it tends to a constant.
  assert float(curvature[-1]) == pytest.approx(float(curvature[-2]), rel=0.02)


@compiled
def _extended(seed, lipschitz_share):
  keys = jax.random.split(jax.random.key(seed), 3)
  actions = jax.random.uniform(keys[0], (2, 6, 2))
  support = jnp.broadcast_to(jnp.arange(6) < 3, (2, 6))
  slopes = jax.random.normal(keys[1], (2, 2))
  q = jnp.einsum("sad,sd->sa", actions, slopes)
  lipschitz = jnp.max(jnp.linalg.norm(slopes, axis=1)) * (1 + lipschitz_share)
  extended = extension.extend(q, actions, support, lipschitz, jax.random.uniform(keys[2], q.shape))
  rises = jnp.abs(extended[:, :, None] - extended[:, None, :])
  over_steep = jnp.max(rises - lipschitz * extension.distances(actions))
  upper = extension.upper_extension(q, actions, support, lipschitz)
  lower = extension.lower_extension(q, actions, support, lipschitz)
  outside = jnp.max(jnp.maximum(extended - upper, lower - extended))
  return over_steep, outside, jnp.max(jnp.where(support, jnp.abs(extended - q), 0))


@given(SEEDS, st.floats(0, 2))
def test_extensions_are_lipschitz_keep_the_data_and_lie_between_the_extremes(seed, share):
  over_steep, outside, off = _extended(seed, share)
  assert max(over_steep, outside, off) <= 1e-12


@compiled
def _steepness(seed):
  key, place = jax.random.split(jax.random.key(seed))
  functions = generators.smooth_mdp(key, 3, 2, 1.0, 1.0)
  actions = jax.random.uniform(place, (3, 10, 2), minval=-3, maxval=3)
  mdp, constants = functions.at(actions), functions.smoothness()
  apart = extension.distances(actions)
  rewards = jnp.abs(mdp.rewards[:, :, None] - mdp.rewards[:, None])
  moved = jnp.abs(mdp.transitions[:, :, None] - mdp.transitions[:, None])
  return jnp.stack(
    [
      jnp.max(rewards - constants.rewards * apart),
      jnp.max(jnp.sum(moved, -1) - constants.transitions * apart),
      jnp.max(moved - constants.transition_entries * apart[..., None]),
      jnp.max(jnp.abs(jnp.sum(mdp.transitions, -1) - 1)),
    ]
  )


@given(SEEDS)
def test_constants_hold_by_construction(seed):
  assert _steepness(seed).max() <= 1e-12


def test_a_linear_extrapolation_diverges_at_lambda_1_only():
  # Factors 0.9 (1 + 0.2 lambda): 1.08 and 0.945; the limit of the latter is 1 / 0.055.
  np.testing.assert_allclose(
    broken.extrapolated_iterates(1.0, 0.2, 0.9, 3), [0, 1, 2.08, 3.2464], atol=1e-12
  )
  assert broken.extrapolated_iterates(1.0, 0.2, 0.9, 200)[-1] > 1e6
  assert broken.extrapolated_iterates(0.25, 0.2, 0.9, 600)[-1] == pytest.approx(1 / 0.055)


def test_an_in_sample_maximum_is_stuck_where_the_data_are_poor():
  returns = broken.stuck_returns(jnp.array([0.2, 0.4]), 0.25)
  np.testing.assert_allclose(returns["in_sample"], [2, 2])
  np.testing.assert_allclose(returns["mild"], [2, 10])


def test_a_cliff_costs_everything_at_any_radius():
  # 10 from staying for ever, 1 from one step.
  assert broken.cliff_loss(1e-3) == pytest.approx(9)
