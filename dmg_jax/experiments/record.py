"""What a job in training leaves on the disk, and finds there: checkpoints, logs, events."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import processes, run_log
from dmg_jax.checkpoints import Checkpoints, Restored
from dmg_jax.experiments.events import Events


class Record:
  """The record of a job, for the one process that writes it.

  Args:
    directory: of the job, claimed.

  Raises:
    UserError: if checkpoints or logs are damaged.
    StorageError: if a file cannot be written; so do the methods.
  """

  def __init__(self, directory: Path):
    self._directory = directory
    self._checkpoints = Checkpoints(directory)
    self._log: run_log.RunLog | None = None
    self._events: Events | None = None

  def restore(self, like: Any, steps: int) -> Restored:
    """The state to go on from; changes nothing. See `Checkpoints.restore_latest`."""
    restored = self._checkpoints.restore_latest(like, steps)
    run_log.check(self._directory, restored.positions, restored.digests)
    return restored

  def begin(self, restored: Restored, steps: int) -> int:
    """Cuts the logs back to a checkpoint; the step of the last evaluation that is left, or -1."""
    positions = dict(restored.positions)
    if restored.step >= steps:
      # How long the last checkpoint took is logged behind it.
      end = run_log.end(self._directory, run_log.TIMING)
      positions[run_log.TIMING] = max(positions[run_log.TIMING], end)
    self._log = run_log.RunLog(self._directory, positions)
    rows = run_log.read(self._directory, run_log.EVALUATIONS)
    self._events = Events(self._directory)
    return max((row["step"] for row in rows), default=-1)

  def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows to a log, and what is drawn of them to the events."""
    assert self._log is not None
    assert self._events is not None
    self._log.append(name, rows)
    self._events.add(name, rows)

  def save(self, step: int, tree: Any, only_as_end: bool) -> None:
    """Commits the complete state, and with it all rows so far."""
    assert self._log is not None
    positions, digests = self._log.positions(), self._log.digests()
    self._checkpoints.save(step, tree, positions, digests, only_as_end)

  def close(self) -> None:
    """Frees the files."""
    for part in (self._log, self._events):
      if part is not None:
        part.close()


class NoRecord:
  """In the other processes of a job on several hosts: nothing is read or written."""

  def restore(self, like: Any, steps: int) -> Restored:
    """Nothing; `partners.restored` brings what the first process found."""
    return Restored(0, like, {}, {}, ())

  def begin(self, restored: Restored, steps: int) -> int:
    """No evaluation is known here."""
    return -1

  def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes nothing."""

  def save(self, step: int, tree: Any, only_as_end: bool) -> None:
    """Writes nothing."""

  def close(self) -> None:
    """Nothing is open."""


def record(directory: Path) -> Record | NoRecord:
  """The record of a job in this process; see `Record`."""
  return Record(directory) if processes.first() else NoRecord()
