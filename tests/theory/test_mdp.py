"""Policy values by hand, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.theory.mdp import FiniteMDP, action_value, check, expected_return, policy_value

SUPPORT = np.array([[True, False], [True, True]])


def two_states(**changes) -> FiniteMDP:
  """Action 0 stays, action 1 goes to the other state; reward 1 for staying in state 1."""
  arrays = {
    "actions": np.array([[[0.0], [1.0]], [[0.0], [1.0]]]),
    "transitions": np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]),
    "rewards": np.array([[0.0, 0.0], [1.0, 0.0]]),
    "discount": 0.5,
    "initial": np.array([1.0, 0.0]),
  }
  return FiniteMDP(**(arrays | changes))


def test_values_of_a_policy():
  go_then_stay = jnp.array([[0.0, 1.0], [1.0, 0.0]])
  # State 1: 1 / (1 - 0.5) = 2. State 0: 0 + 0.5 * 2 = 1.
  np.testing.assert_allclose(policy_value(two_states(), go_then_stay), [1.0, 2.0])
  assert expected_return(two_states(), go_then_stay) == pytest.approx(1.0)


def test_values_of_a_policy_that_tosses_a_coin():
  # v0 = 0.25 (v0 + v1), v1 = 0.5 + 0.25 (v1 + v0): v1 = 3 v0, hence v0 = 0.25, v1 = 0.75.
  np.testing.assert_allclose(policy_value(two_states(), jnp.full((2, 2), 0.5)), [0.25, 0.75])


def test_action_values():
  q = action_value(two_states(), jnp.array([1.0, 2.0]))
  np.testing.assert_allclose(q, [[0.5, 1.0], [2.0, 0.5]])


def test_a_sound_mdp_is_accepted():
  check(two_states(), SUPPORT, radius=0.0, lam=1.0)


BROKEN_SUMS = np.array([[[1.0, 0.0], [0.0, 0.9]], [[0.0, 1.0], [1.0, 0.0]]])


@pytest.mark.parametrize(
  ("changes", "given", "message"),
  [
    ({}, {"radius": -0.1}, "the radius eps_a is -0.1, but it is a distance: give 0 or more"),
    ({}, {"radius": float("nan")}, "the radius eps_a is nan"),
    ({}, {"lam": 1.5}, "lambda is 1.5, but it is a share"),
    ({"discount": 1.0}, {}, "the discount gamma is 1.0, and the operators contract only below 1"),
    ({"discount": float("nan")}, {}, "the discount gamma is nan"),
    (
      {"transitions": BROKEN_SUMS},
      {},
      r"transitions\[0, 1\] sum to 0.9 over next states: make each row sum to 1",
    ),
    ({"transitions": -BROKEN_SUMS}, {}, r"transitions\[0, 0, 0\] is not a probability"),
    ({}, {"support": np.array([[True, False], [False, False]])}, r"support\[1\] is empty"),
    ({}, {"support": np.array([True, False])}, "support has shape"),
    ({"rewards": np.array([[0.0, -1.0], [1.0, 0.0]])}, {}, r"rewards\[0, 1\] is not in"),
    ({"initial": np.array([0.5, 0.4])}, {}, "initial sums to 0.9"),
    ({"actions": np.zeros((2, 2))}, {}, "actions have shape"),
    ({"actions": np.full((2, 2, 1), np.inf)}, {}, r"actions\[0, 0, 0\] is not finite"),
    ({"rewards": np.zeros(3)}, {}, "rewards have shape"),
  ],
)
def test_what_is_refused(changes, given, message):
  arguments = {"support": SUPPORT, "radius": 0.1, "lam": 0.5} | given
  with pytest.raises(UserError, match=message) as raised:
    check(two_states(**changes), **arguments)
  assert "\n" not in str(raised.value)
