"""Values off the data that a K_Q-Lipschitz function may have, given those on the data.

McShane's extensions: the largest and the smallest Lipschitz function through given points.
"""

import jax
import jax.numpy as jnp

from dmg_jax.theory.mdp import FiniteMDP
from dmg_jax.theory.operators import Data, mild_backup
from dmg_jax.types import Array


def distances(actions: Array) -> Array:
  """(S, A, A): between the actions (S, A, D) of each state."""
  return jnp.sqrt(jnp.sum(jnp.square(actions[:, :, None] - actions[:, None, :]), axis=-1))


def upper_extension(q: Array, actions: Array, mask: Array, lipschitz: Array | float) -> Array:
  """The largest Lipschitz function that equals Q on a mask: min over its a of Q(a) + K |. - a|."""
  cones = q[:, None, :] + lipschitz * distances(actions)
  return jnp.min(jnp.where(mask[:, None, :], cones, jnp.inf), axis=2)


def lower_extension(q: Array, actions: Array, mask: Array, lipschitz: Array | float) -> Array:
  """The smallest Lipschitz function that equals Q on a mask."""
  return -upper_extension(-q, actions, mask, lipschitz)


def extend(
  q: Array, actions: Array, support: Array, lipschitz: Array | float, shares: Array
) -> Array:
  """A Lipschitz function that equals Q on the data and is anything possible elsewhere.

  Args:
    q: (S, A); only the values on the support count, and they must be Lipschitz themselves.
    actions: (S, A, D).
    support: (S, A) booleans.
    lipschitz: K_Q.
    shares: (S, A) in [0, 1], where off the data each value is to lie between the smallest
      (0) and the largest (1) that it can have. Values that are too far apart from one
      another for the constant are lowered until they are not.

  Returns:
    (S, A). All shares 1 give the upper extension, all 0 the lower.
  """
  upper = upper_extension(q, actions, support, lipschitz)
  lower = lower_extension(q, actions, support, lipschitz)
  wanted = jnp.where(support, q, lower + shares * (upper - lower))
  return upper_extension(wanted, actions, jnp.ones_like(support), lipschitz)


def approximate_backup(
  mdp: FiniteMDP,
  q: Array,
  data: Data,
  lam: Array | float,
  lipschitz: Array | float,
  shares: Array,
) -> Array:
  """The worst-case operator of Thm 4: T_DMG on the data, any Lipschitz error off it.

  Args:
    mdp: the MDP.
    q: (S, A), what the backup bootstraps from.
    data: beta-hat and beta-tilde.
    lam: lambda.
    lipschitz: K_Q.
    shares: (S, A), the errors, see `extend`.
  """
  backup = mild_backup(mdp, q, data, lam)
  return extend(backup, mdp.actions, data.support, lipschitz, shares)


def misled(
  q: Array,
  harm: Array,
  actions: Array,
  data: Data,
  lipschitz: Array | float,
) -> Array:
  """The policy of an adversary who sets the values off the data, within the Lipschitz constant.

  In each state it makes greedy the generalised action that does most harm among those that can
  be made greedy: its value is set as high as possible, and that of all others off the data as
  low as is possible beside it.

  Args:
    q: (S, A); only the values on the data count.
    harm: (S, A), what the adversary maximises.
    actions: (S, A, D).
    data: beta-hat and beta-tilde.
    lipschitz: K_Q.

  Returns:
    (S, A), the policy, one action in each state.
  """
  upper = upper_extension(q, actions, data.support, lipschitz)
  best = jnp.max(jnp.where(data.support, q, -jnp.inf), axis=1, keepdims=True)
  # On the data the extension is Q itself, and only the best of the data can be greedy.
  possible = data.generalised & (upper >= best)
  target = jnp.argmax(jnp.where(possible, harm, -jnp.inf), axis=1)
  return jax.nn.one_hot(target, q.shape[1], dtype=q.dtype)
