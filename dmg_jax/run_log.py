"""A run directory's logs and JSON files.

Logs are JSON lines that a resumed job continues exactly. JSON has no infinity:
`encode` stores such numbers as strings, `decode` brings them back.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dmg_jax.errors import StorageError, UserError, storage

METRICS = "metrics.jsonl"
EVALUATIONS = "evaluations.jsonl"
TIMING = "timing.jsonl"
NAMES = (METRICS, EVALUATIONS, TIMING)
_NOT_FINITE = ("inf", "-inf", "nan")


class RunLog:
  """Appends rows, and knows how many bytes of each file count.

  Rows become part of the run only when a checkpoint that holds `positions()`
  commits; opening with those positions cuts off whatever came after. All files
  are checked before the first is changed.

  Args:
    directory: of the run.
    positions: bytes of each file to keep; files that are not named start empty.

  Raises:
    UserError: if a file is shorter than its position, or the position is not at
      the end of a row; nothing is changed then.
    StorageError: if a file cannot be opened or cut.
  """

  def __init__(self, directory: Path, positions: Mapping[str, int]):
    check(directory, positions)
    self._files = {}
    self._digests = {}
    self._sizes = {name: positions.get(name, 0) for name in NAMES}
    for name in NAMES:
      with storage(directory / name):
        # Unbuffered: what a full disk refused is not tried again at the end.
        file = open(directory / name, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        self._files[name] = file
        file.truncate(positions.get(name, 0))
      with open(directory / name, "rb") as kept:
        self._digests[name] = hashlib.file_digest(kept, "sha256")

  def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds rows to a file.

    Raises:
      StorageError: if they could not be written.
    """
    lines = "".join(json.dumps(encode(row), allow_nan=False) + "\n" for row in rows)
    left = memoryview(lines.encode())
    with storage(self._files[name].name):
      while left:
        written = self._files[name].write(left)
        self._digests[name].update(left[:written])
        self._sizes[name] += written
        left = left[written:]

  def positions(self) -> dict[str, int]:
    """Bytes in each file, all of them on the disk.

    Raises:
      StorageError: if they could not be brought there, or another program has deleted,
        moved or changed a file meanwhile.
    """
    for name, file in self._files.items():
      with storage(file.name):
        os.fsync(file.fileno())
      if not self._is_ours(name):
        raise StorageError(
          f"{file.name} was deleted, moved or changed by another program while the job ran; put it "
          "back from a copy and start the same command again, or start in another --run_dir"
        )
    return dict(self._sizes)

  def _is_ours(self, name: str) -> bool:
    """Whether a file is still in its place and holds as many bytes as were written."""
    file = self._files[name]
    try:
      there = os.stat(file.name)
    except OSError:
      return False
    return os.path.samestat(there, os.fstat(file.fileno())) and there.st_size == self._sizes[name]

  def digests(self) -> dict[str, str]:
    """SHA-256 of each file, 64 hexadecimal digits; for `check`."""
    return {name: digest.hexdigest() for name, digest in self._digests.items()}

  def close(self) -> None:
    """Closes the files."""
    for file in self._files.values():
      file.close()


def check(
  directory: Path, positions: Mapping[str, int], digests: Mapping[str, str] | None = None
) -> None:
  """Refuses logs that do not hold what a checkpoint says; changes nothing.

  Args:
    directory: of the run.
    positions: name of a log -> bytes of it that count.
    digests: name of a log -> SHA-256 of those bytes; they are not compared, if not given.

  Raises:
    UserError: naming the log.
  """
  for name, position in positions.items():
    path = directory / name
    try:
      with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(position - 1, 0))
        end = file.read(1)
    except OSError:
      size, end = 0, b""
    if size < position:
      raise UserError(
        f"{path} holds {size} bytes, but its checkpoint was saved with {position}: the log was cut "
        "or deleted; restore it from a copy, or start again in another --run_dir"
      )
    if position and end != b"\n":
      raise UserError(
        f"{path} has no end of a row at byte {position}, where its checkpoint was saved: the log "
        "was changed; restore it from a copy, or start again in another --run_dir"
      )
    if digests and name in digests and _digest(path, position) != digests[name]:
      raise UserError(
        f"{path} was changed: its first {position} bytes are not those of its checkpoint; restore "
        "it from a copy, or start again in another --run_dir"
      )


def _digest(path: Path, count: int) -> str:
  with open(path, "rb") as file:
    return hashlib.sha256(file.read(count)).hexdigest()


def end(directory: Path, name: str) -> int:
  """Bytes of a log up to the end of its last whole row; 0 if it does not exist."""
  path = directory / name
  return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0


def read(directory: Path, name: str) -> list[dict[str, Any]]:
  """The rows of a log, oldest first; none if it does not exist yet.

  A last line without its end is a row that is still being written, and left out.

  Raises:
    UserError: if another line is no JSON object, naming it.
  """
  path = directory / name
  try:
    lines = path.read_bytes().split(b"\n")
  except FileNotFoundError:
    return []
  except OSError as error:
    raise UserError(f"{path} cannot be read: {error.strerror}") from error
  rows = []
  for number, line in enumerate(lines[:-1], start=1):
    try:
      row = json.loads(line)
    except (ValueError, RecursionError):
      row = None
    if not isinstance(row, dict):
      raise UserError(
        f"{path}, line {number} is no JSON object: the log is damaged; restore it from a copy, or "
        "start again in another --run_dir"
      )
    rows.append(decode(row))
  return rows


def write_json(path: Path, content: Any) -> None:
  """Replaces a JSON file whole: a reader sees the old or the new one.

  Raises:
    StorageError: if it could not be written; the old file is intact.
  """
  partial = path.with_name(path.name + ".partial")
  text = json.dumps(encode(content), indent=2, allow_nan=False) + "\n"
  with storage(path):
    try:
      with open(partial, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
      os.replace(partial, path)
    except OSError:
      partial.unlink(missing_ok=True)
      raise


def encode(content: Any) -> Any:
  """What JSON can hold of nested mappings, sequences and NumPy scalars.

  Numbers that are not finite become the strings "inf", "-inf" and "nan".
  """
  if isinstance(content, Mapping):
    return {name: encode(value) for name, value in content.items()}
  if isinstance(content, list | tuple):
    return [encode(value) for value in content]
  if isinstance(content, np.ndarray | np.generic):
    return encode(content.tolist())
  if isinstance(content, float) and not math.isfinite(content):
    return str(content)
  return content


def decode(content: Any) -> Any:
  """The numbers that `encode` stored as strings, as numbers again."""
  if isinstance(content, dict):
    return {name: decode(value) for name, value in content.items()}
  if isinstance(content, list):
    return [decode(value) for value in content]
  if isinstance(content, str) and content in _NOT_FINITE:
    return float(content)
  return content
