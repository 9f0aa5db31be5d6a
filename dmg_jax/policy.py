"""A policy to take away from a finished (or running) job."""

import functools
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import checkpoints, methods, named_leaves, run_config, run_directory
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.types import Agent, Array

_ACTIVE = -1


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
  directory = run_directory.expand(run_dir)
  config = run_directory.read_config(directory, run_config.OFFLINE)
  restored = checkpoints.restore_latest(directory)
  if restored is None:
    raise UserError(f"{directory} has no checkpoint yet; wait for the job's first")
  for notice in restored.notices:
    warnings.warn(notice, stacklevel=2)
  try:
    return _make(directory, config, restored.tree, run)
  # A UserError is a ValueError too, and says more.
  except UserError:
    raise
  except (KeyError, IndexError, TypeError, ValueError) as error:
    raise UserError(
      f"the checkpoint of step {restored.step} in {directory} does not fit its "
      f"{run_directory.CONFIG} ({type(error).__name__}: {error}); restore both from a copy"
    ) from error


def _make(
  directory: os.PathLike[str], config: Mapping[str, Any], tree: Mapping[str, Any], run: str | None
) -> Policy:
  runs = config["runs"]
  frozen_at = [int(_leaf(tree, runs, place, "frozen_at")) for place in range(len(runs))]
  place = _choose(directory, [run["id"] for run in runs], frozen_at, run)
  names = [task["name"] for task in config["tasks"]]
  scaling = Scaling(**tree["scalings"][str(names.index(runs[place]["task"]))])
  sizes = {
    "observation_size": len(scaling.observation_mean),
    "action_size": len(scaling.action_centre),
  }
  agent = methods.agent(runs[place]["method"], runs[place]["point"], sizes["action_size"])
  like = jax.eval_shape(lambda: agent.init(jax.random.key(0), **sizes))
  state = named_leaves.restructure(_leaf(tree, runs, place, "states"), like)
  return Policy({"policy": agent.policy(state), "scaling": scaling}, runs[place])


def _leaf(tree: Mapping[str, Any], runs: list[dict[str, Any]], place: int, name: str) -> Any:
  """What a run has of a field of its population: without the axis of runs."""
  population = runs[place]["population"]
  row = sum(run["population"] == population for run in runs[:place])
  return jax.tree.map(lambda leaf: leaf[row], tree["populations"][str(population)][name])


def _choose(
  directory: os.PathLike[str], ids: list[str], frozen_at: list[int], run: str | None
) -> int:
  """The place of a run in the plan."""
  active = [place for place, step in enumerate(frozen_at) if step == _ACTIVE]
  if run is None:
    if not active:
      raise UserError(f"every run in {directory} diverged")
    return active[0]
  if run not in ids:
    raise UserError(f"{directory} has no run {run!r}; it has {', '.join(ids)}")
  place = ids.index(run)
  if place not in active:
    raise UserError(f"run {run} in {directory} diverged at step {frozen_at[place]}")
  return place


def _act(agent: Agent, parameters: Mapping[str, Any], observations: Array) -> jax.Array:
  scaling: Scaling = parameters["scaling"]
  actions = agent.act(parameters["policy"], scaling.observe(observations))
  return jnp.asarray(scaling.act(actions))
