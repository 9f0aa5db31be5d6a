"""Traps for a job: signals that it sends to itself at a named point, or at its nth call."""

import atexit
import os
import resource
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import dmg_jax
from dmg_jax import checkpoints, population, run_directory, run_log
from dmg_jax.data import stream
from dmg_jax.experiments import offline
from dmg_jax.experiments.sweep import view

_PACKAGE = str(Path(dmg_jax.__file__).parent)


class Countdown:
  """Sends signals at the nth call."""

  def __init__(self, occurrence: int, signals: list[int]):
    self.left, self.signals = occurrence, signals

  def __call__(self) -> None:
    self.left -= 1
    if self.left == 0:
      for number in self.signals:
        os.kill(os.getpid(), number)
        # A second one is a signal of its own only if the first one has been noted.
        time.sleep(0.1 if len(self.signals) > 1 else 0)


def after(owner, name: str, due) -> None:
  """Calls `due` after each return of a function."""
  original = getattr(owner, name)

  def wrapped(*args, **kwargs):
    result = original(*args, **kwargs)
    due()
    return result

  setattr(owner, name, wrapped)


def arm(point: str, occurrence: int = 0, signals: list[int] | None = None) -> None:
  """Sets the trap: every point lies between two writes, or within one.

  Args:
    point: where; "call" is a call of any function of the package, or by one, while the job
      trains; "count" only counts them and prints their number; "unread": at once nobody reads the
      output, and the errors go to a full disk.
    occurrence: which time; of "file_limit", which is a full disk, KiB of a file at most.
    signals: that are sent there, SIGKILL if not given.
  """
  due = Countdown(occurrence, signals or [signal.SIGKILL])
  append = run_log.RunLog.append

  def appended(self, name, rows):
    append(self, name, rows)
    if name == point:
      due()

  def torn(self, name, rows):
    append(self, name, rows)
    if name == run_log.METRICS:
      if due.left == 1:
        file = self._files[name]
        os.ftruncate(file.fileno(), os.fstat(file.fileno()).st_size - 10)
      due()

  if point in run_log.NAMES:
    run_log.RunLog.append = appended
  elif point == "torn_row":
    run_log.RunLog.append = torn
  elif point == "config_written":
    after(run_directory, "claim", due)
  elif point == "chunk_trained":
    after(population.Population, "advance", due)
  elif point == "logs_flushed":
    after(run_log.RunLog, "positions", due)
  elif point == "checkpoint_begun":
    threading.Thread(target=_watch_for_partial_checkpoint, args=(due,), daemon=True).start()
  elif point == "stream_saved":
    after(stream.Stream, "save", due)
  elif point == "checkpoint_committed":
    after(checkpoints.Checkpoints, "save", due)
  elif point == "summary_written":
    after(run_log, "write_json", due)
  elif point == "looked":
    after(view.View, "look", due)
  elif point == "file_limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (occurrence * 1024, resource.RLIM_INFINITY))
  elif point == "unread":
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
  elif point in ("call", "count"):
    _count_calls(due)
    if point == "count":
      atexit.register(lambda: print(f"calls: {-due.left}", file=sys.stderr))
  else:
    sys.exit(f"no such point: {point}")


def printed_command(text: str) -> list[str]:
  """Script and arguments of the command that a stopped job printed."""
  lines = [line for line in text.splitlines() if "to go on: " in line]
  assert len(lines) == 1, text
  python, *words = shlex.split(lines[0].partition("to go on: ")[2])
  assert python == "python"
  return words


def _count_calls(due: Countdown) -> None:
  """In the main thread, while `offline.conduct` runs."""

  def called(frame, event, argument):
    if event in ("call", "c_call") and frame.f_code.co_filename.startswith(_PACKAGE):
      due()

  original = offline.conduct

  def conduct(*arguments):
    sys.setprofile(called)
    try:
      return original(*arguments)
    finally:
      sys.setprofile(None)

  offline.conduct = conduct


def _watch_for_partial_checkpoint(due: Countdown) -> None:
  """Counts half-written checkpoints, as they appear on the disk."""
  (directory,) = (a.partition("=")[2] for a in sys.argv if a.startswith("--run_dir="))
  seen = set()
  while True:
    for path in Path(directory, "checkpoints").glob("*tmp*"):
      if path.name not in seen:
        seen.add(path.name)
        due()
    time.sleep(0.0005)
