"""A policy to take away from a finished (or running) job."""

import os
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from dmg_jax import networks, run_directory
from dmg_jax.agents import dmg
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError


def load_policy(
  run_dir: str | os.PathLike[str], seed: int | None = None
) -> Callable[[np.ndarray], np.ndarray]:
  """The policy of a run's newest checkpoint, as a plain function.

  The function takes raw observations, (S,) or (..., S), and returns actions,
  (A,) or (..., A), float32, in the environment's units: the job's normalisation
  is inside. It is deterministic.

  Args:
    run_dir: a run directory.
    seed: which of its runs; the first that did not diverge, if not given.

  Raises:
    UserError: if there is no checkpoint, no such seed, or the seed's run diverged.
  """
  directory = Path(run_dir)
  config = run_directory.read_config(directory)
  checkpoints = Checkpoints(directory)
  step = checkpoints.latest()
  if step is None:
    raise UserError(f"{directory} has no checkpoint yet")
  tree, _ = checkpoints.restore(step)
  checkpoints.close()
  run = _choose(directory, tree["runs"]["seeds"], tree["runs"]["frozen_at"], seed)
  actor = jax.tree.map(lambda leaf: leaf[run], tree["runs"]["states"]["actor"]["parameters"])
  scaling = Scaling(**tree["scaling"])
  sizes = tuple(config["hidden_sizes"])
  architecture = networks.Architecture(sizes, sizes, sizes, precision=config["precision"])
  modules = networks.make(len(scaling.action_scale), architecture)

  @jax.jit
  def act(observations):
    return scaling.act(dmg.act(modules, actor, scaling.observe(observations)))

  def policy(observations: np.ndarray) -> np.ndarray:
    return np.asarray(act(np.asarray(observations, np.float32)))

  return policy


def _choose(directory: Path, seeds: np.ndarray, frozen_at: np.ndarray, seed: int | None) -> int:
  active = frozen_at < 0
  if seed is None:
    if not active.any():
      raise UserError(f"every run in {directory} diverged")
    return int(np.argmax(active))
  if seed not in seeds:
    raise UserError(f"{directory} has no seed {seed}; it has {', '.join(map(str, seeds))}")
  run = int(np.flatnonzero(seeds == seed)[0])
  if not active[run]:
    raise UserError(f"seed {seed} in {directory} diverged at step {frozen_at[run]}")
  return run
