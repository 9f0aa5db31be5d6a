"""How far each slice of a sweep has come, read from what its processes leave in the storage."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dmg_jax import checkpoints, run_directory, run_log
from dmg_jax.errors import storage

PARTS, ATTEMPTS, LOGS = FOLDERS = ("parts", "attempts", "logs")
# How an attempt ends; one whose process was killed says nothing.
FINISHED, STOPPED, REFUSED, FAILED = "finished", "stopped", "refused", "failed"
# Bytes at the end of a log that hold its last row.
_TAIL = 65_536


def part(directory: Path, name: str) -> Path:
  """The run directory of a slice."""
  return directory / PARTS / name


def log(directory: Path, name: str) -> Path:
  """What the processes of a slice printed."""
  return directory / LOGS / f"{name}.txt"


def _attempts(directory: Path, name: str) -> Path:
  return directory / ATTEMPTS / f"{name}.jsonl"


def finished(directory: Path, name: str, steps: int) -> bool:
  """Whether a slice needs no more training: its summary and its checkpoints are there."""
  path = part(directory, name)
  try:
    done = json.loads((path / run_directory.SUMMARY).read_bytes())["steps"]
    return done >= steps and not checkpoints.lost(path)
  except (OSError, ValueError, KeyError, TypeError):
    return False


def frozen_at(directory: Path, name: str) -> dict[str, int]:
  """Of a finished slice: id of a run -> step at which it diverged, or -1."""
  summary = json.loads((part(directory, name) / run_directory.SUMMARY).read_bytes())
  return {run: -1 if step is None else step for run, step in summary["frozen_at"].items()}


def trained(directory: Path, name: str) -> int:
  """Up to which step the log of a slice reaches."""
  try:
    with open(part(directory, name) / run_log.METRICS, "rb") as file:
      size = file.seek(0, 2)
      file.seek(max(0, size - _TAIL))
      lines = file.read().split(b"\n")[:-1]
    return int(json.loads(lines[-1])["step"]) if lines else 0
  except (OSError, ValueError, KeyError, TypeError):
    return 0


def lost(directory: Path, name: str) -> str:
  """What is gone of a slice that was begun before; "" if nothing is."""
  if not _attempts(directory, name).exists():
    return ""
  path = part(directory, name)
  if not path.exists():
    return "its folder was deleted"
  return "its checkpoints were deleted" if checkpoints.lost(path) else ""


def note(directory: Path, name: str, row: Mapping[str, Any]) -> None:
  """Adds a row on an attempt at a slice.

  Raises:
    StorageError: if it could not be written.
  """
  path = _attempts(directory, name)
  with storage(path), open(path, "ab", buffering=0) as file:
    file.write(json.dumps(row).encode() + b"\n")


def attempts(directory: Path, name: str) -> list[dict[str, Any]]:
  """The rows on the attempts at a slice, oldest first; none if it was never begun.

  A row that a killed process did not finish, or that is damaged, is left out.
  """
  rows = []
  try:
    lines = _attempts(directory, name).read_bytes().splitlines()
  except OSError:
    return []
  for line in lines:
    with contextlib.suppress(ValueError, RecursionError):
      row = json.loads(line)
      rows += [row] if isinstance(row, dict) else []
  return rows


def ended(directory: Path, name: str) -> tuple[str, str]:
  """How the last attempt at a slice ended, one of the constants above or "", and why."""
  last = (attempts(directory, name) or [{}])[-1]
  return str(last.get("ended", "")), str(last.get("why", ""))
