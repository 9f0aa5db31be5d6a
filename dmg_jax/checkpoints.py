"""Complete checkpoints of a job, with Orbax; each with a digest of what it holds.

The holder of the run directory's lock writes them with `Checkpoints`. Anyone
may read with `restore_latest`, also while the writer is at work.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import checkpoint_files, named_leaves
from dmg_jax.errors import StorageError, UserError, storage

FOLDER = "checkpoints"
_KEPT = 2
# Stands where a checkpoint was once committed: so that lost ones are noticed.
_MARK = ".checkpointed"


class Restored(NamedTuple):
  """A checkpoint, read and found whole.

  Attributes:
    step: of the checkpoint.
    tree: as saved: of NumPy arrays.
    positions: bytes of each log that belong to it.
    digests: of those bytes, see `run_log.check`.
    notices: a line for each newer checkpoint that was passed over.
  """

  step: int
  tree: Any
  positions: dict[str, int]
  digests: dict[str, str]
  notices: tuple[str, ...]


class Checkpoints:
  """The checkpoints of a run directory, the newest two of them.

  Only for the holder of the directory's lock: what a killed job left
  half-written is removed at once. A save returns when the checkpoint is
  committed. (Nothing is written in the background, so nothing that training
  donates meanwhile can reach the disk.)

  Args:
    directory: of the run; `checkpoints/` within it is used, and made if needed.

  Raises:
    UserError: if checkpoints were committed once, and all are gone; nothing is
      changed then.
    StorageError: if the folder cannot be written.
  """

  def __init__(self, directory: Path):
    self._folder, self._mark = directory / FOLDER, directory / _MARK
    if self._folder.exists():
      checkpoint_files.clean(self._folder)
    # Found by `restore_latest`; they make way for the next save.
    self._damaged: list[int] = []
    self._passed: list[int] = []
    if lost(directory):
      raise UserError(
        f"{self._folder} holds no checkpoint, but some were saved there: they were deleted; "
        "restore them from a copy, or start again in another --run_dir"
      )
    with storage(self._folder):
      self._folder.mkdir(exist_ok=True)

  def latest(self) -> int | None:
    """The step of the newest committed checkpoint, or None; it may be damaged."""
    return max(checkpoint_files.steps(self._folder), default=None)

  def restore_latest(self, like: Any, steps: int | None = None) -> Restored:
    """The newest checkpoint that is whole and that the job passes, else the beginning.

    Changes nothing on disk.

    Args:
      like: the state at step 0. A restored tree takes its structure.
      steps: of the job. A checkpoint saved as `only_as_end` at fewer steps is
        passed over: a longer job goes on from the one before, and so writes the
        rows of a job that was never shorter.

    Returns:
      The checkpoint; step 0, `like` and no positions if there is none to go on
      from. The notices say what was passed over.

    Raises:
      UserError: if only damaged checkpoints are left, or those of another
        version of dmg_jax.
    """
    self._damaged, self._passed = [], []
    notices = []
    for step in checkpoint_files.steps(self._folder):
      try:
        found = checkpoint_files.read(self._folder, step)
      except checkpoint_files.DamageError as damage:
        notices.append(_damage_notice(self._folder, step, damage))
        self._damaged.append(step)
        continue
      if found.only_as_end and steps is not None and steps > step:
        notices.append(
          f"the checkpoint of step {step} is the end of a shorter job, off the grid of the "
          "intervals; the one before is used, so that all rows are those of the longer job"
        )
        self._passed.append(step)
        continue
      try:
        shaped = named_leaves.restructure(found.tree, like)
      except ValueError as error:
        raise UserError(
          f"the checkpoint of step {step} in {self._folder} is of another version of dmg_jax "
          f"({error}); start again in another --run_dir"
        ) from error
      return Restored(step, shaped, found.positions, found.digests, tuple(notices))
    if self._damaged:
      raise UserError(_none_left(self._folder, self._damaged))
    return Restored(0, like, {}, {}, tuple(notices))

  def save(
    self,
    step: int,
    tree: Any,
    positions: Mapping[str, int],
    digests: Mapping[str, str],
    only_as_end: bool = False,
  ) -> None:
    """Commits a tree of NumPy arrays, and the byte counts and digests of the logs.

    A checkpoint of the same step is replaced.

    Args:
      step: of the state.
      tree: dicts, NamedTuples and dataclasses of arrays, none of them empty.
      positions, digests: of `RunLog.positions` and `RunLog.digests`.
      only_as_end: whether only a job that ends at this step writes these logs;
        see `restore_latest`.

    Raises:
      StorageError: if it could not be written; earlier checkpoints are intact.
    """
    with storage(self._folder):
      for damaged in self._damaged:
        checkpoint_files.set_aside(self._folder, damaged)
      for passed in self._passed:
        checkpoint_files.remove(self._folder, passed)
    self._damaged, self._passed = [], []
    earlier = [known for known in checkpoint_files.steps(self._folder) if known != step]
    try:
      checkpoint_files.write(self._folder, step, tree, positions, digests, only_as_end)
      checkpoint_files.clean(self._folder)
      self._mark.touch()
      for old in checkpoint_files.steps(self._folder)[_KEPT:]:
        checkpoint_files.remove(self._folder, old)
    # The storage layer reports a full disk as any of these.
    except (OSError, ValueError, RuntimeError) as error:
      # The folder itself may be gone: another program moved the run directory.
      with contextlib.suppress(OSError):
        checkpoint_files.clean(self._folder)
      last = f"the checkpoint of step {earlier[0]} is intact" if earlier else "none was yet"
      raise StorageError(
        f"the checkpoint of step {step} could not be saved in {self._folder} ({last}): "
        f"{checkpoint_files.reason(error)}; make room and start the same command again"
      ) from error


def lost(directory: Path) -> bool:
  """Whether checkpoints were committed once in a run directory, and all are gone."""
  return (directory / _MARK).exists() and not checkpoint_files.steps(directory / FOLDER)


def restore_latest(directory: Path) -> Restored | None:
  """The newest whole checkpoint of a run directory, for a reader; None if there is none yet.

  Creates and removes nothing. A writer may commit and delete checkpoints
  meanwhile.

  Args:
    directory: of the run.

  Raises:
    UserError: if there are checkpoints, and all are damaged.
  """
  folder = directory / FOLDER
  notices: dict[int, str] = {}
  failed: set[int] = set()
  # One that fails once may have been removed or replaced meanwhile by a writer.
  while True:
    steps = [step for step in checkpoint_files.steps(folder) if step not in notices]
    if not steps:
      if notices:
        raise UserError(_none_left(folder, list(notices)))
      return None
    step = steps[0]
    try:
      found = checkpoint_files.read(folder, step)
    except checkpoint_files.DamageError as damage:
      if step in failed:
        notices[step] = _damage_notice(folder, step, damage)
      failed.add(step)
      continue
    newer = tuple(text for damaged, text in notices.items() if damaged > step)
    return Restored(step, found.tree, found.positions, found.digests, newer)


def _damage_notice(folder: Path, step: int, damage: Exception) -> str:
  return f"the checkpoint of step {step} in {folder} is damaged ({damage}); the one before is used"


def _none_left(folder: Path, damaged: list[int]) -> str:
  steps = ", ".join(map(str, damaged))
  return (
    f"the checkpoints in {folder} are damaged (of step {steps}), and no other is left to go on "
    "from; restore them from a copy, or start again in another --run_dir"
  )
