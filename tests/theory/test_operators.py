"""The operators by hand, and laws that they keep."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.theory import generators, operators
from dmg_jax.theory.mdp import FiniteMDP
from dmg_jax.theory.operators import Data

SEEDS = st.integers(0, 2**31 - 1)
# Compiling takes longer than running here, and the compiler's last levels take most of it.
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
SHARES = st.floats(0, 1)
# One state, three actions on a line; the data hold the first.
LINE = FiniteMDP(
  actions=jnp.array([[[0.0], [0.5], [2.0]]]),
  transitions=jnp.ones((1, 3, 1)),
  rewards=jnp.array([[0.0, 0.5, 1.0]]),
  discount=0.5,
  initial=jnp.ones(1),
)
FIRST = jnp.array([[True, False, False]])


def test_generalised_actions_are_those_within_the_radius():
  for radius, expected in ((0.0, [1, 0, 0]), (0.5, [1, 1, 0]), (1.9, [1, 1, 0]), (2.0, [1, 1, 1])):
    data = operators.data_of(LINE.actions, FIRST, radius)
    np.testing.assert_array_equal(data.generalised, [np.array(expected, bool)])


def test_backups_by_hand():
  q = jnp.array([[1.0, 3.0, 9.0]])
  data = operators.data_of(LINE.actions, FIRST, 0.5)
  np.testing.assert_allclose(operators.in_sample_backup(LINE, q, data), [[0.5, 1.0, 1.5]])
  # 0.25 * 3 + 0.75 * 1 = 1.5, halved.
  np.testing.assert_allclose(operators.mild_backup(LINE, q, data, 0.25), [[0.75, 1.25, 1.75]])
  np.testing.assert_allclose(operators.full_backup(LINE, q), [[4.5, 5.0, 5.5]])
  middle = jnp.array([[False, True, False]])
  np.testing.assert_allclose(operators.restricted_backup(LINE, q, middle), [[1.5, 2.0, 2.5]])


def test_fixed_points_by_hand():
  data = operators.data_of(LINE.actions, FIRST, 0.5)
  # In-sample: q0 = q0 / 2 = 0, and the rewards elsewhere.
  np.testing.assert_allclose(operators.in_sample_fixed_point(LINE, data), [[0.0, 0.5, 1.0]])
  # w = lam (0.5 + w / 2) + (1 - lam) w / 2 = lam / 2 + w / 2, so w = lam, and Q = R + lam / 2.
  q = operators.fixed_point(LINE, data, 0.25)
  np.testing.assert_allclose(q, [[0.125, 0.625, 1.125]])
  np.testing.assert_allclose(operators.optimal_q(LINE), [[1.0, 1.5, 2.0]])
  np.testing.assert_array_equal(operators.greedy(q, data.generalised), [[0, 1, 0]])


def test_the_first_of_equal_actions_is_greedy():
  q, mask = jnp.array([[2.0, 1.0, 1.0]]), jnp.array([[False, True, True]])
  np.testing.assert_array_equal(operators.greedy(q, mask), [[0, 1, 0]])


def _made(seed, radius):
  keys = jax.random.split(jax.random.key(seed), 3)
  mdp = generators.random_mdp(keys[0], 4, 6, 2)
  support = generators.random_support(keys[1], 4, 6, 0.3)
  return mdp, operators.data_of(mdp.actions, support, radius), jax.random.normal(keys[2], (2, 4, 6))


@compiled
def _order(seed, radius, lam):
  """Smallest entries of differences that are never negative."""
  mdp, data, (q, other) = _made(seed, radius)
  mild = partial(operators.mild_backup, mdp, data=data)
  above = q + jnp.abs(other)
  return jnp.stack(
    [
      jnp.min(mild(q, lam=lam) - operators.in_sample_backup(mdp, q, data)),
      jnp.min(operators.full_backup(mdp, q) - mild(q, lam=lam)),
      jnp.min(mild(above, lam=lam) - mild(q, lam=lam)),
    ]
  )


@given(SEEDS, st.floats(0, 2), SHARES)
def test_in_sample_is_below_mild_is_below_full_and_mild_is_monotone(seed, radius, lam):
  assert _order(seed, radius, lam).min() >= -1e-12


@compiled
def _ends(seed, radius, lam):
  mdp, data, (q, _) = _made(seed, radius)
  fixed = operators.fixed_point(mdp, data, lam)
  iterated = jax.lax.fori_loop(
    0, 500, lambda _, q: operators.mild_backup(mdp, q, data, lam), 10 * q
  )
  at_ends = [
    operators.fixed_point(mdp, data, 0.0) - operators.in_sample_fixed_point(mdp, data),
    operators.fixed_point(mdp, Data(data.support, jnp.ones_like(data.support)), 1.0)
    - operators.optimal_q(mdp),
  ]
  return jnp.max(jnp.abs(iterated - fixed)), jnp.max(jnp.abs(jnp.stack(at_ends)))


@given(SEEDS, st.floats(0, 2), SHARES)
def test_policy_iteration_finds_what_iterating_finds(seed, radius, lam):
  distance, ends = _ends(seed, radius, lam)
  assert distance < 1e-8  # 0.95^500 of a first distance of about 100
  assert ends < 1e-12


def test_support_is_never_empty():
  supports = generators.draw_many(lambda key: generators.random_support(key, 3, 5, 0.0), 0, 50)
  np.testing.assert_array_equal(supports.sum(axis=2), 1)
