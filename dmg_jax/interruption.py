"""Signals that end a job: the work under way is finished first."""

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

# Ctrl-C; what a cluster sends before it takes a machine away; a terminal that was closed.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a shell reports of a process that a signal ended.
_OFFSET = 128
_NOTICE = b"stopping: the work under way is finished and saved; a second signal ends at once\n"
_ERRORS = 2  # the descriptor; a handler must not wait for a buffer's lock


def begin() -> None:
  """From now on Ctrl-C raises `KeyboardInterrupt`, where a launcher has left it to the system."""
  if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Interruption:
  """Notes SIGINT (Ctrl-C), SIGTERM and SIGHUP while its block runs.

  The first signal sets `requested`, which the block polls between two pieces of
  work, and says so, as a piece may take minutes. A second one ends the process at
  once, also in the middle of a compiled call. Signals that the process ignores stay
  ignored. Afterwards the former handlers are back. Outside the main thread, where
  Python allows no handlers, it does nothing.

    with Interruption() as stop:
      while work and not stop.requested:
        ...
      if stop.requested:
        save()
        sys.exit(stop.exit_code)
  """

  def __init__(self) -> None:
    self._signal: int | None = None
    self._former: dict[int, Any] = {}
    self._former_descriptor = -1
    self._written: int | None = None
    self._told = threading.Lock()

  @property
  def requested(self) -> bool:
    """Whether a signal came."""
    return self._signal is not None

  @property
  def exit_code(self) -> int:
    """130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP, 0 if none came."""
    return 0 if self._signal is None else _OFFSET + self._signal

  def __enter__(self) -> "Interruption":
    if threading.current_thread() is not threading.main_thread():
      return self
    # Python calls handlers between two lines of the main thread, so not while it
    # waits for a compiled call. The descriptor is written to at once.
    read, self._written = os.pipe()
    os.set_blocking(self._written, False)
    threading.Thread(target=self._watch, args=(read,), daemon=True).start()
    self._former_descriptor = signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
    for number in _SIGNALS:
      if signal.getsignal(number) != signal.SIG_IGN:
        self._former[number] = signal.signal(number, self._note)
    return self

  def __exit__(
    self,
    kind: type[BaseException] | None,
    error: BaseException | None,
    traceback: TracebackType | None,
  ) -> None:
    if self._written is None:
      return
    for number, handler in self._former.items():
      # None: a handler that was not installed from Python and cannot be put back.
      signal.signal(number, signal.SIG_DFL if handler is None else handler)
    signal.set_wakeup_fd(self._former_descriptor)
    os.close(self._written)
    self._former, self._written = {}, None

  def _note(self, number: int, _: FrameType | None) -> None:
    """Python's handler: from now on the system's own, which ends the process."""
    self._signal = self._signal or number
    self._tell()
    for known in self._former:
      signal.signal(known, signal.SIG_DFL)

  def _watch(self, descriptor: int) -> None:
    """Reads the signals' numbers until the block ends."""
    came = 0
    while numbers := os.read(descriptor, 1):
      if numbers[0] in _SIGNALS:
        self._signal = self._signal or numbers[0]
        self._tell()
        came += 1
      if came > 1:
        os._exit(_OFFSET + numbers[0])
    os.close(descriptor)

  def _tell(self) -> None:
    """Prints the notice, the first time that it is called; handler and watcher both do."""
    if self._told.acquire(blocking=False):
      # The terminal may be gone.
      with contextlib.suppress(OSError):
        os.write(_ERRORS, b"\n" * os.isatty(_ERRORS) + _NOTICE)
