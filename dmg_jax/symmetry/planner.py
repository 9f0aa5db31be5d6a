"""A regular teacher for the reacher: exact search over plans of two phases, anew at every step.

A plan holds one discrete action for some steps and then another to the end. The value of an
action is discount^(n - 1), with n the fewest steps in which a plan that begins with it comes to
the goal, and 0 where none does within `HORIZON` steps.

Two choices keep what it does regular. It aims at half the goal's radius: at the full radius,
plans of more phases, which planning anew finds, touch the goal's rim one step earlier. And of
actions with the same n it takes one whose plan is constant, of these the largest number; else
one of full torque in both joints, of these the smallest number. Values tell them apart by less
than `_TIE`. From the start it does 2 twelve times and then 8: the plan of arXiv 2505.16581.

Observations of a context are searched as they are: all that happens turns with the context.
"""

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.envs import reacher
from dmg_jax.types import Array

HORIZON = 45
AIM = reacher.GOAL_RADIUS / 2
DISCOUNT = 0.95
_FULL = (0, 2, 6, 8)
# Below the least gap between neighbouring n, discount^(HORIZON - 2) - discount^(HORIZON - 1).
_TIE = 1e-3


def _plans() -> tuple[np.ndarray, np.ndarray]:
  """Of P plans: first action, second action and steps of the first (P, 3); preference (P,)."""
  plans, preferences = [], []
  for first in range(reacher.ACTIONS):
    for second in range(reacher.ACTIONS):
      held = range(1, HORIZON) if first != second else (1,)
      plans += [(first, second, steps) for steps in held]
      switching = reacher.ACTIONS * (first in _FULL) + reacher.ACTIONS - first
      preference = 2 * reacher.ACTIONS + 1 + first if first == second else switching
      preferences += [preference] * len(held)
  return np.array(plans), np.array(preferences) / (3 * reacher.ACTIONS)


_PLANS, _PREFERENCES = _plans()


def arm_of(observations: Array) -> reacher.Arm:
  """The state that is observed as (..., 10); `nearest` is the present distance."""
  vectors = observations.reshape(*observations.shape[:-1], 5, 2)
  shoulder, elbow, hand, *velocities = jnp.moveaxis(vectors, -2, 0)
  links = (elbow - shoulder) / reacher.LINK, (hand - elbow) / reacher.LINK
  speeds = [
    (link[..., 0] * velocity[..., 1] - link[..., 1] * velocity[..., 0]) / reacher.LINK
    for link, velocity in zip(links, velocities, strict=True)
  ]
  return reacher.Arm(shoulder, *links, jnp.stack(speeds, axis=-1), jnp.linalg.norm(hand, axis=-1))


def values(observation: Array) -> Array:
  """(9,): the values of all actions in the state that is observed as (10,)."""
  first, second, held = _PLANS.T
  actions = np.where(np.arange(HORIZON)[:, None] < held, first, second)
  arm = jax.tree.map(
    lambda leaf: jnp.broadcast_to(leaf, (len(first), *leaf.shape)), arm_of(observation)
  )

  def advance(carry, torques):
    arm, steps, going = carry
    after = reacher.step(arm, torques).arm
    reached = reacher.segment_distance(arm.hand, after.hand) < AIM
    return (after, steps + going, going & ~reached), None

  begin = arm, jnp.zeros(len(first)), jnp.ones(len(first), bool)
  # Else the compiler works them out itself, in seconds.
  with jax.ensure_compile_time_eval():
    torques = reacher.torques_of(actions)
  (_, steps, going), _ = jax.lax.scan(advance, begin, torques)
  found = DISCOUNT ** (steps - 1) + _TIE * (_PREFERENCES - 1)
  return jax.ops.segment_max(jnp.where(going, 0, found), first, reacher.ACTIONS)


def greedy(observations: Array, needed: Array) -> Array:
  """(E, 9) one-hot: the actions of the largest value.

  Args:
    observations: (E, 10).
    needed: (E,) bool; where it is not, nothing is searched and the action is void.
  """

  def one(row):
    observation, here = row
    return jax.lax.cond(
      here,
      lambda: jnp.argmax(values(observation)).astype(jnp.int32),
      lambda: jnp.zeros((), jnp.int32),
    )

  # One after another, so that rows that do not need a search cost none.
  return jax.nn.one_hot(jax.lax.map(one, (observations, needed)), reacher.ACTIONS)
