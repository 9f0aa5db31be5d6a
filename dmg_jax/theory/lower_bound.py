"""Theorem 5: what the return of DMG's policy may lose to a small radius, and beyond it."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.theory import extension, generators
from dmg_jax.theory.generators import LARGEST_REWARD, SmoothMDP, Smoothness
from dmg_jax.theory.mdp import FiniteMDP, action_value, expected_return, policy_value
from dmg_jax.theory.operators import Data, greedy, in_sample_fixed_point
from dmg_jax.types import Array

_STATES, _IN_DATA, _NEIGHBOURS, _DIMENSIONS = 5, 2, 6, 2
# eps_a as multiples of the threshold.
MULTIPLES = (0.1, 0.3, 0.6, 0.9, 0.99, 1.01, 1.2, 1.5, 2.0, 3.0, 5.0)


class Model(NamedTuple):
  """A smooth MDP, before a radius is chosen.

  Attributes:
    functions: rewards and transitions.
    key: of the data's actions and of the directions to their neighbours.
    lam: lambda.
  """

  functions: SmoothMDP
  key: Array
  lam: Array


def draw(key: Array) -> Model:
  """A random smooth MDP; how much an action moves the state differs between draws."""
  keys = jax.random.split(key, 4)
  functions = generators.smooth_mdp(
    keys[0], _STATES, _DIMENSIONS, reward_slope=1.0, transition_slope=1.0
  )
  scale = jax.random.uniform(keys[1])
  return Model(
    functions.replace(mixture_slopes=scale * functions.mixture_slopes),
    keys[2],
    jax.random.uniform(keys[3]),
  )


def gap(q: Array, support: Array) -> Array:
  """(S,): Q*_In of the data's best action less that of its second; infinite if there is one."""
  ranked = jnp.sort(jnp.where(support, q, -jnp.inf), axis=1)
  return ranked[:, -1] - ranked[:, -2]


def threshold(
  q: Array, support: Array, lipschitz: Array | float, discount: Array | float, lam: Array | float
) -> Array:
  """The radius below which Thm 5 speaks: (1 - gamma) gap / (K_Q (1 - gamma + lambda gamma)).

  The smallest over states; Q is Q*_In, (S, A).
  """
  smallest = jnp.min(gap(q, support))
  return (1 - discount) * smallest / (lipschitz * (1 - discount + lam * discount))


def largest_loss(
  smoothness: Smoothness, discount: Array | float, radius: Array | float
) -> dict[str, Array]:
  """What J can lose when each action moves by at most eps_a, with the constants spelt out.

  By the performance difference, each step loses at most K_R eps_a of reward and gamma K_P
  eps_a / 2 of next states' probability (half the L1 norm is the total variation) times the
  span R_max / (1 - gamma) of the values.

  Returns:
    reward: the first part over 1 - gamma. transition: the second part over 1 - gamma, which is
    the form of the printed bound, with C = gamma / (2 (1 - gamma)).
  """
  horizon = 1 / (1 - discount)
  span = LARGEST_REWARD * horizon
  return {
    "reward": smoothness.rewards * radius * horizon,
    "transition": discount * smoothness.transitions * radius * span / 2 * horizon,
  }


def mild_fixed_point(
  mdp: FiniteMDP, data: Data, lam: Array, lipschitz: Array, shares: Array, steps: int = 250
) -> Array:
  """Q^_DMG after many backups with the same errors off the data; see `extension`."""

  def step(_, q):
    return extension.approximate_backup(mdp, q, data, lam, lipschitz, shares)

  return jax.lax.fori_loop(0, steps, step, jnp.zeros_like(mdp.rewards))


def at_multiple(model: Model, multiple: Array, share: Array) -> dict[str, Array]:
  """Theorem 5 at eps_a = multiple times its threshold, against an adversary.

  The errors off the data are Lipschitz. In the backups all of them lie at the same share
  between the smallest and the largest value; in the last Q they mislead the greedy policy.

  Returns:
    radius: eps_a. moved: the largest distance between the two policies' actions. loss: J of
    the in-sample policy less that of the DMG policy. reward, transition: the parts of
    `largest_loss`. best: J*. in_sample: J of the in-sample policy.
  """
  functions, discount, lam = model.functions, model.functions.discount, model.lam
  smoothness = functions.smoothness()
  place = partial(
    generators.data_with_neighbours, model.key, _STATES, _IN_DATA, _NEIGHBOURS, _DIMENSIONS
  )
  # K_Q grows with eps_a, so that the threshold solves eps_a K_Q(eps_a) = limit. The data's
  # actions, hence the gap, do not depend on eps_a.
  actions, support = place(0.0)
  mdp = functions.at(actions)
  data = Data(support, support)
  limit = threshold(in_sample_fixed_point(mdp, data), support, 1.0, discount, lam)
  growth = discount * smoothness.transitions / (2 * (1 - discount))
  flat = generators.q_lipschitz(smoothness, discount, lam, 0.0)
  radius = multiple * limit / (flat + limit * growth * lam)

  actions, support = place(radius)
  mdp = functions.at(actions)
  data = Data(support, jnp.ones_like(support))
  lipschitz = generators.q_lipschitz(smoothness, discount, lam, radius)
  in_sample = greedy(in_sample_fixed_point(mdp, data), support)
  q = mild_fixed_point(mdp, data, lam, lipschitz, jnp.full_like(mdp.rewards, share))
  harm = -action_value(mdp, policy_value(mdp, in_sample))
  policy = extension.misled(q, harm, actions, data, lipschitz)
  steps = jnp.einsum("sa,sad->sd", policy - in_sample, actions)
  return {
    "radius": radius,
    "moved": jnp.max(jnp.linalg.norm(steps, axis=1)),
    "loss": expected_return(mdp, in_sample) - expected_return(mdp, policy),
    "in_sample": expected_return(mdp, in_sample),
    "possible": jnp.isfinite(lipschitz),
  } | largest_loss(smoothness, discount, radius)


def crossing_case(multiple: float) -> dict[str, float]:
  """One state, actions on a line, rewards as steep as K_R allows: who is just beyond loses more.

  The data hold a good action at 0 and a poor one at 1, and eps_a is a multiple of the threshold.
  Rewards fall by K_R on the far side of each. No action moves the state, so that K_P = 0 and
  K_Q = K_R; the backups are exact (lambda = 0), so that the threshold is gap / K_Q.

  Returns:
    loss, and bound: K_R eps_a / (1 - gamma).
  """
  steepness, difference, discount = 4.0, 0.2, 0.9
  radius = multiple * difference / steepness
  places = [0.0, 1.0, -radius, 1.0 + radius]
  good, poor = 0.9, 0.9 - difference
  mdp = FiniteMDP(
    actions=jnp.array(places).reshape(1, 4, 1),
    transitions=jnp.ones((1, 4, 1)),
    rewards=jnp.array([[good, poor, good - steepness * radius, poor - steepness * radius]]),
    discount=jnp.array(discount),
    initial=jnp.ones(1),
  )
  support = jnp.array([[True, True, False, False]])
  data = Data(support, jnp.ones_like(support))
  q = in_sample_fixed_point(mdp, data)
  policy = extension.misled(q, -mdp.rewards, mdp.actions, data, steepness)
  loss = expected_return(mdp, greedy(q, support)) - expected_return(mdp, policy)
  return {
    "multiple": multiple,
    "loss": float(loss),
    "bound": steepness * radius / (1 - discount),
    "printed_bound": 0.0,
  }


def measure(seed: int, instances: int = 400) -> dict[str, Any]:
  """The row of Theorem 5. To be called with float64 on."""
  models = generators.draw_many(draw, seed, instances)
  tried = jax.jit(
    jax.vmap(
      jax.vmap(jax.vmap(at_multiple, in_axes=(None, None, 0)), in_axes=(None, 0, None)),
      in_axes=(0, None, None),
    )
  )(models, jnp.array(MULTIPLES), jnp.array([0.0, 0.5, 1.0]))
  tried = {name: np.asarray(values) for name, values in tried.items()}
  inside = np.array(MULTIPLES) < 1
  possible = tried["possible"]
  margin = tried["reward"] + tried["transition"] - tried["loss"]
  printed = tried["transition"] - tried["loss"]
  stays = tried["moved"] <= tried["radius"] * (1 + 1e-9)

  def over(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Of the multiples that a mask picks, over instances and errors that have a K_Q."""
    return values[:, where][possible[:, where]]

  relative = tried["loss"] / (tried["reward"] + tried["transition"])
  rows = [
    {
      "multiple": multiple,
      "tried": int(possible[:, index].sum()),
      "stays_near": float(stays[:, index][possible[:, index]].mean()),
      "broken": int((margin[:, index][possible[:, index]] < 0).sum()),
      "mean_loss_share": float(relative[:, index][possible[:, index]].mean()),
      "largest_loss_share": float(relative[:, index][possible[:, index]].max()),
    }
    for index, multiple in enumerate(MULTIPLES)
  ]
  return {
    "instances": instances,
    "tried_inside": int(over(margin, inside).size),
    "worst_margin": float(over(margin, inside).min()),
    "stays_near_inside": bool(over(stays, inside).all()),
    "printed_broken_inside": int((over(printed, inside) < 0).sum()),
    "tried_beyond": int(over(margin, ~inside).size),
    "broken_beyond": int((over(margin, ~inside) < 0).sum()),
    "worst_margin_beyond": float(over(margin, ~inside).min()),
    "rows": rows,
    "crossing": [crossing_case(multiple) for multiple in (0.5, 0.9, 0.99, 1.01, 1.25, 2.0, 3.0)],
  }
