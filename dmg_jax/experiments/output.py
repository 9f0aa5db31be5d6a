"""Standard output and error that stop no work: a reader may go away, a disk may be full."""

import io
import os
import sys
from typing import Any, TextIO, cast


class _Tolerant:
  """A stream that drops what it cannot write, and all that comes after.

  Args:
    stream: a file of the system, such as `sys.stdout`.
    name: what people call it.
  """

  def __init__(self, stream: TextIO, name: str):
    self._stream, self._name = stream, name

  def write(self, text: str) -> int:
    """Writes, or drops; returns the number of characters."""
    try:
      return self._stream.write(text)
    except OSError as error:
      self._give_up(error)
      return len(text)

  def flush(self) -> None:
    """Brings out what is held back, or drops it."""
    try:
      self._stream.flush()
    except OSError as error:
      self._give_up(error)

  def replace_what_the_encoding_lacks(self) -> None:
    """Brings out what is held back, and no longer fails on a character."""
    if isinstance(self._stream, io.TextIOWrapper):
      try:
        self._stream.reconfigure(errors="replace")
      except OSError as error:
        self._give_up(error)

  def _give_up(self, error: OSError) -> None:
    # What the stream holds back would fail again when the process ends.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, self._stream.fileno())
    os.close(null)
    # A reader that went away, such as `head`, has all that it wants.
    if not isinstance(error, BrokenPipeError):
      print(
        f"{self._name} cannot be written ({error.strerror}): the work goes on without it",
        file=sys.stderr,
      )

  def __getattr__(self, name: str) -> Any:
    return getattr(self._stream, name)


def tolerate() -> None:
  """From now on, no work of this process ends because its messages cannot be written.

  Characters that a terminal's encoding lacks are replaced.
  """
  for name, called in (("stdout", "standard output"), ("stderr", "standard error")):
    stream = getattr(sys, name)
    # Python has none where the caller closed it.
    if stream is None:
      stream = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    if not isinstance(stream, _Tolerant):
      tolerant = _Tolerant(stream, called)
      setattr(sys, name, cast(TextIO, tolerant))
      # Files hold every character, also where the terminal's encoding does not.
      tolerant.replace_what_the_encoding_lacks()
