"""The runs of one compiled program, and how they share the machine while they train.

On a CPU the calls of the runs' parts, see `parts`, are spread over worker threads, one for each
core, and no run waits for a padded place.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import jax
import numpy as np

from dmg_jax import training
from dmg_jax.parts import Parts
from dmg_jax.training import ACTIVE, Program, Runs
from dmg_jax.types import Metrics, Transitions

# A chunk of a run is taken in so many calls, if its cycles divide: with more
# items than workers, uneven numbers of runs keep all of them busy.
_TURNS = (8, 4, 2, 1)


class Population(Parts):
  """Runs of one agent in training.

  Args:
    program: from `training.make_program`.
    runs: from `training.start` or a checkpoint; leaves have a leading axis R.
    hyperparameters: leaves (R,).
    data: of all runs.
    workers: threads, on a CPU.

  Attributes:
    agent: of all runs.
  """

  def __init__(
    self, program: Program, runs: Runs, hyperparameters: Any, data: Transitions, workers: int
  ):
    super().__init__(program, runs, hyperparameters, data)
    self._program, self._workers = program, workers
    self.agent = program.agent
    self._compiled: dict[int, Any] = {}

  def advance(self, cycles: int) -> Metrics:
    """Takes `cycles` cycles with every run; see `training.advance`.

    Returns:
      Metrics as NumPy arrays (R,), each the mean over the last steps of the cycles.
    """
    turns = next(n for n in _TURNS if cycles % n == 0) if self.takes_turns else 1
    self.prepare(cycles)
    executable = self._compiled[cycles // turns]
    found: list[list[Metrics]] = [[] for _ in self.placed]
    # The run that is furthest behind goes next: they wait in the order of their turns.
    waiting: SimpleQueue[int | None] = SimpleQueue()
    for place in range(len(self.placed)):
      waiting.put(place)

    def work() -> None:
      while (place := waiting.get()) is not None:
        try:
          runs, metrics = executable(self.placed[place], self.points[place], self.data)
          found[place].append(jax.device_get(metrics))
          self.placed[place] = runs
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
      self.placed[0], self.points[0], self.data, self._program, length
    )
    options = self.compiler_options(self._workers)
    self._compiled[length] = lowered.compile(compiler_options=options)
    return time.monotonic() - started


def active(frozen_at: Sequence[int] | np.ndarray) -> np.ndarray:
  """Places of the runs that did not diverge."""
  return np.flatnonzero(np.asarray(frozen_at) == ACTIVE)


def _release(waiting: SimpleQueue, workers: int) -> None:
  """Ends all workers that wait for a run."""
  for _ in range(workers):
    waiting.put(None)
