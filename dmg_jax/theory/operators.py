"""The paper's backup operators on finite MDPs (Definitions 1 to 3), and their fixed points.

Every function here is pure and takes one MDP; `jax.vmap` makes it take thousands.
A set of actions in each state is a mask, (S, A) booleans.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dmg_jax.theory.mdp import FiniteMDP, action_value
from dmg_jax.types import Array

# Policy iteration on the sizes of this study ends in a handful of steps; rounding could make it
# alternate between tied actions for ever.
_MOST_IMPROVEMENTS = 60


class Data(NamedTuple):
  """What a data set of an MDP determines.

  Attributes:
    support: (S, A), where the empirical behaviour policy beta-hat is positive.
    generalised: (S, A), where the mildly generalised policy beta-tilde is (Def. 1).
  """

  support: Array
  generalised: Array


def nearest_distance(actions: Array, support: Array) -> jax.Array:
  """(S, A): how far each action lies from the nearest one of the data in its state.

  Args:
    actions: (S, A, D).
    support: (S, A) booleans, at least one in each state.
  """
  differences = actions[:, :, None] - actions[:, None, :]
  distances = jnp.sqrt(jnp.sum(jnp.square(differences), axis=-1))
  return jnp.min(jnp.where(support[:, None, :], distances, jnp.inf), axis=2)


def data_of(actions: Array, support: Array, radius: Array | float) -> Data:
  """The widest mildly generalised policy of a radius eps_a (Def. 1).

  Args:
    actions: (S, A, D).
    support: (S, A) booleans.
    radius: eps_a, 0 or more, in the units of the actions.
  """
  return Data(support, support | (nearest_distance(actions, support) <= radius))


def maximum(q: Array, mask: Array) -> jax.Array:
  """(S,): the maximum of Q (S, A) over the actions of a mask."""
  return jnp.max(jnp.where(mask, q, -jnp.inf), axis=1)


def greedy(q: Array, mask: Array) -> jax.Array:
  """(S, A): the policy that takes the best action of a mask, the first of equals."""
  return jax.nn.one_hot(jnp.argmax(jnp.where(mask, q, -jnp.inf), axis=1), q.shape[1], dtype=q.dtype)


def restricted_backup(mdp: FiniteMDP, q: Array, mask: Array) -> Array:
  """T_u Q = R + gamma E[max over a' of u of Q(s', a')], for u given by its mask."""
  return action_value(mdp, maximum(q, mask))


def in_sample_backup(mdp: FiniteMDP, q: Array, data: Data) -> Array:
  """T_In: bootstraps from the data's actions alone (Def. 3)."""
  return restricted_backup(mdp, q, data.support)


def full_backup(mdp: FiniteMDP, q: Array) -> Array:
  """T: the Bellman optimality operator, over all actions."""
  return restricted_backup(mdp, q, jnp.ones_like(q, bool))


def mixed_maximum(q: Array, data: Data, lam: Array | float) -> Array:
  """(S,): lambda max over beta-tilde + (1 - lambda) max over beta-hat."""
  return lam * maximum(q, data.generalised) + (1 - lam) * maximum(q, data.support)


def mild_backup(mdp: FiniteMDP, q: Array, data: Data, lam: Array | float) -> Array:
  """T_DMG (Def. 2), at every action as under oracle generalisation (Assumption 1)."""
  return action_value(mdp, mixed_maximum(q, data, lam))


def fixed_point(mdp: FiniteMDP, data: Data, lam: Array | float) -> Array:
  """(S, A): the fixed point of T_DMG by policy iteration, exact up to rounding.

  Its values at lambda = 0 are those of T_In. Given the two greedy actions of each state,
  w = lambda Q(s, a~) + (1 - lambda) Q(s, a^) solves a linear system; new greedy actions
  of R + gamma P w cannot lower w, and once they stay the same w is the fixed point.
  """

  def evaluate(policies: tuple[Array, Array]) -> Array:
    policy = lam * policies[0] + (1 - lam) * policies[1]
    rewards = jnp.sum(policy * mdp.rewards, axis=1)
    transitions = jnp.einsum("sa,sat->st", policy, mdp.transitions)
    values = jnp.linalg.solve(
      jnp.eye(len(rewards), dtype=rewards.dtype) - mdp.discount * transitions, rewards
    )
    return action_value(mdp, values)

  def improve(q: Array) -> tuple[Array, Array]:
    return greedy(q, data.generalised), greedy(q, data.support)

  def unfinished(carry):
    _, changed, count = carry
    return changed & (count < _MOST_IMPROVEMENTS)

  def step(carry):
    policies, _, count = carry
    better = improve(evaluate(policies))
    changed = jnp.any(better[0] != policies[0]) | jnp.any(better[1] != policies[1])
    return better, changed, count + 1

  start = improve(mdp.rewards)
  policies, _, _ = jax.lax.while_loop(unfinished, step, (start, jnp.array(True), 0))
  return evaluate(policies)


def in_sample_fixed_point(mdp: FiniteMDP, data: Data) -> Array:
  """(S, A): Q*_In, the fixed point of T_In (Lemma 1)."""
  return fixed_point(mdp, data, 0.0)


def optimal_q(mdp: FiniteMDP) -> Array:
  """(S, A): Q* of the MDP."""
  everything = jnp.ones_like(mdp.rewards, bool)
  return fixed_point(mdp, Data(everything, everything), 0.0)
