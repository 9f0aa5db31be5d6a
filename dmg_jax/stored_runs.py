"""The runs of a run directory, as its newest checkpoint has them; nothing is written."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from dmg_jax import checkpoints, methods, named_leaves, run_config, run_directory
from dmg_jax.data.scaling import Scaling
from dmg_jax.errors import UserError
from dmg_jax.types import Agent

_ACTIVE = -1


class StoredRun(NamedTuple):
  """A run that did not diverge.

  Attributes:
    run: as in `config.json`: id, task, method, point, seed.
    agent: that it was trained with; acts in full precision, on any device.
    state: of the agent, of NumPy arrays.
    scaling: between the environment's units and the networks'.
  """

  run: Mapping[str, Any]
  agent: Agent
  state: Any
  scaling: Scaling


class StoredRuns:
  """A run directory at its newest checkpoint.

  A job that is at work there is not disturbed. If the newest checkpoint is
  damaged, a warning names it and the one before is used.

  Args:
    run_dir: a run directory.

  Attributes:
    directory: its path.
    config: its `config.json`.
    step: of the checkpoint.

  Raises:
    UserError: if it is no run directory of a training, or there is no checkpoint.
  """

  def __init__(self, run_dir: str | os.PathLike[str]):
    self.directory: Path = run_directory.expand(run_dir)
    self.config = run_directory.read_config(self.directory, run_config.TRAININGS)
    restored = checkpoints.restore_latest(self.directory)
    if restored is None:
      raise UserError(f"{self.directory} has no checkpoint yet; wait for the job's first")
    for notice in restored.notices:
      warnings.warn(notice, stacklevel=3)
    self.step, self._tree = restored.step, restored.tree

  def frozen_at(self) -> dict[str, int | None]:
    """Run's id -> the step at which it diverged, or None.

    Raises:
      UserError: if checkpoint and config do not fit each other.
    """
    with self._fitting():
      steps = [int(self._leaf(place, "frozen_at")) for place in range(len(self.config["runs"]))]
    ids = [run["id"] for run in self.config["runs"]]
    return {name: None if step == _ACTIVE else step for name, step in zip(ids, steps, strict=True)}

  def run(self, run_id: str | None = None) -> StoredRun:
    """A run by its id; the first that did not diverge, if not given.

    Raises:
      UserError: if there is no such run, it diverged, or checkpoint and config do
        not fit each other.
    """
    place = self._choose(run_id)
    with self._fitting():
      run = self.config["runs"][place]
      names = [task["name"] for task in self.config["tasks"]]
      scaling = Scaling(**self._tree["scalings"][str(names.index(run["task"]))])
      sizes = {
        "observation_size": len(scaling.observation_mean),
        "action_size": len(scaling.action_centre),
      }
      agent = methods.agent(run["method"], run["point"], sizes["action_size"])
      like = jax.eval_shape(lambda: agent.init(jax.random.key(0), **sizes))
      state = named_leaves.restructure(self._leaf(place, "states"), like)
    return StoredRun(run, agent, state, scaling)

  def _choose(self, run_id: str | None) -> int:
    """The place of a run in the plan."""
    frozen_at = self.frozen_at()
    ids = list(frozen_at)
    active = [name for name, step in frozen_at.items() if step is None]
    if run_id is None:
      if not active:
        raise UserError(f"every run in {self.directory} diverged")
      return ids.index(active[0])
    if run_id not in ids:
      raise UserError(f"{self.directory} has no run {run_id!r}; it has {', '.join(ids)}")
    if run_id not in active:
      raise UserError(f"run {run_id} in {self.directory} diverged at step {frozen_at[run_id]}")
    return ids.index(run_id)

  def _leaf(self, place: int, name: str) -> Any:
    """What a run has of a field of its population: without the axis of runs."""
    runs = self.config["runs"]
    population = runs[place]["population"]
    row = sum(run["population"] == population for run in runs[:place])
    return jax.tree.map(lambda leaf: leaf[row], self._tree["populations"][str(population)][name])

  @contextlib.contextmanager
  def _fitting(self) -> Iterator[None]:
    """Turns what goes wrong where checkpoint and config do not fit into one line."""
    try:
      yield
    # A UserError is a ValueError too, and says more.
    except UserError:
      raise
    except (KeyError, IndexError, TypeError, ValueError) as error:
      raise UserError(
        f"the checkpoint of step {self.step} in {self.directory} does not fit its "
        f"{run_directory.CONFIG} ({type(error).__name__}: {error}); restore both from a copy"
      ) from error
