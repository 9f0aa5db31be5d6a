"""The evaluations of a job in training: at once, or beside the training.

A CPU's cores are busy with the training, so there an evaluation comes first and the
training waits. An accelerator goes on with the next chunks while the CPU plays. What it
finds is awaited before the next evaluation begins; a checkpoint that is due meanwhile
waits with it. Rows and states are the same in both cases: a run whose policy turns out
to give numbers that are not finite is set back to where it was when the evaluation began.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from dmg_jax.data.scaling import Scaling
from dmg_jax.experiments import evaluations, partners
from dmg_jax.plan import Plan, Run


class Part(NamedTuple):
  """The runs of one population that this process trains.

  Attributes:
    number: of the population.
    beginning: of the population.
    runs: in the plan's order.
    population: of those runs; `population.Population`, or `online.loop.Loop`.
  """

  number: int
  beginning: Any
  runs: Sequence[Run]
  population: Any


class Found(NamedTuple):
  """What an evaluation found, in all processes together.

  Attributes:
    step: of the runs.
    rows: of all episodes, in the order of the plan's runs.
    lost: ids of the runs whose policy gave a non-finite action; they are frozen now.
    seconds: that the episodes took, in this process.
    waited: seconds that the training waited for them.
  """

  step: int
  rows: list[dict[str, Any]]
  lost: list[str]
  seconds: float
  waited: float


def pays() -> bool:
  """Whether evaluations go on beside the training: where the CPU is free, and JAX may use it."""
  if jax.default_backend() == "cpu":
    return False
  try:
    return bool(jax.devices("cpu"))
  except RuntimeError:  # JAX_PLATFORMS names the accelerator alone
    return False


class Evaluating:
  """Evaluations of a job, one at a time.

  Args:
    plan, settings: of the job.
    scalings: by name of the task.
    parts: whose runs are evaluated.
    beside: whether training goes on meanwhile.

  Attributes:
    beside: as given.
    possible: whether any task has a simulator.
    pending: whether an evaluation has begun and not been finished.
  """

  def __init__(
    self,
    plan: Plan,
    settings: Mapping[str, Any],
    scalings: Mapping[str, Scaling],
    parts: Sequence[Part],
    beside: bool,
  ):
    self._plan, self._settings, self._scalings = plan, settings, scalings
    self._parts, self.beside = parts, beside
    self._tasks = {task.name: task for task in plan.tasks}
    self._workers, self._simulators = evaluations.simulators(plan, settings)
    self._thread = ThreadPoolExecutor(1)
    self._future: Future | None = None
    self._kept: list[Any] = []
    self._step = 0
    self.possible = bool(self._simulators)

  @property
  def pending(self) -> bool:
    return self._future is not None

  def begin(self, step: int) -> None:
    """Plays with all runs as they are now; returns at once, where training goes on meanwhile.

    Raises:
      UserError, SimulatorError: see `evaluation.evaluate`; where training goes on, `finish` does.
    """
    works = [evaluations.work_of(part.runs, part.population) for part in self._parts]
    self._step = step
    if self.beside:
      self._kept = [part.population.keep() for part in self._parts]
      self._future = self._thread.submit(self._play_on_the_cpu, works, step)
    else:
      self._future = Future()
      self._future.set_result(self._play(works, step))

  def ready(self) -> bool:
    """Whether `finish` would return at once."""
    return self._future is not None and self._future.done()

  def finish(self) -> Found:
    """Waits for the evaluation that was begun, and freezes what it lost.

    Raises:
      PartnerError: as `processes.exchange`; so do the others.
    """
    assert self._future is not None
    started = time.monotonic()
    found, seconds = self._future.result()
    waited = time.monotonic() - started if self.beside else seconds
    self._future = None
    rows: dict[str, Any] = {}
    for place, (part, one) in enumerate(zip(self._parts, found, strict=True)):
      rows |= one.rows
      for lost in one.not_finite:
        rows[part.runs[lost].id] = []
        if self.beside:
          part.population.freeze(lost, self._step, self._kept[place])
        else:
          part.population.freeze(lost, self._step)
    self._kept = []
    rows = partners.together(rows)
    ordered = [row for run in self._plan.runs for row in rows.get(run.id, ())]
    lost_runs = [run.id for run in self._plan.runs if rows.get(run.id) == []]
    return Found(self._step, ordered, lost_runs, seconds, waited)

  def close(self) -> None:
    """Frees the simulators; an evaluation under way ends."""
    self._workers.close()
    self._thread.shutdown()

  def _play_on_the_cpu(
    self, works: Sequence[evaluations.Work], step: int
  ) -> tuple[list[evaluations.Evaluated], float]:
    with jax.default_device(jax.devices("cpu")[0]):
      return self._play(works, step)

  def _play(
    self, works: Sequence[evaluations.Work], step: int
  ) -> tuple[list[evaluations.Evaluated], float]:
    started = time.monotonic()
    found = [
      evaluations.evaluate_runs(
        work, self._simulators, self._scalings, self._tasks, step, self._settings
      )
      for work in works
    ]
    return found, time.monotonic() - started
