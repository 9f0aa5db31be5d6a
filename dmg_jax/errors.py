"""Failures that a person can act on; their messages are one line."""

import contextlib
import os
from collections.abc import Iterator


class UserError(ValueError):
  """Bad input: says what is wrong, where, and what to do.

  Launchers print it without a traceback and exit with code 2.
  """


class StorageError(RuntimeError):
  """A run directory that could not be written: a full disk, a limit, a lost mount.

  Launchers print it without a traceback and exit with code 1; what was
  committed before is intact.
  """


class SimulatorError(RuntimeError):
  """A simulator that failed, or whose process ended.

  Launchers print it without a traceback and exit with code 1.
  """


class PartnerError(RuntimeError):
  """Another process of a job on several hosts ended, or failed.

  Launchers print it without a traceback and exit with code 1; what was
  committed before is intact.

  Attributes:
    lost: whether it is gone without a word: it was killed, or its host is away.
  """

  def __init__(self, message: str, lost: bool):
    super().__init__(message)
    self.lost = lost


@contextlib.contextmanager
def storage(what: str | os.PathLike[str]) -> Iterator[None]:
  """Turns the system's errors in its block into one line.

  Args:
    what: the file or folder that the block writes.

  Raises:
    StorageError: for any `OSError`.
  """
  try:
    yield
  except OSError as error:
    raise StorageError(
      f"{what} could not be written: {error.strerror or error}; "
      "make room or restore access, and start the same command again"
    ) from error


class StoppedError(Exception):
  """A signal stopped a job; all its work is saved.

  Launchers print it and exit with its code.

  Attributes:
    exit_code: 130 after SIGINT (Ctrl-C), 143 after SIGTERM, 129 after SIGHUP.
  """

  def __init__(self, message: str, exit_code: int):
    super().__init__(message)
    self.exit_code = exit_code
