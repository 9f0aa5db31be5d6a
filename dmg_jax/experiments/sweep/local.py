"""The slices of a sweep one after another on this machine, each in a process of its own."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from dmg_jax.experiments.sweep import part, state

_PAUSE = 1.0
_REFUSED, _FAILED = 2, 1


def run(
  directory: Path,
  names: Sequence[str],
  *,
  workers: int,
  retries: int,
  stopped: Callable[[], bool],
  look: Callable[[], None],
  closes: Any,
) -> dict[str, str]:
  """Trains slices; those that fail are tried again.

  Processes are forked: what this one has imported, they have. JAX must not have started here.

  Args:
    directory: of the sweep.
    names: of the slices.
    workers: of each, see `part.work`.
    retries: attempts beyond the first, of each slice.
    stopped: whether to end; the process at work saves, and no other begins.
    look: called about once a second.
    closes: the sweep's lock, which a process must not hold.

  Returns:
    Name of a slice that did not end -> why.
  """
  context = multiprocessing.get_context("fork")
  failures: dict[str, str] = {}
  for name in names:
    for _ in range(retries + 1):
      if stopped():
        return failures
      process = context.Process(target=_child, args=(str(directory), name, workers, closes))
      process.start()
      told = False
      while not wait([process.sentinel], _PAUSE):
        look()
        if stopped() and not told:
          process.terminate()
          told = True
      process.join()
      look()
      if process.exitcode == 0:
        failures.pop(name, None)
        break
      failures[name] = _reason(directory, name, process.exitcode)
      if process.exitcode == _REFUSED:
        break
  return failures


def _reason(directory: Path, name: str, code: int | None) -> str:
  how, why = state.ended(directory, name)
  if how:
    return why
  return f"its process ended by signal {-code}" if code and code < 0 else f"exit code {code}"


def _child(directory: str, name: str, workers: int, lock: Any) -> None:
  # Ctrl-C is for the sweep, which then asks this process to save.
  os.setpgid(0, 0)
  signal.set_wakeup_fd(-1)
  for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
  signal.signal(signal.SIGINT, signal.default_int_handler)
  lock.close()
  threading.Thread(target=_end_with_the_parent, daemon=True).start()
  try:
    code = _REFUSED if part.work(directory, name, workers) else 0
  except RuntimeError:
    code = _FAILED
  sys.exit(code)


def _end_with_the_parent() -> None:
  """Where the sweep was killed, the slice at work saves and ends."""
  parent = multiprocessing.parent_process()
  assert parent is not None
  wait([parent.sentinel])
  os.kill(os.getpid(), signal.SIGTERM)
