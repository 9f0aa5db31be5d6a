"""The rotational reacher in JAX: an arm of two links on a plane without gravity.

The environment of arXiv 2505.16581 and 2607.02288. The goal is the origin. The
shoulder is fixed on the unit circle, at an angle that is drawn once for an episode: the
context. All that happens turns with the context, so that torques, which do not, are
optimal in every context alike. Every function takes any leading axes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from dmg_jax.types import Array

OBSERVATION_SIZE = 10
HORIZON = 200
LINK = 0.5
MAX_TORQUE, MAX_SPEED = 2.0, 4.0
STEP = 0.05  # seconds
GOAL_RADIUS = 0.02
# Of the start, before the context turns it: of the upper arm, from the direction of the goal,
# and of the forearm, from the direction elbow to goal; radians.
_START = (jnp.pi / 4, -jnp.pi / 4)
# Torques of the discrete version; an action is 3 i + j, with i the shoulder's and j the elbow's.
TORQUES = (-MAX_TORQUE, 0.0, MAX_TORQUE)
ACTIONS = len(TORQUES) ** 2


class Arm(struct.PyTreeNode):
  """The state.

  Attributes:
    shoulder: (..., 2) its position.
    upper, forearm: (..., 2) unit vectors, from shoulder to elbow and from elbow to hand.
    speeds: (..., 2) angular velocities in rad/s: the upper arm's about the shoulder, which
      carries the forearm with it, and the forearm's about the elbow.
    nearest: (...) the smallest distance of hand and goal so far in the episode.
  """

  shoulder: Array
  upper: Array
  forearm: Array
  speeds: Array
  nearest: Array

  @property
  def elbow(self) -> Array:
    """(..., 2) its position."""
    return self.shoulder + LINK * self.upper

  @property
  def hand(self) -> Array:
    """(..., 2) its position."""
    return self.elbow + LINK * self.forearm


class Outcome(NamedTuple):
  """What a step gives.

  Attributes:
    arm: the next state.
    sparse: (...) 1 where the hand came to the goal, else 0.
    shaped: (...) the same, and where it did not but came nearer than ever in the episode,
      (1 - d / 2) / (HORIZON / 2), with d its distance to the goal.
    terminated: (...) whether the hand came to the goal.
  """

  arm: Arm
  sparse: Array
  shaped: Array
  terminated: Array


def rotate(vectors: Array, angle: Array) -> Array:
  """(..., 2) vectors, turned by angles (...) in radians, counter-clockwise."""
  cosine, sine = jnp.cos(angle), jnp.sin(angle)
  x, y = vectors[..., 0], vectors[..., 1]
  return jnp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)


def turn(arm: Arm, angle: Array) -> Arm:
  """The whole arm, turned about the goal by angles (...) in radians."""
  return arm.replace(
    shoulder=rotate(arm.shoulder, angle),
    upper=rotate(arm.upper, angle),
    forearm=rotate(arm.forearm, angle),
  )


def start(context: Array) -> Arm:
  """The arm at rest, with the shoulder at angles (...) in radians from the positive y axis."""
  context = jnp.asarray(context)
  zeros = jnp.zeros_like(context)
  down = jnp.stack([zeros, zeros - 1], axis=-1)
  shoulder, upper = -down, rotate(down, zeros + _START[0])
  to_goal = -(shoulder + LINK * upper)
  to_goal = to_goal / jnp.linalg.norm(to_goal, axis=-1, keepdims=True)
  forearm = rotate(to_goal, zeros + _START[1])
  arm = Arm(shoulder, upper, forearm, jnp.stack([zeros, zeros], axis=-1), zeros)
  return turn(arm.replace(nearest=_distance(arm.hand)), context)


def observe(arm: Arm) -> Array:
  """(..., 10): positions of shoulder, elbow and hand; velocities of the elbow about the
  shoulder and of the hand about the elbow, in m/s."""
  velocities = (
    LINK * arm.speeds[..., joint, None] * _perpendicular(link)
    for joint, link in enumerate((arm.upper, arm.forearm))
  )
  return jnp.concatenate([arm.shoulder, arm.elbow, arm.hand, *velocities], axis=-1)


def step(arm: Arm, torques: Array) -> Outcome:
  """One step of 0.05 s: the forearm turns about the elbow, then the whole arm about the shoulder.

  Args:
    arm: the state.
    torques: (..., 2) of shoulder and elbow, clipped to [-2, 2]; links of unit inertia.
  """
  change = STEP * jnp.clip(torques, -MAX_TORQUE, MAX_TORQUE)
  speeds = jnp.clip(arm.speeds + change, -MAX_SPEED, MAX_SPEED)
  shoulder_turn, elbow_turn = STEP * speeds[..., 0], STEP * speeds[..., 1]
  moved = arm.replace(
    upper=rotate(arm.upper, shoulder_turn),
    forearm=rotate(rotate(arm.forearm, elbow_turn), shoulder_turn),
    speeds=speeds,
  )
  reached = segment_distance(arm.hand, moved.hand) < GOAL_RADIUS
  distance = _distance(moved.hand)
  nearer = (1 - distance / 2) / (HORIZON / 2) * (distance < arm.nearest)
  sparse = reached.astype(distance.dtype)
  moved = moved.replace(nearest=jnp.minimum(arm.nearest, distance))
  return Outcome(moved, sparse, jnp.where(reached, 1, nearer), reached)


def torques_of(actions: Array) -> Array:
  """(..., 2): the torques of discrete actions (...), integers from 0 to 8."""
  levels = jnp.array(TORQUES)
  return jnp.stack([levels[actions // 3], levels[actions % 3]], axis=-1)


def _perpendicular(vectors: Array) -> Array:
  return jnp.stack([-vectors[..., 1], vectors[..., 0]], axis=-1)


def _distance(positions: Array) -> Array:
  """(...) from the goal."""
  return jnp.sqrt(jnp.sum(jnp.square(positions), axis=-1))


def segment_distance(first: Array, last: Array) -> Array:
  """(...) of the goal from the segment between two positions (..., 2), in metres."""
  along = last - first
  length = jnp.sum(jnp.square(along), axis=-1)
  share = -jnp.sum(first * along, axis=-1) / jnp.where(length > 0, length, 1)
  return _distance(first + jnp.clip(share, 0, 1)[..., None] * along)


class Episodes(NamedTuple):
  """Whole episodes; leading axes (HORIZON, E).

  Attributes:
    observations, next_observations: (HORIZON, E, 10).
    actions: (HORIZON, E, ...) what the policy gave.
    rewards: (HORIZON, E), sparse.
    shaped: (HORIZON, E), shaped rewards.
    terminated: (HORIZON, E) bool.
    alive: (HORIZON, E) bool: whether the episode was still going on; all else is void after.
  """

  observations: Array
  actions: Array
  rewards: Array
  shaped: Array
  next_observations: Array
  terminated: Array
  alive: Array


def episodes(policy, contexts: Array, key: Array, *, discrete: bool) -> Episodes:
  """Plays one episode in each context, all side by side, in one scan.

  Args:
    policy: (observations (E, 10), key, alive (E,)) -> actions: (E, 9) one-hot, or (E, 2) in
      [-1, 1]; where an episode has ended, they are void.
    contexts: (E,) in radians.
    key: of the policy's randomness; each step folds in its number.
    discrete: which kind of actions the policy gives.
  """

  def advance(carry, time):
    arm, alive = carry
    observations = observe(arm)
    actions = policy(observations, jax.random.fold_in(key, time), alive)
    torques = torques_of(jnp.argmax(actions, axis=-1)) if discrete else MAX_TORQUE * actions
    outcome = step(arm, torques.astype(observations.dtype))
    taken = Episodes(
      observations, actions, outcome.sparse, outcome.shaped, observe(outcome.arm),
      outcome.terminated, alive,
    )  # fmt: skip
    return (outcome.arm, alive & ~outcome.terminated), taken

  begin = start(contexts), jnp.ones(contexts.shape, bool)
  _, played = jax.lax.scan(advance, begin, jnp.arange(HORIZON))
  return played
