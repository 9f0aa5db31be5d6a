"""The runs of one compiled program, and how they share the machine.

On an accelerator all runs of a device advance in one call (`training.advance`
under `vmap`), sharded over the devices. A CPU's products of this size keep one
core busy and no more: there, each run is a call of one compiled program for one
run, and the calls are spread over worker threads, one for each core. No run
waits for a padded place. Where there are fewer runs than workers, the products of
each take the cores that are left. The bits of a run depend neither on the number
of workers nor on its neighbours.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import training
from dmg_jax.training import ACTIVE, Program, Runs
from dmg_jax.types import Metrics, Transitions

# A chunk of a run is taken in so many calls, if its cycles divide: with more
# items than workers, uneven numbers of runs keep all of them busy.
_TURNS = (8, 4, 2, 1)


class Population:
  """Runs of one agent in training.

  Args:
    program: from `training.make_program`.
    runs: from `training.start` or a checkpoint; leaves have a leading axis R.
    hyperparameters: leaves (R,).
    data: of all runs.
    workers: threads, on a CPU.

  Attributes:
    count: R.
    data: on the device.
    agent: of all runs.
    takes_turns: whether runs are spread over worker threads.
  """

  def __init__(
    self, program: Program, runs: Runs, hyperparameters: Any, data: Transitions, workers: int
  ):
    self._program, self._workers = program, workers
    self.agent, self.count = program.agent, len(runs.seeds)
    self.takes_turns = takes_turns(program)
    self._compiled: dict[int, Any] = {}
    # Parts of the population that advance in one call: one run each, or all.
    parts = [slice(place, place + 1) for place in range(self.count)]
    if not self.takes_turns:
      parts = [slice(0, self.count)]
    self._parts: list[Runs] = []
    self._hyperparameters: list[Any] = []
    self.data = data
    for part in parts:
      some, numbers = jax.tree.map(
        lambda leaf, part=part: np.asarray(leaf)[part], (runs, hyperparameters)
      )
      placed, numbers, self.data = training.place(some, numbers, self.data, program)
      self._parts.append(placed)
      self._hyperparameters.append(numbers)

  def advance(self, cycles: int) -> Metrics:
    """Takes `cycles` cycles with every run; see `training.advance`.

    Returns:
      Metrics as NumPy arrays (R,), each the mean over the last steps of the cycles.
    """
    turns = next(n for n in _TURNS if cycles % n == 0) if self.takes_turns else 1
    self.prepare(cycles)
    executable = self._compiled[cycles // turns]
    found: list[list[Metrics]] = [[] for _ in self._parts]
    # The run that is furthest behind goes next: they wait in the order of their turns.
    waiting: SimpleQueue[int | None] = SimpleQueue()
    for place in range(len(self._parts)):
      waiting.put(place)

    def work() -> None:
      while (place := waiting.get()) is not None:
        try:
          runs, metrics = executable(self._parts[place], self._hyperparameters[place], self.data)
          found[place].append(jax.device_get(metrics))
          self._parts[place] = runs
        except BaseException:
          _release(waiting, self._workers)
          raise
        if len(found[place]) < turns:
          waiting.put(place)
        elif all(len(taken) == turns for taken in found):
          _release(waiting, self._workers)

    if self.takes_turns:
      with ThreadPoolExecutor(self._workers) as pool:
        for worker in [pool.submit(work) for _ in range(self._workers)]:
          worker.result()
    else:
      work()
    metrics = [
      jax.tree.map(lambda *values: np.mean(np.stack(values), axis=0), *taken) for taken in found
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: self.count], *metrics)

  def prepare(self, cycles: int) -> float:
    """Compiles what `advance(cycles)` will call; seconds that it took, 0 if it was there."""
    turns = next(n for n in _TURNS if cycles % n == 0) if self.takes_turns else 1
    length, started = cycles // turns, time.monotonic()
    if length in self._compiled:
      return 0.0
    lowered = training.advance.lower(
      self._parts[0], self._hyperparameters[0], self.data, self._program, length
    )
    alone = self.takes_turns and self.count >= self._workers
    options = training.compiler_options("cpu" if alone else "")
    self._compiled[length] = lowered.compile(compiler_options=options)
    return time.monotonic() - started

  def frozen_at(self) -> np.ndarray:
    """(R,) int32: the step at which each run diverged, or `training.ACTIVE`."""
    parts = [np.asarray(part.frozen_at) for part in self._parts]
    return np.concatenate(parts)[: self.count].copy()

  def keep(self) -> list[Any]:
    """Copies of all states on the device, for `freeze`."""
    return [jax.tree.map(jnp.copy, part.states) for part in self._parts]

  def freeze(self, place: int, step: int, kept: list[Any] | None = None) -> None:
    """Freezes a run at its state of now, or of an earlier `keep`."""
    part, row = (place, 0) if self.takes_turns else (0, place)
    runs = self._parts[part]
    frozen_at = np.array(runs.frozen_at)
    frozen_at[row] = step
    replaced = jax.device_put(frozen_at, runs.frozen_at.sharding)  # type: ignore[union-attr]
    states = runs.states
    if kept is not None:
      states = jax.tree.map(lambda now, then: now.at[row].set(then[row]), states, kept[part])
    self._parts[part] = runs.replace(states=states, frozen_at=replaced)

  def runs(self) -> Runs:
    """All runs, as NumPy arrays with a leading axis R: copies."""
    parts = [training.gather(part, self.count) for part in self._parts]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: self.count], *parts)

  def policies(self) -> Any:
    """Parameters of all policies on the device, leading axis R."""
    policy = jax.vmap(self._program.agent.policy)
    parts = [policy(part.states) for part in self._parts]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: self.count], *parts)


def takes_turns(program: Program) -> bool:
  """Whether runs are spread over worker threads: on a CPU that is one device."""
  devices = program.mesh.devices.flat
  return len(devices) == 1 and devices[0].platform == "cpu"


def active(frozen_at: Sequence[int] | np.ndarray) -> np.ndarray:
  """Places of the runs that did not diverge."""
  return np.flatnonzero(np.asarray(frozen_at) == ACTIVE)


def _release(waiting: SimpleQueue, workers: int) -> None:
  """Ends all workers that wait for a run."""
  for _ in range(workers):
    waiting.put(None)
