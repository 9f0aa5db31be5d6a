"""Complete checkpoints of a job, with Orbax."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp
from absl import logging

from dmg_jax.errors import StorageError

_KEPT = 2
_SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")


class Checkpoints:
  """The checkpoints of a run directory, the newest `_KEPT` of them.

  A save returns once the checkpoint is committed. (Nothing is written in the
  background, so nothing that training donates meanwhile can reach the disk.)
  What a killed job left half-written is removed when the next one opens.

  Args:
    directory: of the run; `checkpoints/` within it is used.
  """

  def __init__(self, directory: Path):
    self._manager = ocp.CheckpointManager(
      (directory / "checkpoints").absolute(),
      options=ocp.CheckpointManagerOptions(
        max_to_keep=_KEPT,
        enable_async_checkpointing=False,
        cleanup_tmp_directories=True,
      ),
    )

  def latest(self) -> int | None:
    """The step of the newest committed checkpoint, or None."""
    return self._manager.latest_step()

  def save(self, step: int, tree: Any, positions: Mapping[str, int]) -> None:
    """Commits a tree of NumPy arrays, and the byte counts of the logs.

    Raises:
      StorageError: if it could not be written; earlier checkpoints are intact.
    """
    before = self.latest()
    # What fails in Orbax's threads is raised here; they would log it as well.
    verbosity, hook = logging.get_verbosity(), sys.unraisablehook
    logging.set_verbosity(logging.FATAL)
    sys.unraisablehook = lambda _: None
    try:
      self._manager.save(
        step,
        args=ocp.args.Composite(
          tree=ocp.args.StandardSave(tree), positions=ocp.args.JsonSave(dict(positions))
        ),
      )
    # The storage layer reports a full disk as any of these.
    except (OSError, ValueError, RuntimeError) as error:
      last = f"the checkpoint of step {before} is intact" if before is not None else "none was yet"
      raise StorageError(
        f"the checkpoint of step {step} could not be saved in {self._manager.directory} ({last}): "
        f"{_reason(error)}; make room and start the same command again"
      ) from error
    # Not after a failure: the threads may still be at it.
    logging.set_verbosity(verbosity)
    sys.unraisablehook = hook

  def restore(self, step: int, like: Any = None) -> tuple[Any, dict[str, int]]:
    """A saved tree, and the byte counts.

    Args:
      step: of a committed checkpoint.
      like: a tree whose structure, shapes and dtypes the result takes; without
        it, nested dicts.
    """
    restored = self._manager.restore(
      step,
      args=ocp.args.Composite(
        tree=ocp.args.StandardRestore(like), positions=ocp.args.JsonRestore()
      ),
    )
    return restored["tree"], restored["positions"]

  def close(self) -> None:
    """Frees the manager."""
    self._manager.close()


def _reason(error: Exception) -> str:
  """The system's own words, if the storage layer passes its error on."""
  code = _SYSTEM_ERROR.search(str(error))
  return os.strerror(int(code[1])) if code else " ".join(str(error).split())[:200]
