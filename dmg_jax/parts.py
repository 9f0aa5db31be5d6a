"""Runs of one program, laid out in the parts that advance in one call each.

On an accelerator that is one part: all runs, under `vmap`, sharded over the devices. A CPU's
products of this size keep one core busy and no more: there, each run is a part, a call of one
compiled program for one run, and the calls are spread over threads. The bits of a run depend
neither on the number of threads nor on its neighbours.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import training
from dmg_jax.training import Program, Runs
from dmg_jax.types import Array, Parameters, Transitions


class Parts:
  """R runs on the devices.

  Args:
    program: of the runs.
    runs: leaves with a leading axis R.
    hyperparameters: of the agent, leaves (R,).
    data: of all runs.

  Attributes:
    count: R.
    placed: the parts; a part's axis may be longer than its share of R, where frozen
      copies fill up the devices.
    points: hyperparameters of each part.
    data: of all runs, on the devices; whoever appends to it puts it back.
    takes_turns: whether each run is a part.
  """

  def __init__(self, program: Program, runs: Runs, hyperparameters: Any, data: Transitions):
    self._policy = jax.vmap(program.agent.policy)
    self.count, self.takes_turns = len(runs.seeds), takes_turns(program)
    self.placed: list[Runs] = []
    self.points: list[Any] = []
    self.data = data
    each = 1 if self.takes_turns else self.count
    for start in range(0, self.count, each):
      some, points = jax.tree.map(
        lambda leaf, start=start: np.asarray(leaf)[start : start + each], (runs, hyperparameters)
      )
      part, points, self.data = training.place(some, points, self.data, program)
      self.placed.append(part)
      self.points.append(points)

  def compiler_options(self, workers: int) -> dict[str, Any]:
    """Of a part's program, where so many threads call it.

    With fewer runs than threads, the products of each take the cores that are left.
    """
    alone = self.takes_turns and self.count >= workers
    return training.compiler_options("cpu" if alone else "")

  def frozen_at(self) -> np.ndarray:
    """(R,) int32: the step at which each run diverged, or `training.ACTIVE`."""
    return self.joined([part.frozen_at for part in self.placed])

  def keep(self) -> list[Any]:
    """Copies of all states on the devices, for `freeze`."""
    return [jax.tree.map(jnp.copy, part.states) for part in self.placed]

  def freeze(self, place: int, step: int, kept: list[Any] | None = None) -> None:
    """Freezes a run at its state of now, or of an earlier `keep`."""
    number, row = (place, 0) if self.takes_turns else (0, place)
    part = self.placed[number]
    frozen_at = np.array(part.frozen_at)
    frozen_at[row] = step
    replaced = jax.device_put(frozen_at, part.frozen_at.sharding)  # type: ignore[union-attr]
    states = part.states
    if kept is not None:
      states = jax.tree.map(lambda now, then: now.at[row].set(then[row]), states, kept[number])
    self.placed[number] = part.replace(states=states, frozen_at=replaced)

  def runs(self) -> Runs:
    """All runs, as NumPy arrays with a leading axis R: copies."""
    parts = [training.gather(part, self.count) for part in self.placed]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

  def policies(self) -> Parameters:
    """Parameters of all policies, leading axis R: NumPy arrays."""
    found = [self._policy(part.states) for part in self.placed]
    return jax.tree.map(lambda *leaves: self.joined(leaves), *found)

  def joined(self, leaves: Sequence[Array]) -> np.ndarray:
    """(R, ...) NumPy array from one leaf of each part; a copy."""
    return np.concatenate([np.asarray(leaf) for leaf in leaves])[: self.count].copy()


def takes_turns(program: Program) -> bool:
  """Whether runs are spread over threads: on a CPU that is one device."""
  devices = program.mesh.devices.flat
  return len(devices) == 1 and devices[0].platform == "cpu"
