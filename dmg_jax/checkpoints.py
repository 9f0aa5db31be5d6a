"""Complete checkpoints of a job, with Orbax."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp

from dmg_jax.errors import StorageError

_KEPT = 2


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
    # Orbax raises here what its threads would print as well.
    hook, threading.excepthook = threading.excepthook, lambda _: None
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
        f"{' '.join(str(error).split())[:200]}; make room and start the same command again"
      ) from error
    finally:
      threading.excepthook = hook

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
