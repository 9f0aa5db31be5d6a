"""The runs of an online loop, and how they share the machine while they learn.

As in `population`: on an accelerator all learn in one call; on a CPU each is a call of
one program for one run, spread over threads, and its bits do not depend on how many.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from dmg_jax import experience, training
from dmg_jax.population import takes_turns
from dmg_jax.training import Program, Runs
from dmg_jax.types import Array, Metrics, Parameters, Transitions


class Parts:
  """R runs on the device, in parts that learn in one call each.

  Args:
    program: of the runs.
    runs: leaves with a leading axis R.
    hyperparameters: of the agent, leaves (R,).
    data: of all runs.
    workers: threads, on a CPU.

  Attributes:
    placed: the parts; a part's axis may be longer than its share of R, where frozen
      copies fill up the devices.
    data: of all runs, on the device; whoever appends to it puts it back.
    split: how the axis of a part is laid over the devices.
  """

  def __init__(
    self, program: Program, runs: Runs, hyperparameters: Any, data: Transitions, workers: int
  ):
    self._program, self._count = program, len(runs.seeds)
    self.placed: list[Runs] = []
    self._points: list[Any] = []
    self.data = data
    self.split = NamedSharding(program.mesh, PartitionSpec(*program.mesh.axis_names))
    each = 1 if takes_turns(program) else self._count
    for start in range(0, self._count, each):
      some, points = jax.tree.map(
        lambda leaf, start=start: np.asarray(leaf)[start : start + each], (runs, hyperparameters)
      )
      part, points, self.data = training.place(some, points, self.data, program)
      self.placed.append(part)
      self._points.append(points)
    # Fewer runs than threads: the products of each take the cores that are left.
    several = takes_turns(program) and self._count >= workers
    self._options = training.compiler_options("cpu" if several else "")
    self._threads = ThreadPoolExecutor(min(workers, len(self.placed)))
    self._compiled: dict[tuple[int, int], Any] = {}

  def advance(self, phase: int, steps: int) -> list[Metrics]:
    """Takes gradient steps with every run; see `training.advance_steps`.

    Returns:
      The metrics of each part, on the device.
    """
    learn = self.compiled(phase, steps)

    def one(place: int) -> Metrics:
      self.placed[place], metrics = learn(self.placed[place], self._points[place], self.data)
      return metrics if len(self.placed) == 1 else jax.block_until_ready(metrics)

    if len(self.placed) == 1:  # dispatched, and not waited for
      return [one(0)]
    return list(self._threads.map(one, range(len(self.placed))))

  def compiled(self, phase: int, steps: int) -> Any:
    """The program of `advance`, which is compiled once."""
    if (phase, steps) not in self._compiled:
      lowered = training.advance_steps.lower(
        self.placed[0], self._points[0], self.data, self._program, phase, steps
      )
      self._compiled[phase, steps] = lowered.compile(compiler_options=self._options)
    return self._compiled[phase, steps]

  def frozen_at(self) -> np.ndarray:
    """(R,) int32: the gradient step at which each run diverged, or `training.ACTIVE`."""
    return self.joined([part.frozen_at for part in self.placed])

  def freeze(self, place: int, step: int) -> None:
    """Freezes a run at its state of now."""
    part, row = (place, 0) if len(self.placed) > 1 else (0, place)
    placed = self.placed[part].frozen_at
    frozen_at = np.array(placed)
    frozen_at[row] = step
    replaced = jax.device_put(frozen_at, placed.sharding)  # type: ignore[union-attr]
    self.placed[part] = self.placed[part].replace(frozen_at=replaced)

  def learn_with(self, hyperparameters: Any) -> None:
    """From now on the agent has other hyperparameters; leaves (R,)."""
    for place, points in enumerate(self._points):
      mine = slice(place, place + 1) if len(self.placed) > 1 else slice(None)
      self._points[place] = jax.tree.map(
        lambda new, old, mine=mine: jax.device_put(
          np.resize(np.broadcast_to(new, self._count)[mine], old.shape), old.sharding
        ),
        hyperparameters,
        points,
      )

  def own(self, regions: Sequence[experience.Region]) -> None:
    """Gives each part the regions of its runs."""
    self.placed = [part.replace(own=own) for part, own in zip(self.placed, regions, strict=True)]

  def runs(self) -> Runs:
    """All runs, as NumPy arrays with a leading axis R: copies."""
    parts = [training.gather(part, self._count) for part in self.placed]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

  def policies(self) -> Parameters:
    """Parameters of all policies, leading axis R: NumPy arrays."""
    policy = jax.vmap(self._program.agent.policy)
    return jax.tree.map(
      lambda *leaves: self.joined(leaves), *(policy(part.states) for part in self.placed)
    )

  def joined(self, leaves: Sequence[Array]) -> np.ndarray:
    """(R, ...) NumPy array from one leaf of each part; a copy."""
    return np.concatenate([np.asarray(leaf) for leaf in leaves])[: self._count].copy()

  def close(self) -> None:
    """Ends the threads."""
    self._threads.shutdown()
