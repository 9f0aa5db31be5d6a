"""A run directory: whose it is, and who may write in it."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dmg_jax import run_log
from dmg_jax.errors import StorageError, UserError

CONFIG = "config.json"
SUMMARY = "summary.json"
CURVES = "curves.png"
_LOCK = ".lock"


def claim(directory: Path, config: Mapping[str, Any], may_differ: frozenset[str]) -> BinaryIO:
  """Makes the directory a job's own, for as long as the returned lock is open.

  Args:
    directory: made if it is not there.
    config: of the job; written as `config.json`.
    may_differ: fields in which a job may differ from the one that it continues.

  Raises:
    UserError: if another process is at work there, or the directory belongs to
      a job of another config; nothing is changed then.
    StorageError: if the directory cannot be written.
  """
  theirs = read_config(directory) if (directory / CONFIG).exists() else None
  if theirs is not None:
    different = [
      f"{name} {theirs.get(name)!r} -> {config.get(name)!r}"
      for name in sorted({*theirs, *config} - may_differ)
      if theirs.get(name) != config.get(name)
    ]
    if different:
      raise UserError(
        f"{directory} belongs to a job of another config ({'; '.join(different)}); "
        "name another --run_dir, or take these fields back"
      )
  elif directory.exists() and any(path.name != _LOCK for path in directory.iterdir()):
    raise UserError(f"{directory} is not empty and no run directory; name another --run_dir")
  try:
    directory.mkdir(parents=True, exist_ok=True)
    lock = open(directory / _LOCK, "wb")  # noqa: SIM115 - open for as long as the job runs
  except OSError as error:
    raise StorageError(f"{directory} cannot be written: {error.strerror}") from error
  try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    lock.close()
    raise UserError(f"{directory} is in use by another process; wait for it or stop it") from error
  run_log.write_json(directory / CONFIG, config)
  return lock


def read_config(directory: str | os.PathLike[str]) -> dict[str, Any]:
  """The config of a run directory.

  Raises:
    UserError: if there is none.
  """
  path = Path(directory) / CONFIG
  try:
    return json.loads(path.read_text())
  except (OSError, json.JSONDecodeError) as error:
    raise UserError(f"{path} is missing or damaged: {directory} is no run directory") from error
