"""A job that kills itself with SIGKILL at a named point; run by test_resume.

python tests/killed_job.py POINT OCCURRENCE ARGUMENTS-OF-MAIN...
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


def kill() -> None:
  os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
  """Kills at the nth call."""

  def __init__(self, occurrence: int):
    self.left = occurrence

  def __call__(self) -> None:
    self.left -= 1
    if self.left == 0:
      kill()


def after(owner, name: str, due) -> None:
  """Calls `due` after each return of a function."""
  original = getattr(owner, name)

  def wrapped(*args, **kwargs):
    result = original(*args, **kwargs)
    due()
    return result

  setattr(owner, name, wrapped)


def arm(point: str, occurrence: int) -> None:
  """Sets the trap: every point lies between two writes, or within one."""
  due = Countdown(occurrence)
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
  arm(sys.argv[1], int(sys.argv[2]))
  sys.argv = [str(MAIN), *sys.argv[3:]]
  runpy.run_path(str(MAIN), run_name="__main__")
