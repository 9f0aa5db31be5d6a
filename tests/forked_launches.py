"""Runs launchers as a user does, each in a process of its own that costs no import.

  python tests/forked_launches.py < LAUNCHES > RESULTS

LAUNCHES are a JSON list of objects: "argv", the script and its arguments; "cwd"; "trap",
see `traps.arm`, or null; "watched", a folder or null. RESULTS are a list of objects: "code",
negative for a signal; "out"; "err"; "changed", what became different below the watched folder.
This process imports what the launchers do, and is forked for each: JAX has not started a thread
by then.
"""

import contextlib
import gc
import json
import os
import runpy
import signal
import sys
import tempfile

import snapshots
import traps

from dmg_jax.experiments import command_line, finetune, job, reevaluation  # noqa: F401
from dmg_jax.experiments.sweep import part, sweep  # noqa: F401


def work(argv: list[str], cwd: str, trap: dict | None, out: int, err: int) -> None:
  """What the child does; ends by `SystemExit`, as a script does."""
  # A shell's background jobs ignore Ctrl-C, and a launcher leaves what is ignored so.
  signal.signal(signal.SIGINT, signal.default_int_handler)
  os.chdir(cwd)
  os.dup2(out, 1)
  os.dup2(err, 2)
  sys.stdin = open(os.devnull)  # noqa: SIM115 - until the process ends
  sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
  sys.argv = list(argv)
  if trap is not None:
    traps.arm(**trap)
  runpy.run_path(argv[0], run_name="__main__")
  sys.exit(0)


def launch(argv: list[str], cwd: str, trap: dict | None = None, watched: str | None = None) -> dict:
  """Forks, waits, and tells."""
  before = snapshots.snapshot(watched) if watched else {}
  with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    child = os.fork()
    if child == 0:
      work(argv, cwd, trap, out.fileno(), err.fileno())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = {}
    for name, file in (("out", out), ("err", err)):
      file.seek(0)
      texts[name] = file.read().decode()
  after = snapshots.snapshot(watched) if watched else {}
  return {"code": code, "changed": snapshots.changed(before, after), **texts}


def main() -> None:
  launches = json.load(sys.stdin)
  # A child that ends looks at none of the objects that it was born with: else it copies them.
  gc.freeze()
  results = sys.stdout
  with contextlib.redirect_stdout(sys.stderr):
    found = []
    for one in launches:
      # The command that the launch before printed, if no other is given.
      argv = one["argv"] or traps.printed_command(found[-1]["err"])
      found.append(launch(**one | {"argv": argv}))
  json.dump(found, results)


if __name__ == "__main__":
  main()
