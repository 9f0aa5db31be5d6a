"""Finite MDPs as arrays, and exact values of their policies."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from dmg_jax.errors import UserError
from dmg_jax.types import Array

# Rows of a probability table that a person wrote with six digits still pass.
_SUM_TOLERANCE = 1e-5


class FiniteMDP(struct.PyTreeNode):
  """An MDP with S states and A actions in each of them.

  Attributes:
    actions: (S, A, D), the place of each action in R^D. Distances are Euclidean.
    transitions: (S, A, S), P(s' | s, a).
    rewards: (S, A), R(s, a) in [0, R_max].
    discount: gamma in [0, 1).
    initial: (S,), the distribution of the first state.
  """

  actions: Array
  transitions: Array
  rewards: Array
  discount: Array | float
  initial: Array


def policy_value(mdp: FiniteMDP, policy: Array) -> jax.Array:
  """V of a policy by a linear solve: (I - gamma P_pi) V = R_pi.

  Args:
    mdp: the MDP.
    policy: (S, A), probabilities of the actions in each state.

  Returns:
    (S,).
  """
  rewards = jnp.sum(policy * mdp.rewards, axis=1)
  transitions = jnp.einsum("sa,sat->st", policy, mdp.transitions)
  return jnp.linalg.solve(
    jnp.eye(len(rewards), dtype=rewards.dtype) - mdp.discount * transitions, rewards
  )


def action_value(mdp: FiniteMDP, state_values: Array) -> Array:
  """R + gamma E[V(s')], (S, A), of state values (S,)."""
  # A sum and not a product of matrices: over thousands of small MDPs it is one fused loop.
  return mdp.rewards + mdp.discount * jnp.sum(mdp.transitions * state_values, axis=-1)


def expected_return(mdp: FiniteMDP, policy: Array) -> Array:
  """J(pi): the value of a policy (S, A) at the first state, not times 1 - gamma."""
  return mdp.initial @ policy_value(mdp, policy)


def check(mdp: FiniteMDP, support: Array, radius: float, lam: float) -> None:
  """Refuses what the definitions do not allow. For one MDP, on concrete arrays.

  Args:
    mdp: the MDP.
    support: (S, A), whether the data hold the action in the state.
    radius: eps_a, how far a generalised action may lie from the data's.
    lam: lambda, the share of generalisation in a backup.

  Raises:
    UserError: naming what is wrong, where, and what to do.
  """
  # Written so that a NaN fails too.
  if not radius >= 0:
    raise UserError(f"the radius eps_a is {radius}, but it is a distance: give 0 or more")
  if not 0 <= lam <= 1:
    raise UserError(f"lambda is {lam}, but it is a share: give a number in [0, 1]")
  if not 0 <= float(mdp.discount) < 1:
    raise UserError(
      f"the discount gamma is {float(mdp.discount)}, and the operators contract "
      "only below 1: give a number in [0, 1)"
    )
  _check_shapes(mdp, support)
  transitions = np.asarray(mdp.transitions)
  _refuse_any(~(transitions >= 0), "transitions", "is not a probability: give numbers in [0, 1]")
  sums = transitions.sum(axis=-1)
  wrong = ~(np.abs(sums - 1) <= _SUM_TOLERANCE)
  if wrong.any():
    state, action = (int(index) for index in np.argwhere(wrong)[0])
    raise UserError(
      f"transitions[{state}, {action}] sum to {sums[state, action]:.6g} over next states: "
      "make each row sum to 1"
    )
  rewards = np.asarray(mdp.rewards)
  _refuse_any(
    ~((rewards >= 0) & np.isfinite(rewards)),
    "rewards",
    "is not in [0, R_max], as the theorems assume: add a constant to all rewards",
  )
  _refuse_any(~np.isfinite(np.asarray(mdp.actions)), "actions", "is not finite: give a place")
  initial = np.asarray(mdp.initial)
  if not ((initial >= 0).all() and abs(initial.sum() - 1) <= _SUM_TOLERANCE):
    raise UserError(
      f"initial sums to {initial.sum():.6g} or has a negative entry: give a distribution"
    )
  empty = ~np.asarray(support).any(axis=1)
  if empty.any():
    raise UserError(
      f"support[{int(np.argmax(empty))}] is empty: the in-sample maximum needs at least one "
      "action of the data in each state"
    )


def _check_shapes(mdp: FiniteMDP, support: Array) -> None:
  if np.ndim(mdp.rewards) != 2 or not np.size(mdp.rewards):
    raise UserError(f"rewards have shape {np.shape(mdp.rewards)}, but must be (states, actions)")
  states, actions = np.shape(mdp.rewards)
  expected = {
    "transitions": (states, actions, states),
    "support": (states, actions),
    "initial": (states,),
  }
  given = {"transitions": mdp.transitions, "support": support, "initial": mdp.initial}
  for name, shape in expected.items():
    if np.shape(given[name]) != shape:
      raise UserError(f"{name} has shape {np.shape(given[name])}, but rewards ask for {shape}")
  place = np.shape(mdp.actions)
  if len(place) != 3 or place[:2] != (states, actions):
    raise UserError(
      f"actions have shape {place}, but must be ({states}, {actions}, D): "
      "a place in R^D for each action of each state"
    )


def _refuse_any(wrong: np.ndarray, name: str, reason: str) -> None:
  if wrong.any():
    place = ", ".join(str(int(index)) for index in np.argwhere(wrong)[0])
    raise UserError(f"{name}[{place}] {reason}")
