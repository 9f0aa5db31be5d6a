"""Simulators by name."""

import warnings
from typing import NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from dmg_jax.errors import UserError


class Spaces(NamedTuple):
  """What an environment shows and takes.

  Attributes:
    observation_size: S.
    action_low, action_high: (A,), bounds of the actions.
  """

  observation_size: int
  action_low: np.ndarray
  action_high: np.ndarray


def make(env_id: str) -> gymnasium.Env:
  """A Gymnasium environment with vector observations and a bounded action box.

  Raises:
    UserError: if there is no such environment, or its spaces are of another kind.
  """
  with warnings.catch_warnings():
    # D4RL's locomotion is evaluated in -v4 on purpose: -v5 has other rewards.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="gymnasium")
    try:
      env = gymnasium.make(env_id)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
      raise UserError(
        f"environment {env_id!r} cannot be made: {error} "
        "(name an installed Gymnasium environment, or 'none' to train without one)"
      ) from error
  observations, actions = env.observation_space, env.action_space
  if not (isinstance(observations, Box) and len(observations.shape) == 1):
    raise UserError(f"environment {env_id!r}: observations must be a vector, not {observations}")
  if not (isinstance(actions, Box) and len(actions.shape) == 1 and actions.is_bounded()):
    raise UserError(
      f"environment {env_id!r}: actions must be a bounded continuous box, not {actions}"
    )
  return env


def spaces(env: gymnasium.Env) -> Spaces:
  """The spaces of an environment from `make`."""
  observations, actions = env.observation_space, env.action_space
  assert isinstance(observations, Box)
  assert isinstance(actions, Box)
  return Spaces(observations.shape[0], actions.low, actions.high)
