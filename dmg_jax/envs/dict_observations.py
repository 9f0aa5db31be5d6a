"""Observations in named parts, such as those of goal-conditioned tasks, as one vector.

The parts are joined in the sorted order of their names: for the usual goal-conditioned
environments this is `achieved_goal`, `desired_goal`, `observation`. Data and simulators are
read by the same functions, so that a policy sees both in one order.
"""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Space


def flat_box(space: Space) -> Box | None:
  """The space of the joined observations, or None where a part is not a Box.

  Args:
    space: of the observations, any.

  Returns:
    A Box of shape (S,), S the number of all numbers of the parts.
  """
  if not isinstance(space, Dict) or not len(space):
    return None
  parts = [space[name] for name in sorted(space)]
  boxes = [part for part in parts if isinstance(part, Box)]
  if len(boxes) < len(parts):
    return None
  dtype = np.result_type(*(box.dtype for box in boxes))
  low, high = (
    np.concatenate([getattr(box, bound).ravel() for box in boxes]).astype(dtype)
    for bound in ("low", "high")
  )
  return Box(low, high, low.shape, dtype.type)


def join(observations: Mapping[str, Any], leading: int = 0) -> np.ndarray:
  """The parts as one vector each, in the sorted order of their names.

  Args:
    observations: arrays by name, each (*B, *shape of the part).
    leading: number of axes in B, which the parts share.

  Returns:
    (*B, S).
  """
  parts = [np.asarray(observations[name]) for name in sorted(observations)]
  return np.concatenate([part.reshape(*part.shape[:leading], -1) for part in parts], axis=-1)


def order(space: Dict) -> str:
  """The order in words, such as "achieved_goal (2), desired_goal (2), observation (4)"."""
  sizes = {name: math.prod(space[name].shape or ()) for name in sorted(space)}
  return ", ".join(f"{name} ({size})" for name, size in sizes.items())


class JoinedObservations(gymnasium.ObservationWrapper, gymnasium.utils.RecordConstructorArgs):
  """An environment whose observations in named parts are joined to one vector."""

  def __init__(self, env: gymnasium.Env):
    gymnasium.utils.RecordConstructorArgs.__init__(self)
    gymnasium.ObservationWrapper.__init__(self, env)
    box = flat_box(env.observation_space)
    assert box is not None
    self.observation_space = box

  def observation(self, observation: Mapping[str, Any]) -> np.ndarray:
    """One observation, (S,)."""
    return join(observation).astype(self.observation_space.dtype, copy=False)
