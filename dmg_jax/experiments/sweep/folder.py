"""The folder of a sweep, and whose it is.

sweep.json            the plan, and what each process needs to train its part of it
parts/NAME/           a run directory for each slice
attempts/NAME.jsonl   when, where and why a slice was begun, and how that ended
logs/NAME.txt         what its processes printed
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import directory_lock, plan, run_config, run_directory, run_log
from dmg_jax.errors import UserError, storage
from dmg_jax.experiments.settings import Job
from dmg_jax.experiments.sweep import marker, state

STORED = "sweep.json"
_FORMAT = 1
_NAMED = 3


class Stored(NamedTuple):
  """What `sweep.json` holds.

  Attributes:
    job: the whole plan.
    invocation: script and arguments that started the sweep.
    runs_per_task: see `slices.divide`.
    reading: how the data are read: "env" and "step_limit" of the config, see `load`.
    versions: of the first call, see `marker.versions`.
  """

  job: Job
  invocation: Sequence[str]
  runs_per_task: int | None
  reading: Mapping[str, Any]
  versions: Mapping[str, str]


def claim(directory: Path, wanted: Stored) -> Any:
  """Makes a folder a sweep's own, for as long as the returned lock is open.

  Raises:
    UserError: if another process is at work there, it is something else, or it belongs to
      another plan, whose differences are named; nothing is changed then.
    StorageError: if it cannot be written.
  """
  _compare(directory, wanted)
  with storage(directory):
    directory.mkdir(parents=True, exist_ok=True)
  lock = directory_lock.lock(directory)
  try:
    # Again, now that nobody else can change it.
    changed = _compare(directory, wanted)
    for name in state.FOLDERS:
      with storage(directory / name):
        (directory / name).mkdir(exist_ok=True)
    if changed:
      run_log.write_json(directory / STORED, _encoded(wanted))
    return lock
  except BaseException:
    lock.close()
    raise


def check(directory: Path, wanted: Stored) -> None:
  """Refuses what `claim` would refuse to everybody; changes nothing."""
  _compare(directory, wanted)


def read(directory: Path) -> Stored:
  """The stored sweep of a folder.

  Raises:
    UserError: if there is none, or it is damaged.
  """
  path = directory / STORED
  try:
    content = run_log.decode(json.loads(path.read_bytes()))
    if content["format"] != _FORMAT:
      raise UserError(
        f"{path} was made by another version of dmg_jax (format {content['format']!r}, here "
        f"{_FORMAT}); go on with that version, or name another --sweep_dir"
      )
    config = content["job"]
    if problem := run_config.problem(config):
      raise ValueError(problem)
    return Stored(
      Job(plan.from_json(config), config["settings"], ()),
      config["invocation"],
      content["runs_per_task"],
      content["reading"],
      content["versions"],
    )
  except OSError as error:
    raise UserError(f"{path} cannot be read: {error.strerror}") from error
  except (ValueError, KeyError, TypeError, RecursionError) as error:
    if isinstance(error, UserError):
      raise
    raise UserError(
      f"{path} is damaged ({error}); restore it from a copy, or name another --sweep_dir"
    ) from error


def _encoded(sweep: Stored) -> dict[str, Any]:
  return run_log.encode(
    {
      "format": _FORMAT,
      "versions": sweep.versions,
      "runs_per_task": sweep.runs_per_task,
      "reading": sweep.reading,
      "job": sweep.job.config(list(sweep.invocation)),
    }
  )


def _compare(directory: Path, wanted: Stored) -> bool:
  """Whether `sweep.json` is to be written: there is none yet, or the steps grew.

  Raises:
    UserError: naming what differs.
  """
  try:
    names = {path.name for path in directory.iterdir()}
  except FileNotFoundError:
    return True
  except OSError as error:
    raise UserError(f"{directory} is no folder that can be read: {error.strerror}") from error
  if STORED not in names:
    if names - {directory_lock.NAME, f"{STORED}.partial"}:
      raise UserError(f"{directory} is not empty and holds no sweep; name another --sweep_dir")
    return True
  stored = read(directory)
  changes, grown = _differences(stored, wanted)
  if changes:
    raise UserError(
      f"{directory} holds a sweep of another plan ({'; '.join(changes)}); name another "
      "--sweep_dir, or take these back"
    )
  if versions := marker.differences(stored.versions, wanted.versions):
    raise UserError(
      f"{directory} was begun with other versions ({versions}), whose results share no table with "
      "these; install the former ones, or name another --sweep_dir"
    )
  return grown


def _differences(stored: Stored, wanted: Stored) -> tuple[list[str], bool]:
  """What differs, in short texts, and whether the steps grew."""
  theirs, ours = ([run.id for run in sweep.job.plan.runs] for sweep in (stored, wanted))
  changes = _listed("runs that are new", [run for run in ours if run not in set(theirs)])
  changes += _listed("runs that are gone", [run for run in theirs if run not in set(ours)])
  if stored.runs_per_task != wanted.runs_per_task:
    was, now = (sweep.runs_per_task or "unset" for sweep in (stored, wanted))
    changes.append(f"runs_per_task {was} -> {now}")
  first, second = (_encoded(sweep)["job"] for sweep in (stored, wanted))
  if changes:
    # Populations and lists of runs say no more than the runs that are named.
    first, second = ({**config, "tasks": [], "runs": []} for config in (first, second))
  others, grown = run_config.differences(
    first, second, run_directory.MAY_GROW, run_directory.MAY_DIFFER
  )
  return changes + others, bool(grown)


def _listed(what: str, runs: Sequence[str]) -> list[str]:
  if not runs:
    return []
  more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
  return [f"{what}: {', '.join(runs[:_NAMED])}{more}"]
