"""Runs a launcher on many command lines in one process: an import of JAX for all of them.

  python tests/launched_cases.py launch/collect.py < CASES > RESULTS

CASES are a JSON list of lists of arguments, RESULTS one of [exit code, standard error,
names of files and folders in the parent of the working directory that changed].
"""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import snapshots
from absl.testing import flagsaver

from dmg_jax.experiments import command_line


def run(script: str, main, arguments: list[str]) -> list:
  """Exit code, standard error, and what changed on disk."""
  folder = Path.cwd().parent
  before = snapshots.snapshot(folder)
  sys.argv = [script, *arguments]
  errors, code = io.StringIO(), 0
  with flagsaver.flagsaver(), contextlib.redirect_stderr(errors):
    try:
      command_line.launch(main)
    except SystemExit as end:
      code = int(end.code or 0)
  after = snapshots.snapshot(folder)
  return [code, errors.getvalue(), snapshots.changed(before, after)]


if __name__ == "__main__":
  launcher = sys.argv[1]
  defined = runpy.run_path(launcher, run_name="launcher")
  cases = json.load(sys.stdin)
  with contextlib.redirect_stdout(sys.stderr):
    results = [run(launcher, defined["main"], arguments) for arguments in cases]
  json.dump(results, sys.stdout)
