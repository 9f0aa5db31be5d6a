"""Random MDPs: without structure, or Lipschitz in the action with known constants."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from dmg_jax.theory.mdp import FiniteMDP
from dmg_jax.types import Array

# R_max of everything drawn here.
LARGEST_REWARD = 1.0


def draw_many(draw: Callable[[Array], Any], seed: int, count: int) -> Any:
  """What a function draws from `count` keys, in one compiled call, on a leading axis.

  Args:
    draw: from a typed PRNG key to a pytree.
    seed: of the keys.
    count: of the draws.
  """
  # Random bits are soon drawn, but the compiler's last level takes three times as long on them.
  fast = {"xla_backend_optimization_level": 1}
  keys = jax.random.split(jax.random.key(seed), count)
  return jax.jit(jax.vmap(draw), compiler_options=fast)(keys)


def random_mdp(key: Array, states: int, actions: int, dimensions: int) -> FiniteMDP:
  """An MDP without structure: nearby actions may do anything.

  Actions are uniform in [-1, 1]^D, each row of the transitions puts most of its mass on few
  states, rewards are uniform in [0, 1], gamma in [0.5, 0.95].
  """
  keys = jax.random.split(key, 5)
  return FiniteMDP(
    actions=jax.random.uniform(keys[0], (states, actions, dimensions), minval=-1),
    transitions=_distributions(keys[1], (states, actions, states)),
    rewards=jax.random.uniform(keys[2], (states, actions)) * LARGEST_REWARD,
    discount=jax.random.uniform(keys[3], minval=0.5, maxval=0.95),
    initial=_distributions(keys[4], (states,)),
  )


def random_support(key: Array, states: int, actions: int, share: float) -> jax.Array:
  """(S, A) booleans: each action is in the data with this probability, and one in any case."""
  chance, one = jax.random.split(key)
  drawn = jax.random.bernoulli(chance, share, (states, actions))
  sure = jax.random.randint(one, (states, 1), 0, actions)
  return drawn | (jnp.arange(actions) == sure)


def _distributions(key: Array, shape: tuple[int, ...]) -> jax.Array:
  """Draws of Dirichlet(1/2, ..., 1/2) along the last axis: squares of normals, made to sum to 1.

  Most of the mass lies on few entries. `jax.random.dirichlet` draws the same, one number at a
  time on a CPU, which takes longer than all else here.
  """
  squares = jnp.square(jax.random.normal(key, shape))
  return squares / jnp.sum(squares, axis=-1, keepdims=True)


class Smoothness(NamedTuple):
  """Lipschitz constants in the action, with the Euclidean norm.

  Attributes:
    rewards: K_R, of R(s, .).
    transitions: K_P, of P(. | s, .) in the L1 norm over next states.
    transition_entries: of each P(s' | s, .) by itself.
  """

  rewards: Array
  transitions: Array
  transition_entries: Array


class SmoothMDP(struct.PyTreeNode):
  """Rewards and transitions as smooth functions of an action anywhere in R^D.

  R(s, a) = (1 + sin(w_s . a + b_s)) / 2 and P(. | s, a) mixes two distributions with the
  weight (1 + sin(v_s . a + c_s)) / 2, so that the Lipschitz constants are known: the sine's
  slope is at most 1.

  Attributes:
    reward_slopes: w, (S, D).
    reward_shifts: b, (S,).
    mixture_slopes: v, (S, D).
    mixture_shifts: c, (S,).
    next_states: (S, 2, S), the two distributions.
    discount: gamma.
    initial: (S,).
  """

  reward_slopes: Array
  reward_shifts: Array
  mixture_slopes: Array
  mixture_shifts: Array
  next_states: Array
  discount: Array | float
  initial: Array

  def at(self, actions: Array) -> FiniteMDP:
    """The finite MDP of chosen actions, (S, A, D)."""
    waves = jnp.einsum("sad,sd->sa", actions, self.reward_slopes) + self.reward_shifts[:, None]
    mixing = jnp.einsum("sad,sd->sa", actions, self.mixture_slopes) + self.mixture_shifts[:, None]
    share = (1 + jnp.sin(mixing))[..., None] / 2
    first, second = self.next_states[:, None, 0], self.next_states[:, None, 1]
    return FiniteMDP(
      actions=actions,
      transitions=(1 - share) * first + share * second,
      rewards=LARGEST_REWARD * (1 + jnp.sin(waves)) / 2,
      discount=self.discount,
      initial=self.initial,
    )

  def smoothness(self) -> Smoothness:
    """The constants that hold by construction."""
    steepness = jnp.linalg.norm(self.mixture_slopes, axis=1) / 2
    apart = jnp.abs(self.next_states[:, 0] - self.next_states[:, 1])
    return Smoothness(
      rewards=LARGEST_REWARD * jnp.max(jnp.linalg.norm(self.reward_slopes, axis=1)) / 2,
      transitions=jnp.max(steepness * jnp.sum(apart, axis=1)),
      transition_entries=jnp.max(steepness * jnp.max(apart, axis=1)),
    )


def smooth_mdp(
  key: Array, states: int, dimensions: int, reward_slope: float, transition_slope: float
) -> SmoothMDP:
  """Draws functions of a typical steepness.

  Args:
    key: typed PRNG key.
    states: S.
    dimensions: D of the action.
    reward_slope: standard deviation of the entries of w.
    transition_slope: that of v.

  Returns:
    gamma is uniform in [0.5, 0.9].
  """
  keys = jax.random.split(key, 7)
  phase = 2 * jnp.pi
  return SmoothMDP(
    reward_slopes=reward_slope * jax.random.normal(keys[0], (states, dimensions)),
    reward_shifts=jax.random.uniform(keys[1], (states,), maxval=phase),
    mixture_slopes=transition_slope * jax.random.normal(keys[2], (states, dimensions)),
    mixture_shifts=jax.random.uniform(keys[3], (states,), maxval=phase),
    next_states=_distributions(keys[4], (states, 2, states)),
    discount=jax.random.uniform(keys[5], minval=0.5, maxval=0.9),
    initial=_distributions(keys[6], (states,)),
  )


def data_with_neighbours(
  key: Array, states: int, in_data: int, neighbours: int, dimensions: int, radius: Array | float
) -> tuple[jax.Array, jax.Array]:
  """Actions of the data, and others at exactly the radius eps_a from one of them.

  Args:
    key: typed PRNG key; it fixes the data's actions and the directions, whatever the radius.
    states: S.
    in_data: actions of the data in each state, uniform in [-1, 1]^D.
    neighbours: actions off the data beside each of them.
    dimensions: D.
    radius: eps_a.

  Returns:
    actions (S, A, D), with A = in_data * (1 + neighbours) and the data's first; and the
    support (S, A).
  """
  place, direction = jax.random.split(key)
  centres = jax.random.uniform(place, (states, in_data, dimensions), minval=-1)
  steps = jax.random.normal(direction, (states, in_data, neighbours, dimensions))
  steps = radius * steps / jnp.linalg.norm(steps, axis=-1, keepdims=True)
  around = (centres[:, :, None] + steps).reshape(states, -1, dimensions)
  actions = jnp.concatenate([centres, around], axis=1)
  support = jnp.broadcast_to(jnp.arange(actions.shape[1]) < in_data, actions.shape[:2])
  return actions, support


def q_lipschitz(
  smoothness: Smoothness, discount: Array | float, lam: Array | float, radius: Array | float
) -> jax.Array:
  """A K_Q that all iterates of DMG keep, whose off-data values are themselves K_Q-Lipschitz.

  A backup's steepness is K_R + gamma K_P / 2 times the span of the bootstrapped values, which
  lie in [0, (R_max + lambda eps_a K_Q) / (1 - gamma)]; this solves for K_Q. Infinite where no
  constant does, that is where gamma K_P lambda eps_a >= 2 (1 - gamma).
  """
  growth = discount * smoothness.transitions / (2 * (1 - discount))
  rest = 1 - growth * lam * radius
  return jnp.where(rest > 0, (smoothness.rewards + growth * LARGEST_REWARD) / rest, jnp.inf)
