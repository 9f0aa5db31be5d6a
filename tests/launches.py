"""Launchers as a user runs them, one after another, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def run(
  launches: Sequence[Mapping[str, Any]], environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
  """The results of launches, in order; see `forked_launches`.

  Args:
    launches: each with its "argv" and "cwd".
    environment: variables that all of them see, beside those of this process.
  """
  finished = subprocess.run(
    [sys.executable, Path(__file__).with_name("forked_launches.py")],
    input=json.dumps(list(launches)),
    capture_output=True,
    text=True,
    check=False,
    timeout=900,
    env=os.environ | (environment or {}),
  )
  assert finished.returncode == 0, finished.stderr
  return json.loads(finished.stdout)
