"""Runs the project's own commands, as a user would give them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def run(command: list[str], *, one_thread: bool = False) -> None:
  """A command of ours ("python", script, flags) from the project's root, to its end.

  Args:
    command: as a user would type it.
    one_thread: whether its products keep to one core, so that others can run beside it.
  """
  environment = dict(os.environ)
  if one_thread:
    environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {ONE_THREAD}"
  subprocess.run([sys.executable, *command[1:]], check=True, cwd=ROOT, env=environment)
