"""From an environment's units to those of the networks, and back."""

import numpy as np
from flax import struct

from dmg_jax.types import Array, Transitions

# The floor of the released code: a constant dimension is not blown up.
_DEVIATION_FLOOR = 1e-3


class Scaling(struct.PyTreeNode):
  """Affine maps kept with a policy, so that it takes raw observations.

  Attributes:
    observation_mean, observation_scale: (S,), subtracted from and dividing raw
      observations.
    action_centre, action_scale: (A,), of the environment's action box, whose
      image is [-1, 1].
  """

  observation_mean: Array
  observation_scale: Array
  action_centre: Array
  action_scale: Array

  def observe(self, observations: Array) -> Array:
    """Raw observations (..., S), as the networks see them."""
    return (observations - self.observation_mean) / self.observation_scale

  def act(self, actions: Array) -> Array:
    """The policy's actions (..., A), in the environment's units."""
    return self.action_centre + self.action_scale * actions

  def apply(self, transitions: Transitions) -> Transitions:
    """Raw transitions, as the networks see them."""
    return transitions.replace(
      observations=self.observe(transitions.observations),
      next_observations=self.observe(transitions.next_observations),
      actions=(transitions.actions - self.action_centre) / self.action_scale,
    )


def for_actions(observation_size: int, low: np.ndarray, high: np.ndarray) -> Scaling:
  """The scaling of an action box [low, high], which leaves observations as they are."""
  low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
  return Scaling(
    observation_mean=np.zeros(observation_size, np.float32),
    observation_scale=np.ones(observation_size, np.float32),
    action_centre=np.asarray((low + high) / 2, np.float32),
    action_scale=np.asarray((high - low) / 2, np.float32),
  )


def with_statistics(scaling: Scaling, observations: Array) -> Scaling:
  """The scaling that also standardises: (o - mean) / (std + 1e-3).

  Args:
    scaling: for the actions.
    observations: (N, S), the rows that train; their moments are taken in float64.
  """
  return scaling.replace(
    observation_mean=np.float32(np.mean(observations, axis=0, dtype=np.float64)),
    observation_scale=np.float32(np.std(observations, axis=0, dtype=np.float64) + _DEVIATION_FLOOR),
  )
