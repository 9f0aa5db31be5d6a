"""The critics of a stored run as a function."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.stored_runs import StoredRun
from dmg_jax.types import Array, Parameters


class Critic:
  """Q of a run: the smallest value of its critics, as in Algorithm 1.

  Args:
    stored: the run.

  Raises:
    UserError: if its method has no critic.
  """

  def __init__(self, stored: StoredRun):
    if not has_critic(stored):
      raise UserError(f"run {stored.run['id']} has no critic: {stored.run['method']} learns none")
    self._parameters = stored.state.critic.parameters
    self._module, self._scaling = stored.state.networks.critic, stored.scaling
    # Old runs do not name it, and some methods have no such option.
    self._reward_scale = float(stored.run["point"].get("reward_scale", 1.0))

  def __call__(self, observations: Any, actions: Any) -> np.ndarray:
    """(...,) values of observations (..., S) and actions (..., A), both in the environment's units.

    Values are in the data's rewards, moved as its task moves them.
    """
    values = _values(
      self._module, self._parameters, self._scaling, np.float32(observations), np.float32(actions)
    )
    return np.asarray(values) / self._reward_scale


def has_critic(stored: StoredRun) -> bool:
  """Whether a run's method has critics."""
  return getattr(stored.state, "critic", None) is not None


@functools.partial(jax.jit, static_argnames="module")
def _values(
  module: nn.Module, parameters: Parameters, scaling: Scaling, observations: Array, actions: Array
) -> jax.Array:
  units = (actions - scaling.action_centre) / scaling.action_scale
  values: Any = module.apply(parameters, scaling.observe(observations), units)
  return jnp.min(values, axis=0)
