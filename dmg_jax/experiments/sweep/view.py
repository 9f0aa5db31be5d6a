"""All slices of a sweep in one view, from what their processes leave in the storage."""

from collections.abc import Sequence
from pathlib import Path

from dmg_jax.experiments.sweep import state
from dmg_jax.experiments.sweep.slices import Slice
from dmg_jax.progress import Progress

# Slices at work that the note names.
_NAMED = 3


class View:
  """Steps of all runs together, who is at work, and what happened; time left as `Progress` has it.

  Args:
    directory: of the sweep.
    parts: all of them.
    steps: of each run.
    progress: of the gradient steps of all runs, with those already taken.
  """

  def __init__(self, directory: Path, parts: Sequence[Slice], steps: int, progress: Progress):
    self._directory, self._steps, self._progress = directory, steps, progress
    self._runs = {one.name: len(one.job.plan.runs) for one in parts}
    self._told = {name: len(state.attempts(directory, name)) for name in self._runs}
    self._open = [name for name in self._runs if not state.finished(directory, name, steps)]
    self._done = taken(directory, parts, steps)

  def look(self) -> None:
    """Reads how far the open slices are, and shows it."""
    at_work, done = [], sum(self._runs.values()) * self._steps
    for name in list(self._open):
      rows = state.attempts(self._directory, name)
      attempt = sum("host" in row for row in rows[: self._told[name]])
      for row in rows[self._told[name] :]:
        attempt += "host" in row
        self._tell(name, row, attempt)
      self._told[name] = len(rows)
      ended = bool(rows) and rows[-1].get("ended") == state.FINISHED
      if ended and state.finished(self._directory, name, self._steps):
        self._open.remove(name)
        continue
      step = min(state.trained(self._directory, name), self._steps)
      done -= (self._steps - step) * self._runs[name]
      if rows and "host" in rows[-1]:
        at_work.append(f"{name} at {step / self._steps:.0%}")
    # Less than before where a slice went back to its checkpoint.
    self._progress.update(done - self._done)
    self._done = done
    more = f" and {len(at_work) - _NAMED} more" if len(at_work) > _NAMED else ""
    finished = f"{len(self._runs) - len(self._open)} of {len(self._runs)} parts finished"
    self._progress.note(", ".join([finished, *at_work[:_NAMED]]) + more)

  def _tell(self, name: str, row: dict, attempt: int) -> None:
    if "host" in row:
      where = f"on {row['host']}, process {row['pid']}"
      if row["again"]:
        self._progress.write(f"part {name}: {row['again']}; it starts again, {where}")
      elif attempt > 1:
        self._progress.write(f"part {name} goes on, attempt {attempt}, {where}")
    elif row["ended"] in (state.FAILED, state.REFUSED):
      self._progress.write(f"part {name}: {row['why']}")


def taken(directory: Path, parts: Sequence[Slice], steps: int) -> int:
  """Gradient steps of all runs together that are logged."""
  done = 0
  for one in parts:
    whole = state.finished(directory, one.name, steps)
    step = steps if whole else min(state.trained(directory, one.name), steps)
    done += step * len(one.job.plan.runs)
  return done
