"""The right to write in a directory, which one process has at a time."""

import fcntl
from pathlib import Path
from typing import BinaryIO

from dmg_jax.errors import UserError, storage

NAME = ".lock"


class InUseError(UserError):
  """Another process is at work in a directory."""


def lock(directory: Path) -> BinaryIO:
  """Locks a directory for this process, as long as the returned file is open.

  Raises:
    InUseError: if another process is at work there.
    UserError: if its file system has no locks.
    StorageError: if it cannot be written.
  """
  with storage(directory):
    held = open(directory / NAME, "ab")  # noqa: SIM115 - open for as long as the job runs
  try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    held.close()
    raise InUseError(f"{directory} is in use by another process; wait for it or stop it") from error
  except OSError as error:
    held.close()
    raise UserError(
      f"{directory} cannot be locked: {error.strerror}; name a --run_dir on another file system"
    ) from error
  return held
