"""A run directory's logs: JSON lines that a resumed job continues exactly."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"
TIMING = "timing.jsonl"
NAMES = (METRICS, EVALUATIONS, TIMING)


class RunLog:
  """Appends rows, and knows how many bytes of each file count.

  Rows become part of the run only when a checkpoint that holds `positions()`
  commits; opening with those positions cuts off whatever came after.

  Args:
    directory: of the run.
    positions: bytes of each file to keep; files that are not named start empty.
  """

  def __init__(self, directory: Path, positions: Mapping[str, int]):
    self._files = {}
    for name in NAMES:
      file = open(directory / name, "ab")  # noqa: SIM115 - closed by close()
      file.truncate(positions.get(name, 0))
      self._files[name] = file

  def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds rows to a file, in one write."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    self._files[name].write(lines.encode())
    self._files[name].flush()

  def positions(self) -> dict[str, int]:
    """Bytes in each file, all of them on the disk."""
    for file in self._files.values():
      os.fsync(file.fileno())
    return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

  def close(self) -> None:
    """Closes the files."""
    for file in self._files.values():
      file.close()


def read(directory: Path, name: str) -> list[dict[str, Any]]:
  """The rows of a log, oldest first; none if it does not exist yet."""
  path = directory / name
  if not path.exists():
    return []
  with open(path) as lines:
    return [json.loads(line) for line in lines]


def write_json(path: Path, content: Any) -> None:
  """Replaces a JSON file whole: a reader sees the old or the new one."""
  partial = path.with_name(path.name + ".partial")
  with open(partial, "w") as file:
    json.dump(content, file, indent=2)
    file.write("\n")
    file.flush()
    os.fsync(file.fileno())
  os.replace(partial, path)
