"""The runs of an online loop, and how they share the machine while they learn.

As in `population`: on an accelerator all learn in one call; on a CPU the calls of the runs'
parts, see `parts`, are spread over threads.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from dmg_jax import experience, training
from dmg_jax.parts import Parts
from dmg_jax.training import Program, Runs
from dmg_jax.types import Metrics, Transitions


class OnlinePopulation(Parts):
  """Runs that learn online.

  Args:
    program, runs, hyperparameters, data: see `Parts`.
    workers: threads, on a CPU.

  Attributes:
    split: how the axis of a part is laid over the devices.
  """

  def __init__(
    self, program: Program, runs: Runs, hyperparameters: Any, data: Transitions, workers: int
  ):
    super().__init__(program, runs, hyperparameters, data)
    self._program = program
    self.split = NamedSharding(program.mesh, PartitionSpec(*program.mesh.axis_names))
    self._options = self.compiler_options(workers)
    self._threads = ThreadPoolExecutor(min(workers, len(self.placed)))
    self._compiled: dict[tuple[int, int], Any] = {}

  def advance(self, phase: int, steps: int) -> list[Metrics]:
    """Takes gradient steps with every run; see `training.advance_steps`.

    Returns:
      The metrics of each part, on the device.
    """
    learn = self.compiled(phase, steps)

    def one(place: int) -> Metrics:
      self.placed[place], metrics = learn(self.placed[place], self.points[place], self.data)
      return metrics if len(self.placed) == 1 else jax.block_until_ready(metrics)

    if len(self.placed) == 1:  # dispatched, and not waited for
      return [one(0)]
    return list(self._threads.map(one, range(len(self.placed))))

  def compiled(self, phase: int, steps: int) -> Any:
    """The program of `advance`, which is compiled once."""
    if (phase, steps) not in self._compiled:
      lowered = training.advance_steps.lower(
        self.placed[0], self.points[0], self.data, self._program, phase, steps
      )
      self._compiled[phase, steps] = lowered.compile(compiler_options=self._options)
    return self._compiled[phase, steps]

  def learn_with(self, hyperparameters: Any) -> None:
    """From now on the agent has other hyperparameters; leaves (R,)."""
    for place, points in enumerate(self.points):
      mine = slice(place, place + 1) if self.takes_turns else slice(None)
      self.points[place] = jax.tree.map(
        lambda new, old, mine=mine: jax.device_put(
          np.resize(np.broadcast_to(new, self.count)[mine], old.shape), old.sharding
        ),
        hyperparameters,
        points,
      )

  def own(self, regions: Sequence[experience.Region]) -> None:
    """Gives each part the regions of its runs."""
    self.placed = [part.replace(own=own) for part, own in zip(self.placed, regions, strict=True)]

  def close(self) -> None:
    """Ends the threads."""
    self._threads.shutdown()
