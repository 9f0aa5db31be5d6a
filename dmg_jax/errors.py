"""Failures that a person can act on; their messages are one line."""


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
