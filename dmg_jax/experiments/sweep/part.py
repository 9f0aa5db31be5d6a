"""One slice of a sweep, trained in this process: wherever it runs, whoever started it."""

import contextlib
import os
import shutil
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from dmg_jax import directory_lock, networks
from dmg_jax.data import catalog
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.load import load
from dmg_jax.errors import StoppedError, StorageError, UserError, storage
from dmg_jax.experiments import offline
from dmg_jax.experiments.settings import Job
from dmg_jax.experiments.sweep import folder, slices, state
from dmg_jax.tasks import Task

# A process that was cut off from the sweep may still be at its last checkpoint.
_PATIENCE, _PAUSE = 900.0, 1.0


def work(directory: str, name: str, workers: int) -> str:
  """Trains a slice to its end, or goes on with it.

  Prints into the slice's log, and notes the attempt and its end. What was lost of the slice
  since an earlier attempt is named there, and the slice starts again.

  Args:
    directory: of the sweep.
    name: of the slice.
    workers: threads and processes of simulators, as `config.workers`.

  Returns:
    Why the slice can never be trained; "" if it is.

  Raises:
    RuntimeError: if another attempt may end better.
  """
  sweep = Path(directory)
  try:
    reason = ""
    stored = folder.read(sweep)
    _begin(sweep, name)
    with (
      storage(state.log(sweep, name)),
      open(state.log(sweep, name), "a", buffering=1, encoding="utf-8") as printed,
      contextlib.redirect_stdout(printed),
      contextlib.redirect_stderr(printed),
    ):
      _train(sweep, name, workers, stored)
    end = state.FINISHED
  except UserError as error:
    end, reason = state.REFUSED, str(error)
  except StoppedError as error:
    _end(sweep, name, state.STOPPED, str(error))
    raise RuntimeError(str(error)) from None
  except Exception as error:
    with contextlib.suppress(OSError), open(state.log(sweep, name), "a") as printed:
      traceback.print_exc(file=printed)
    why = f"{type(error).__name__}: {error}"
    _end(sweep, name, state.FAILED, why)
    raise RuntimeError(why) from None
  _end(sweep, name, end, reason)
  return reason


def _begin(sweep: Path, name: str) -> None:
  why = state.lost(sweep, name)
  path = state.part(sweep, name)
  with storage(path):
    if why and path.exists():
      shutil.rmtree(path)
    path.mkdir(parents=True, exist_ok=True)
  state.note(
    sweep,
    name,
    {"host": socket.gethostname(), "pid": os.getpid(), "again": why, "time": time.time()},
  )


def _end(sweep: Path, name: str, how: str, why: str) -> None:
  # Where the storage is full, the exit says it.
  with contextlib.suppress(StorageError):
    state.note(sweep, name, {"ended": how, "why": why, "time": time.time()})


def _train(sweep: Path, name: str, workers: int, stored: folder.Stored) -> None:
  networks.check_float32()
  named = {one.name: one.job for one in slices.divide(stored.job, stored.runs_per_task)}
  job = named[name]
  job = Job(job.plan, job.settings | {"workers": workers}, ())
  datasets = {task.name: _load(task, stored.reading) for task in job.plan.tasks}
  path = state.part(sweep, name)
  _when_free(lambda: offline.train(job, datasets, path, stored.invocation, print))


def _load(task: Task, reading: Mapping) -> Dataset:
  """A task's data, as this machine has them.

  Raises:
    UserError: if they are others than those of the plan.
  """
  found = load(task.source or catalog.EMBEDDED, reading["env"], reading["step_limit"])
  if found.sha256 != task.sha256:
    raise UserError(
      f"{task.name} is other data on {socket.gethostname()} (SHA-256 {found.sha256[:10]}, in the "
      f"plan {task.sha256[:10]}); put the same file there, or name one in shared storage"
    )
  return found


def _when_free(train: Callable[[], object]) -> None:
  """Trains once no other process is at work in the run directory.

  Raises:
    StorageError: if one stays there.
  """
  waited = 0.0
  while True:
    try:
      train()
      return
    except directory_lock.InUseError as error:
      if waited >= _PATIENCE:
        raise StorageError(f"{error}: it was for {_PATIENCE / 60:.0f} minutes") from error
      if not waited:
        print(error)
      time.sleep(_PAUSE)
      waited += _PAUSE
