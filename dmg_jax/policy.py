"""A policy to take away from a finished (or running) job."""

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import methods
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.stored_runs import StoredRuns
from dmg_jax.types import Agent, Array


class Policy:
  """A trained, deterministic policy, in the environment's units.

  Call it with raw observations, (S,) or (..., S): it returns actions, (A,) or
  (..., A), float32. The job's normalisation is inside. It holds nothing but
  arrays and the run's description, so it can be pickled and sent to other
  processes.

  Attributes:
    observation_size, action_size: S and A.
    run: as in the run directory's `config.json`: id, task, method, point, seed.
    parameters: {"policy": those of the agent's policy, "scaling": a `Scaling`}.
  """

  def __init__(self, parameters: Mapping[str, Any], run: Mapping[str, Any]):
    self.parameters, self.run = dict(parameters), dict(run)
    self.observation_size = len(parameters["scaling"].observation_mean)
    self.action_size = len(parameters["scaling"].action_centre)
    self.__doc__ = (
      f"Policy of run {run['id']}: observations (..., {self.observation_size}) -> "
      f"actions (..., {self.action_size}), float32, in the environment's units."
    )

  def __call__(self, observations: Any) -> np.ndarray:
    """Actions for raw observations.

    Args:
      observations: (S,) or (..., S), finite numbers.

    Raises:
      UserError: if they are of another shape, or not finite numbers.
    """
    return np.asarray(self._compiled(self.parameters, self._checked(observations)))

  @property
  def pure(self) -> Callable[[Any, Array], jax.Array]:
    """The same as a pure function of (parameters, observations).

    It can be transformed by `jax.jit`, `jax.vmap` and `jax.grad`; its arguments
    are `parameters` and observations (..., S). Nothing is checked.
    """
    return functools.partial(_act, self.agent)

  @property
  def agent(self) -> Agent:
    """The algorithm that it was trained with; acts in full precision, on any device."""
    return methods.agent(self.run["method"], self.run["point"], self.action_size)

  @functools.cached_property
  def _compiled(self) -> Callable[[Any, Array], jax.Array]:
    return jax.jit(self.pure)

  def __getstate__(self) -> dict[str, Any]:
    return {name: value for name, value in vars(self).items() if name != "_compiled"}

  def __repr__(self) -> str:
    return (
      f"<dmg_jax.Policy of run {self.run['id']}: observations (..., {self.observation_size}) -> "
      f"actions (..., {self.action_size})>"
    )

  def _checked(self, observations: Any) -> np.ndarray:
    size = self.observation_size
    try:
      array = np.asarray(observations)
    except ValueError as error:
      raise UserError(f"observations must be one array (..., {size}): {error}") from error
    if array.dtype.kind not in "fiub":
      raise UserError(f"observations must be numbers, not of dtype {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != size:
      raise UserError(
        f"observations have shape {array.shape}, but this policy takes (..., {size}): "
        f"{size} numbers each, as run {self.run['id']} was trained on"
      )
    with np.errstate(over="ignore"):
      array = array.astype(np.float32)
    if not np.isfinite(array).all():
      raise UserError("observations must be finite in float32; some are NaN or infinite")
    return array


def load_policy(run_dir: str | os.PathLike[str], run: str | None = None) -> Policy:
  """The policy of a run's newest checkpoint.

  Nothing is written, and a job that is at work there is not disturbed. If the
  newest checkpoint is damaged, a warning names it and the one before is used.

  Args:
    run_dir: a run directory.
    run: id of one of its runs, such as "dmg,seed=0"; the first that did not
      diverge, if not given.

  Raises:
    UserError: if it is no run directory of a training, there is no checkpoint or
      no such run, or the run diverged.
  """
  stored = StoredRuns(run_dir).run(run)
  policy = stored.agent.policy(stored.state)
  return Policy({"policy": policy, "scaling": stored.scaling}, stored.run)


def _act(agent: Agent, parameters: Mapping[str, Any], observations: Array) -> jax.Array:
  scaling: Scaling = parameters["scaling"]
  actions = agent.act(parameters["policy"], scaling.observe(observations))
  return jnp.asarray(scaling.act(actions))
