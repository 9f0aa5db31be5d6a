"""A job in training: advanced, evaluated, logged and saved until its last step."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dmg_jax import run_log, training
from dmg_jax.checkpoints import Checkpoints
from dmg_jax.data.scaling import Scaling
from dmg_jax.experiments import evaluations
from dmg_jax.experiments.events import Events
from dmg_jax.plan import Plan, Run
from dmg_jax.population import active
from dmg_jax.progress import Progress
from dmg_jax.training import Runs


class Beginning(Protocol):
  """How a population begins: `beginning.Beginning`, or `online_beginning.OnlineBeginning`."""

  @property
  def tasks(self) -> tuple[str, ...]:
    """Names of the population's tasks, each once."""

  def runs(self) -> Runs:
    """The runs at step 0, as NumPy arrays."""

  def population(self, runs: Runs, data: Any) -> Any:
    """The population: of `runs`, or of a checkpoint's; `data` as an earlier one left them."""

  def turns(self, steps: int) -> int:
    """What the population's `advance` is to be called with for so many steps of the job."""

  def save(self) -> None:
    """Writes what a checkpoint counts on, before it commits."""


class Training:
  """The state of a job between its chunks of compiled training.

  Args:
    plan, settings: of the job.
    scalings: by name of the task.
    beginnings: of the plan's populations.
    directory: of the job, claimed.
    announce: shows a line to the user.
    evaluates_first: whether the runs are also evaluated as they begin, at step 0.

  Attributes:
    step: up to which all runs that did not diverge are trained.

  Raises:
    UserError: if checkpoints or logs are damaged.
    StorageError: if a file cannot be written; so do the methods.
  """

  def __init__(
    self,
    plan: Plan,
    settings: Mapping[str, Any],
    scalings: Mapping[str, Scaling],
    beginnings: Sequence[Beginning],
    directory: Path,
    announce: Callable[[str], None],
    *,
    evaluates_first: bool = False,
  ):
    self.plan, self.settings, self.scalings = plan, settings, scalings
    self.tasks = {task.name: task for task in plan.tasks}
    self.members, self.beginnings = plan.populations(), beginnings
    self.checkpoints = Checkpoints(directory)
    fresh = self._tree([beginning.runs() for beginning in beginnings])
    restored = self.checkpoints.restore_latest(fresh, self.settings["steps"])
    for notice in restored.notices:
      announce(notice)
    self.step = restored.step
    run_log.check(directory, restored.positions, restored.digests)
    # Before the logs are cut back: what a population went through may be damaged. Populations on
    # the same data share one copy of them.
    data: dict[tuple[str, ...], Any] = {}
    self.populations: list[Any] = []
    for number, beginning in enumerate(beginnings):
      runs = restored.tree["populations"][str(number)]
      made = beginning.population(runs, data.get(beginning.tasks))
      data[beginning.tasks] = made.data
      self.populations.append(made)
    positions = dict(restored.positions)
    if self.step >= self.settings["steps"]:
      # How long the last checkpoint took is logged behind it.
      end = run_log.end(directory, run_log.TIMING)
      positions[run_log.TIMING] = max(positions[run_log.TIMING], end)
    self.log = run_log.RunLog(directory, positions)
    self.workers, self.simulators = evaluations.simulators(plan, self.settings)
    rows = run_log.read(directory, run_log.EVALUATIONS)
    self.evaluated_at = max((row["step"] for row in rows), default=-evaluates_first)
    self.events = Events(directory)
    self._note_divergence()
    if self.finished:
      announce(f"finished already: the checkpoint of step {self.step:,} is the last")
    elif self.step:
      announce(f"continuing from the checkpoint of step {self.step:,}")

  @property
  def finished(self) -> bool:
    """Whether no run can go on, or the last step is taken, and evaluated where it can be."""
    if self.all_diverged:
      return True
    return self.step >= self.settings["steps"] and not self._evaluation_is_due()

  def _note_divergence(self) -> None:
    self.all_diverged = not any(
      active(population.frozen_at()).size for population in self.populations
    )

  def run(self, stopped: Callable[[], bool]) -> dict[str, int]:
    """Trains to the last step, or until stopped; id of a run -> step at which it diverged."""
    count = len(self.plan.runs)
    with Progress(
      self.settings["steps"], self.step, "step", f"{count} run{'s' * (count > 1)}"
    ) as progress:
      while not self.finished and not stopped():
        if not self._evaluation_is_due():
          done = self.step
          self._advance(self._next_end(), progress)
          progress.update(self.step - done)
        if self._evaluation_is_due() and not stopped():
          progress.note(self._evaluate(progress.write))
        if self.finished or stopped() or self.step % self.settings["checkpoint_interval"] == 0:
          self._save()
    return {
      run.id: int(step)
      for runs, population in zip(self.members, self.populations, strict=True)
      for run, step in zip(runs, population.frozen_at(), strict=True)
    }

  def close(self) -> None:
    """Frees simulators and files."""
    self.workers.close()
    self.log.close()
    self.events.close()

  def _intervals(self) -> list[int]:
    """Training stops at the multiples of these."""
    names = ["log_interval", "checkpoint_interval"]
    names += ["evaluation_interval"] if self.simulators else []
    return [self.settings[name] for name in names]

  def _next_end(self) -> int:
    ends = [(self.step // interval + 1) * interval for interval in self._intervals()]
    return min(*ends, self.settings["steps"])

  def _evaluation_is_due(self) -> bool:
    """Also after a stop between the last step and its evaluation."""
    on_grid = self.step % self.settings["evaluation_interval"] == 0
    due = on_grid or self.step >= self.settings["steps"]
    unseen = due and self.step > self.evaluated_at and not self.all_diverged
    return bool(self.simulators) and unseen

  def _advance(self, end: int, progress: Progress) -> None:
    """Trains every population to step `end`, and logs."""
    rows: dict[str, dict[str, Any]] = {}
    for beginning, runs, population in zip(
      self.beginnings, self.members, self.populations, strict=True
    ):
      turns = beginning.turns(end - self.step)
      if seconds := population.prepare(turns):
        self._time("compile", seconds)
        progress.leave_out(seconds)
      before, started = population.frozen_at(), time.monotonic()
      metrics = population.advance(turns)
      seconds = time.monotonic() - started
      self._time("train", seconds, steps_per_second=(end - self.step) * len(runs) / seconds)
      frozen_at = population.frozen_at()
      for place, run in enumerate(runs):
        if frozen_at[place] != before[place]:
          progress.write(_frozen(run, frozen_at[place]))
        if frozen_at[place] == training.ACTIVE:
          values = {name: float(column[place]) for name, column in metrics.items()}
          rows[run.id] = {"step": end, "run": run.id, **values}
    self.step = end
    self._note_divergence()
    self._log(run_log.METRICS, [rows[run.id] for run in self.plan.runs if run.id in rows])

  def _evaluate(self, tell: Callable[[str], None]) -> str:
    """Evaluates every run that has not diverged; a few words on how it went."""
    started = time.monotonic()
    rows: dict[str, list[dict[str, Any]]] = {}
    for runs, population in zip(self.members, self.populations, strict=True):
      found = evaluations.evaluate_population(
        runs,
        population,
        self.simulators,
        self.scalings,
        self.tasks,
        self.step,
        self.settings,
      )
      rows |= found.rows
      for place in found.not_finite:
        population.freeze(place, self.step)
        tell(_frozen(runs[place], self.step))
    self._note_divergence()
    ordered = [row for run in self.plan.runs for row in rows.get(run.id, ())]
    self.evaluated_at = self.step
    self._log(run_log.EVALUATIONS, ordered)
    self._time("evaluation", time.monotonic() - started)
    return evaluations.summary(ordered)

  def _tree(self, runs: Sequence[Runs]) -> dict[str, Any]:
    """What a checkpoint holds."""
    return {
      "populations": {str(number): one for number, one in enumerate(runs)},
      "scalings": {
        str(number): self.scalings[task.name] for number, task in enumerate(self.plan.tasks)
      },
    }

  def _save(self) -> None:
    """Commits the complete state, and with it all rows logged so far."""
    started = time.monotonic()
    for beginning in self.beginnings:
      beginning.save()
    tree = self._tree([population.runs() for population in self.populations])
    on_grid = any(self.step % interval == 0 for interval in self._intervals())
    if self.simulators:
      on_grid = on_grid and self.step % self.settings["evaluation_interval"] == 0
    at_end = self.step >= self.settings["steps"]
    self.checkpoints.save(
      self.step, tree, self.log.positions(), self.log.digests(), at_end and not on_grid
    )
    self._time("checkpoint", time.monotonic() - started)

  def _log(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    self.log.append(name, rows)
    self.events.add(name, rows)

  def _time(self, what: str, seconds: float, **more: float) -> None:
    row = {"step": self.step, "what": what, "seconds": seconds, **more}
    self.log.append(run_log.TIMING, [row])


def _frozen(run: Run, step: int) -> str:
  return (
    f"{run.id} diverged: numbers stopped being finite after step {step:,}; its last finite state "
    "is kept, the other runs go on"
  )
