"""TensorBoard events, derived from a run directory's logs.

The events are written by this thread, not by tensorboardX's: its writer's thread ends with
a traceback on a full disk, and the job then waits for it without end.
"""

import socket
import struct
import time
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar

from dmg_jax import run_log
from dmg_jax.errors import StorageError, storage

_FOLDER = "tensorboard"


class Events:
  """The event files of a job, a folder for each run; opening writes again what the logs hold.

  Args:
    directory: of the job, its logs already cut back to its checkpoint.

  Raises:
    StorageError: if a file cannot be written; so do the methods.
  """

  def __init__(self, directory: Path):
    self._folder = directory / _FOLDER
    self._name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
    self._files: dict[str, FileIO] = {}
    with storage(self._folder):
      for path in self._folder.glob("*/events.*"):
        path.unlink()
    for name in (run_log.METRICS, run_log.EVALUATIONS):
      self.add(name, run_log.read(directory, name))

  def add(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds the rows of a log, `run_log.METRICS` or `run_log.EVALUATIONS`."""
    records: dict[str, list[bytes]] = {}
    if name == run_log.METRICS:
      for row in rows:
        found = records.setdefault(row["run"], [])
        found += [
          _record(row["step"], f"training/{key}", value)
          for key, value in row.items()
          if key not in ("step", "run")
        ]
    elif name == run_log.EVALUATIONS:
      for (run, step), mean in _mean_returns(rows).items():
        records.setdefault(run, []).append(_record(step, "evaluation/return", mean))
    with storage(self._folder):
      for run, events in records.items():
        # Unbuffered: what a full disk refused is not tried again at the end.
        left = memoryview(b"".join(events))
        file = self._file(run)
        while left:
          left = left[file.write(left) :]

  def close(self) -> None:
    """Closes the event files."""
    with storage(self._folder):
      for file in self._files.values():
        file.close()

  def _file(self, run: str) -> FileIO:
    if run not in self._files:
      if "/" in run or run in ("", ".", ".."):
        raise StorageError(f"{self._folder.parent}: {run!r} is no id of a run; the log is damaged")
      folder = self._folder / run
      folder.mkdir(parents=True, exist_ok=True)
      path = folder / self._name
      self._files[run] = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by close()
      self._files[run].write(_framed(Event(wall_time=time.time(), file_version="brain.Event:2")))
    return self._files[run]


def _mean_returns(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], float]:
  """(run, step) -> mean return over episodes."""
  values: dict[tuple[str, int], list[float]] = {}
  for row in rows:
    values.setdefault((row["run"], row["step"]), []).append(row["return"])
  return {key: float(np.mean(group)) for key, group in values.items()}


def _record(step: int, tag: str, value: float) -> bytes:
  return _framed(Event(wall_time=time.time(), step=step, summary=scalar(tag, value)))


def _framed(event: Event) -> bytes:
  """An event as TFRecord has it: length, its checksum, the bytes, their checksum."""
  content = event.SerializeToString()
  length = struct.pack("<Q", len(content))
  checks = [struct.pack("<I", masked_crc32c(part)) for part in (length, content)]
  return length + checks[0] + content + checks[1]
