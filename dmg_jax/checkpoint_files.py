"""One checkpoint on the disk, as Orbax writes it, sealed with a digest of what it holds.

A checkpoint is a folder named by its step. It appears whole, by a rename, and
disappears whole: a reader sees all of it or nothing.
"""

import contextlib
import gc
import logging
import os
import re
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from dmg_jax import named_leaves
from dmg_jax.errors import UserError

_TREE, _POSITIONS, _SEAL = "tree", "positions", "seal"
_PARTIAL = ".orbax-checkpoint-tmp"
_REMOVED, _REPLACED, _DAMAGED = ".removed", ".replaced", ".damaged"
_SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")
_PATIENCE_S = 60.0
_LOOP_CLOSED = "Event loop is closed"
_LOST = "exception was never retrieved"
_QUIET_S = 0.1


class DamageError(Exception):
  """A checkpoint that is not what was saved."""


def steps(folder: Path) -> list[int]:
  """Steps of the committed checkpoints, newest first."""
  try:
    names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
  except FileNotFoundError:
    return []
  except OSError as error:
    raise UserError(f"{folder} cannot be read: {error.strerror}") from error
  found = [int(name) for name in names if re.fullmatch(r"0|[1-9]\d*", name, re.ASCII)]
  return sorted(found, reverse=True)


def write(
  folder: Path,
  step: int,
  tree: Any,
  positions: Mapping[str, int],
  digests: Mapping[str, str],
  only_as_end: bool,
) -> None:
  """Commits a checkpoint, in place of one of the same step.

  On a failure that one is back, after a kill `clean` brings it back.

  Raises:
    OSError, ValueError, RuntimeError: the storage layer's words for a full disk.
  """
  seal = {
    "only_as_end": only_as_end,
    "logs": dict(digests),
    "sha256": _seal(tree, positions, digests, only_as_end),
  }
  with contextlib.suppress(FileNotFoundError):
    (folder / str(step)).rename(folder / f"{step}{_REPLACED}")
  with _quiet(), _checkpointer() as checkpointer:
    checkpointer.save(
      (folder / str(step)).absolute(),
      ocp.args.Composite(
        **{
          _TREE: ocp.args.StandardSave(tree),
          _POSITIONS: ocp.args.JsonSave(dict(positions)),
          _SEAL: ocp.args.JsonSave(seal),
        }
      ),
    )


class Content(NamedTuple):
  """What a checkpoint holds, as it was saved.

  Attributes:
    tree: nested dicts of arrays.
    positions, digests: of the logs.
    only_as_end: see `Checkpoints.save`.
  """

  tree: Any
  positions: dict[str, int]
  digests: dict[str, str]
  only_as_end: bool


def read(folder: Path, step: int) -> Content:
  """A checkpoint, as it was saved.

  Raises:
    DamageError: if it is not.
    RuntimeError: if JAX has no device, without which nothing can be read.
  """
  # Else a slip in JAX_PLATFORMS would pass for damage.
  jax.devices()
  path = (folder / str(step)).absolute()
  try:
    with _quiet(), _checkpointer() as checkpointer:
      restored = checkpointer.restore(
        path,
        ocp.args.Composite(
          **{
            _TREE: ocp.args.StandardRestore(),
            _POSITIONS: ocp.args.JsonRestore(),
            _SEAL: ocp.args.JsonRestore(),
          }
        ),
      )
    tree, positions, seal = restored[_TREE], restored[_POSITIONS], restored[_SEAL]
    found = Content(tree, positions, seal.get("logs", {}), seal["only_as_end"])
    whole = _seal(*found) == seal["sha256"]
  # Damaged bytes end in errors of many layers: OCDBT, Zarr, JSON, and plain look-ups.
  except Exception as error:
    raise DamageError(reason(error)) from error
  if not whole:
    raise DamageError("its arrays are not those that were saved")
  return found


def _checkpointer() -> ocp.Checkpointer:
  """Of this process alone: it would wait for the job's other processes, which do not save."""
  this = jax.process_index()
  alone = ocp.options.MultiprocessingOptions(
    primary_host=this, active_processes={this}, barrier_sync_key_prefix=f"process_{this}"
  )
  options = ocp.CompositeOptions(multiprocessing_options=alone)
  handler = ocp.CompositeCheckpointHandler(composite_options=options)
  return ocp.Checkpointer(handler, multiprocessing_options=alone)


def _seal(
  tree: Any, positions: Mapping[str, int], digests: Mapping[str, str], only_as_end: bool
) -> str:
  """The digest of all that a checkpoint holds."""
  counts = {name: np.int64(count) for name, count in positions.items()}
  logs = {name: np.frombuffer(bytes.fromhex(text), np.uint8) for name, text in digests.items()}
  return named_leaves.digest(
    {"tree": tree, "positions": counts, "logs": logs, "end": np.bool_(only_as_end)}
  )


def clean(folder: Path) -> None:
  """Removes what was half-written or half-removed. Only for the holder of the lock."""
  for path in folder.iterdir():
    whole = folder / path.name.removesuffix(_REPLACED)
    if not whole.exists():
      path.rename(whole)
    elif _PARTIAL in path.name or path.name.endswith((_REMOVED, _REPLACED)):
      shutil.rmtree(path, ignore_errors=True)


def set_aside(folder: Path, step: int) -> None:
  """Takes a checkpoint out of the list without destroying it."""
  aside = folder / f"{step}{_DAMAGED}"
  shutil.rmtree(aside, ignore_errors=True)
  with contextlib.suppress(FileNotFoundError):
    (folder / str(step)).rename(aside)


def remove(folder: Path, step: int) -> None:
  """Deletes a checkpoint."""
  removed = folder / f"{step}{_REMOVED}"
  (folder / str(step)).rename(removed)
  shutil.rmtree(removed)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Drops what the storage layer's threads print of errors that are raised here as well.

  Those are log records of Orbax, results that come when their event loop is closed
  already, and what asyncio says of failed writes that nobody asked for when they are
  collected. After a failure it waits until the threads are done, and collects; the
  error's frames are cleared first, since they hold such writes.
  """
  before, handled = set(threading.enumerate()), sys.exception()
  hook, last = sys.unraisablehook, [0.0]

  def foreign(record: logging.LogRecord) -> bool:
    return "orbax" not in record.pathname

  def not_lost(record: logging.LogRecord) -> bool:
    return _LOST not in record.getMessage()

  def unraisable(raised: Any) -> None:
    if isinstance(raised.exc_value, RuntimeError) and str(raised.exc_value) == _LOOP_CLOSED:
      last[0] = time.monotonic()
    else:
      hook(raised)

  logger, tasks = logging.getLogger("absl"), logging.getLogger("asyncio")
  logger.addFilter(foreign)
  tasks.addFilter(not_lost)
  sys.unraisablehook = unraisable
  try:
    yield
  except BaseException as error:
    for thread in set(threading.enumerate()) - before:
      thread.join(_PATIENCE_S)
    last[0] = time.monotonic()
    while time.monotonic() - last[0] < _QUIET_S:
      time.sleep(_QUIET_S / 10)
    for raised in _raised(error, handled):
      traceback.clear_frames(raised.__traceback__)
    gc.collect()
    raise
  finally:
    tasks.removeFilter(not_lost)
    logger.removeFilter(foreign)
    sys.unraisablehook = hook


def _raised(error: BaseException, handled: BaseException | None) -> list[BaseException]:
  """An error and those that it was raised from or during, but for one that was handled before."""
  found: list[BaseException] = []
  rest: list[BaseException | None] = [error]
  while rest:
    one = rest.pop()
    if one is not None and one is not handled and not any(one is other for other in found):
      found.append(one)
      rest += [one.__cause__, one.__context__]
  return found


def reason(error: Exception) -> str:
  """The system's own words, if the storage layer passes its error on."""
  code = _SYSTEM_ERROR.search(str(error))
  if code:
    return os.strerror(int(code[1]))
  if isinstance(error, OSError) and error.strerror:
    return error.strerror
  return " ".join(str(error).split())[:120] or type(error).__name__
