"""What the files of a study have in common: where they come from, and how they are written."""

import fcntl
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from dmg_jax.errors import UserError

_PACKAGES = ("dmg_jax", "jax", "jaxlib", "flax", "optax", "numpy", "matplotlib")
# Six digits in the stored numbers, so that they are read with ease.
_DIGITS = 6


def provenance(command: str, seed: int) -> dict[str, Any]:
  """What made the numbers: command, seed, versions and device."""
  device = jax.devices()[0]
  return {
    "command": command,
    "seed": seed,
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
    "device": f"{device.platform}: {device.device_kind}, {os.cpu_count()} cores",
  }


def check_writable(paths: Iterable[Path]) -> None:
  """Before any work is done.

  Raises:
    UserError: where a folder is a file or cannot be written.
  """
  for path in paths:
    folder = path.parent
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
      raise UserError(f"{there} is a file, but the study writes into a folder: name another --out")
    if not os.access(there, os.W_OK | os.X_OK):
      raise UserError(f"{there} cannot be written: permission denied; name another --out")
    if path.is_dir():
      raise UserError(f"{path} is a folder; remove it or name another --out")


def write(files: Mapping[Path, bytes]) -> None:
  """Writes files, each replaced whole.

  Raises:
    UserError: where one cannot be written.
  """
  try:
    for path, content in files.items():
      path.parent.mkdir(parents=True, exist_ok=True)
      # Named after the process, so that two studies at once do not write into one file.
      partial = path.with_name(f".{path.name}.{os.getpid()}")
      partial.write_bytes(content)
      os.replace(partial, path)
  except OSError as error:
    raise UserError(f"{path} cannot be written: {error.strerror}; name another --out") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
  """Lets one process at a time read and write a folder's files; the others wait.

  Raises:
    UserError: where the folder cannot be made or opened.
  """
  try:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
  except OSError as error:
    raise UserError(f"{folder} cannot be written: {error.strerror}; name another --out") from error
  try:
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
  finally:
    os.close(descriptor)


def rounded(value: Any) -> Any:
  """The same nested value with six digits of each number."""
  if isinstance(value, dict):
    return {name: rounded(item) for name, item in value.items()}
  if isinstance(value, list | tuple):
    return [rounded(item) for item in value]
  return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
