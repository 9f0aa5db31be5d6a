"""Simulators by name."""

import warnings

import gymnasium
import numpy as np

from dmg_jax.errors import UserError


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
  if not (isinstance(observations, gymnasium.spaces.Box) and len(observations.shape) == 1):
    raise UserError(f"environment {env_id!r}: observations must be a vector, not {observations}")
  bounded = isinstance(actions, gymnasium.spaces.Box) and len(actions.shape) == 1
  if not (bounded and np.isfinite(actions.low).all() and np.isfinite(actions.high).all()):
    raise UserError(
      f"environment {env_id!r}: actions must be a bounded continuous box, not {actions}"
    )
  return env
