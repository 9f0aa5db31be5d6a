"""A job that sends itself a signal at a named point; run by test_resume.

python tests/killed_job.py SIGNAL POINT OCCURRENCE ARGUMENTS-OF-MAIN...
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

from dmg_jax import checkpoints, run_directory, run_log

MAIN = Path(__file__).parents[1] / "launch" / "main.py"


class Countdown:
  """Sends the signal at the nth call."""

  def __init__(self, name: str, occurrence: int):
    self.signal, self.left = signal.Signals[name], occurrence

  def __call__(self) -> None:
    self.left -= 1
    if self.left == 0:
      os.kill(os.getpid(), self.signal)


def after(owner, name: str, due) -> None:
  """Calls `due` after each return of a function."""
  original = getattr(owner, name)

  def wrapped(*args, **kwargs):
    result = original(*args, **kwargs)
    due()
    return result

  setattr(owner, name, wrapped)


def arm(name: str, point: str, occurrence: int) -> None:
  """Sets the trap: every point lies between two writes, or within one."""
  due = Countdown(name, occurrence)
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
  elif point == "logs_flushed":
    after(run_log.RunLog, "positions", due)
  elif point == "checkpoint_begun":
    threading.Thread(target=watch_for_partial_checkpoint, args=(due,), daemon=True).start()
  elif point == "checkpoint_committed":
    after(checkpoints.Checkpoints, "save", due)
  elif point == "summary_written":
    after(run_log, "write_json", due)
  else:
    sys.exit(f"no such point: {point}")


def watch_for_partial_checkpoint(due: Countdown) -> None:
  """Counts half-written checkpoints, as they appear on the disk."""
  (directory,) = (a.partition("=")[2] for a in sys.argv if a.startswith("--run_dir="))
  seen = set()
  while True:
    for path in Path(directory, "checkpoints").glob("*tmp*"):
      if path.name not in seen:
        seen.add(path.name)
        due()
    time.sleep(0.0005)


if __name__ == "__main__":
  # Whatever started the tests may ignore it.
  signal.signal(signal.SIGINT, signal.default_int_handler)
  arm(sys.argv[1], sys.argv[2], int(sys.argv[3]))
  sys.argv = [str(MAIN), *sys.argv[4:]]
  runpy.run_path(str(MAIN), run_name="__main__")
