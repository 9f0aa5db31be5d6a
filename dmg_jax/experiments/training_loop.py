"""A job in training: advanced, evaluated, logged and saved until its last step."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dmg_jax import processes, run_log
from dmg_jax.data.scaling import Scaling
from dmg_jax.experiments import evaluations, partners
from dmg_jax.experiments.evaluating import Evaluating, Part
from dmg_jax.experiments.record import record
from dmg_jax.plan import Plan
from dmg_jax.progress import Progress
from dmg_jax.training import ACTIVE, Runs


class Beginning(Protocol):
  """How a population begins: `beginning.Beginning`, or `online_beginning.OnlineBeginning`."""

  @property
  def tasks(self) -> tuple[str, ...]:
    """Names of the population's tasks, each once."""

  @property
  def places(self) -> Sequence[int]:
    """Of the population's runs, those that this process trains."""

  def runs(self) -> Runs:
    """The runs at step 0, as NumPy arrays."""

  def population(self, runs: Runs, data: Any) -> Any:
    """The runs of `places`, as in `runs` or a checkpoint; `data` as an earlier one left them."""

  def turns(self, steps: int) -> int:
    """What the population's `advance` is to be called with for so many steps of the job."""

  def save(self) -> None:
    """Writes what a checkpoint counts on, before it commits."""


class Training:
  """The state of a job between its chunks of compiled training.

  Several processes may train one job, each runs of its own: they call the same methods
  in the same order, and the first alone writes.

  Args:
    plan, settings: of the job.
    scalings: by name of the task.
    beginnings: of the plan's populations.
    directory: of the job, claimed by the first process.
    announce: shows a line to the user.
    evaluates_first: whether the runs are also evaluated as they begin, at step 0.
    beside: whether training goes on during an evaluation, see `evaluating`.

  Attributes:
    step: up to which all runs that did not diverge are trained.

  Raises:
    UserError: if checkpoints or logs are damaged.
    StorageError: if a file cannot be written; so do the methods.
    PartnerError: if another process ended; so do the methods.
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
    beside: bool = False,
  ):
    self.plan, self.settings, self.scalings = plan, settings, scalings
    self.record = record(directory)
    fresh = [beginning.runs() for beginning in beginnings]
    self._shapes = partners.shapes(fresh)
    here = self.record.restore(self._tree(fresh), settings["steps"])
    for notice in here.notices:
      announce(notice)
    restored = partners.restored(here, self._tree(fresh))
    self.step = restored.step
    # Before the logs are cut back: what a population went through may be damaged. Populations on
    # the same data share one copy of them.
    data: dict[tuple[str, ...], Any] = {}
    self.parts: list[Part] = []
    self._frozen_at: dict[str, int] = {}
    for number, (beginning, members) in enumerate(zip(beginnings, plan.populations(), strict=True)):
      runs = restored.tree["populations"][str(number)]
      self._frozen_at |= {
        run.id: int(step) for run, step in zip(members, runs.frozen_at, strict=True)
      }
      if beginning.places:
        made = beginning.population(runs, data.get(beginning.tasks))
        data[beginning.tasks] = made.data
        mine = [members[place] for place in beginning.places]
        self.parts.append(Part(number, beginning, mine, made))
    self.evaluating = Evaluating(plan, settings, scalings, self.parts, beside)
    last = processes.largest(self.record.begin(here, settings["steps"]))
    self.evaluated_at = max(last, -evaluates_first)
    # Rows of the training that went on beside an evaluation: it may find that a run is lost.
    self._waiting: list[list[dict[str, Any]]] = []
    self._save_is_due = False
    if self.finished:
      announce(f"finished already: the checkpoint of step {self.step:,} is the last")
    elif self.step:
      announce(f"continuing from the checkpoint of step {self.step:,}")

  @property
  def all_diverged(self) -> bool:
    """Whether no run can go on."""
    return ACTIVE not in self._frozen_at.values()

  @property
  def finished(self) -> bool:
    """Whether no run can go on, or the last step is taken, and evaluated where it can be."""
    if self.all_diverged:
      return True
    return self.step >= self.settings["steps"] and not self._evaluation_is_due()

  def run(self, stopped: Callable[[], bool]) -> dict[str, int]:
    """Trains to the last step, or until stopped; id of a run -> step at which it diverged."""
    count = len(self.plan.runs)
    stream = None if processes.first() else open(os.devnull, "w")  # noqa: SIM115 - until the end
    with Progress(
      self.settings["steps"],
      self.step,
      "step",
      f"{count} run{'s' * (count > 1)}",
      stream=stream,
    ) as progress:
      stop = stopped()
      while not self.finished and not stop:
        if not self._evaluation_is_due():
          done = self.step
          self._advance(self._next_end(), progress)
          progress.update(self.step - done)
        if self.evaluating.pending and processes.smallest(self.evaluating.ready()):
          self._finish_evaluation(progress)
        self._save_is_due |= self.step % self.settings["checkpoint_interval"] == 0
        stop = stopped()
        if self._evaluation_is_due() and not stop:
          self._evaluate(progress)
          stop = stopped()
        if self.finished or stop:
          self._finish_evaluation(progress)
          self._save()
        # The rows of an evaluation under way would be missing: it is awaited, but not here.
        elif self._save_is_due and not self.evaluating.pending:
          self._save()
    return dict(self._frozen_at)

  def close(self) -> None:
    """Frees simulators and files."""
    self.evaluating.close()
    self.record.close()

  def _intervals(self) -> list[int]:
    """Training stops at the multiples of these."""
    names = ["log_interval", "checkpoint_interval"]
    names += ["evaluation_interval"] if self.evaluating.possible else []
    return [self.settings[name] for name in names]

  def _next_end(self) -> int:
    ends = [(self.step // interval + 1) * interval for interval in self._intervals()]
    return min(*ends, self.settings["steps"])

  def _evaluation_is_due(self) -> bool:
    """Also after a stop between the last step and its evaluation."""
    on_grid = self.step % self.settings["evaluation_interval"] == 0
    due = on_grid or self.step >= self.settings["steps"]
    unseen = due and self.step > self.evaluated_at and not self.all_diverged
    return self.evaluating.possible and unseen

  def _advance(self, end: int, progress: Progress) -> None:
    """Trains every population to step `end`, and logs."""
    rows: dict[str, dict[str, Any]] = {}
    for _, beginning, runs, population in self.parts:
      turns = beginning.turns(end - self.step)
      if seconds := population.prepare(turns):
        self._time("compile", seconds)
        progress.leave_out(seconds)
      started = time.monotonic()
      metrics = population.advance(turns)
      seconds = time.monotonic() - started
      self._time("train", seconds, steps_per_second=(end - self.step) * len(runs) / seconds)
      for place, (run, frozen_at) in enumerate(zip(runs, population.frozen_at(), strict=True)):
        values = {name: float(column[place]) for name, column in metrics.items()}
        rows[run.id] = {"frozen_at": int(frozen_at), **values}
    rows = partners.together(rows)
    self.step = end
    self._note_divergence({run: row.pop("frozen_at") for run, row in rows.items()}, progress)
    logged = [
      {"step": end, "run": run.id, **rows[run.id]}
      for run in self.plan.runs
      if self._frozen_at[run.id] == ACTIVE
    ]
    if self.evaluating.pending:
      self._waiting.append(logged)
    else:
      self.record.add(run_log.METRICS, logged)

  def _note_divergence(self, frozen_at: Mapping[str, int], progress: Progress) -> None:
    for run, step in frozen_at.items():
      if step != self._frozen_at[run]:
        progress.write(
          f"{run} diverged: numbers stopped being finite after step {step:,}; its last finite state"
          " is kept, the other runs go on"
        )
    self._frozen_at |= frozen_at

  def _evaluate(self, progress: Progress) -> None:
    """Evaluates every run that has not diverged, or begins to."""
    self._finish_evaluation(progress)
    if self._save_is_due and self.evaluating.beside:
      # What goes on from here begins with this evaluation.
      self._save()
    self.evaluating.begin(self.step)
    self.evaluated_at = self.step
    if processes.smallest(self.evaluating.ready()):
      self._finish_evaluation(progress)

  def _finish_evaluation(self, progress: Progress) -> None:
    """Logs what an evaluation found that was begun, if there is one."""
    if not self.evaluating.pending:
      return
    found = self.evaluating.finish()
    self._note_divergence(dict.fromkeys(found.lost, found.step), progress)
    self.record.add(run_log.EVALUATIONS, found.rows)
    for rows in self._waiting:
      self.record.add(run_log.METRICS, [row for row in rows if row["run"] not in found.lost])
    self._waiting = []
    self._time("evaluation", found.seconds, waited=found.waited)
    progress.note(evaluations.summary(found.rows))

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
    for part in self.parts:
      part.beginning.save()
    runs = partners.whole(
      {part.number: part.population.runs() for part in self.parts}, self._shapes
    )
    on_grid = any(self.step % interval == 0 for interval in self._intervals())
    if self.evaluating.possible:
      on_grid = on_grid and self.step % self.settings["evaluation_interval"] == 0
    at_end = self.step >= self.settings["steps"]
    self.record.save(self.step, self._tree(runs), at_end and not on_grid)
    self._save_is_due = False
    self._time("checkpoint", time.monotonic() - started)

  def _time(self, what: str, seconds: float, **more: float) -> None:
    row = {"step": self.step, "what": what, "seconds": seconds, **more}
    self.record.add(run_log.TIMING, [row])
