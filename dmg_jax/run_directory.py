"""A run directory: where it is, whose it is, and who may write in it."""

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dmg_jax import directory_lock, run_config, run_log
from dmg_jax.errors import UserError, storage

CONFIG = "config.json"
SUMMARY = "summary.json"
CURVES = "curves.png"
MAY_GROW = frozenset({"settings.steps"})
MAY_DIFFER = frozenset({"invocation", "settings.workers", "tasks.*.source", "source.directory"})
_RUN_DIR_FLAGS = ("--run_dir", "-run_dir")
# In the command of a sweep, whose parts are run directories that it finds by itself.
_SWEEP_DIR_FLAGS = ("--sweep_dir", "-sweep_dir")
FLAGS = (*_RUN_DIR_FLAGS, *_SWEEP_DIR_FLAGS)
# What a job that was killed while it claimed a new directory leaves.
_BEGUN = {directory_lock.NAME, f"{CONFIG}.partial"}
_LONGEST_NAME = 120
_ROOT = "runs"


class Claim:
  """The right to write in a run directory, until `close`.

  Attributes:
    config: as it is stored, but for what grew: the first invocation stays.
  """

  def __init__(self, directory: Path, config: Mapping[str, Any], lock: Any, grown: bool):
    self.config = dict(config)
    self._path, self._lock, self._grown = directory / CONFIG, lock, grown

  def store_growth(self) -> None:
    """Writes what grew. Call it when checkpoint and logs have been checked.

    Raises:
      StorageError: if it could not be written.
    """
    if self._grown:
      run_log.write_json(self._path, self.config)
      self._grown = False

  def close(self) -> None:
    """Gives the directory free."""
    self._lock.close()


def expand(directory: str | os.PathLike[str]) -> Path:
  """The path of a run directory as a user names it; `~` is the home folder.

  Raises:
    UserError: if it is empty, or the home folder is not known.
  """
  if not os.fspath(directory):
    raise UserError("the run directory's name is empty; name one")
  try:
    return Path(directory).expanduser()
  except RuntimeError as error:
    raise UserError(f"{directory}: {error}; name the run directory by its path") from error


def of_job(named: str | None, tasks: Sequence[str], digest: str) -> Path:
  """The directory that a user named, or else the default one below `runs/`.

  Args:
    named: by the user; a home folder's "~" is expanded.
    tasks, digest: see `default`.

  Raises:
    UserError: if the name is none, see `expand`.
  """
  return default(_ROOT, tasks, digest) if named is None else expand(named)


def default(root: str | os.PathLike[str], tasks: Sequence[str], digest: str) -> Path:
  """Where a job lives if nobody says: `root/<data set>/<digest>`.

  Several data sets are joined by "+". Whatever the names are, the directory
  lies below `root`.

  Args:
    root: folder of all jobs.
    tasks: names of the job's data sets, at least one.
    digest: of the job's config.
  """
  if len(tasks) == 1:
    parts = [_safe(part) for part in tasks[0].split("/")]
  else:
    names = [_safe(name.replace("/", "-")) for name in tasks]
    joined = "+".join(names)
    if len(joined) > _LONGEST_NAME:
      joined = f"{names[0]}+{len(names) - 1}-more"
    parts = [joined]
  return Path(root, *filter(None, parts), digest)


def _safe(name: str) -> str:
  """A name that is one plain component of a path, or nothing."""
  return re.sub(r"[^\w.,=+-]", "-", name).lstrip(".")[:_LONGEST_NAME]


def command(invocation: Sequence[str], directory: Path | None = None) -> str:
  """The shell command that goes on with a job.

  Args:
    invocation: as stored: the script and its arguments, not empty.
    directory: that the command is to name as `--run_dir`; as in the invocation,
      if not given. A sweep's own command finds its parts.
  """
  words = ["python", *invocation] if invocation[0].endswith(".py") else list(invocation)
  if directory is not None and not of_sweep(invocation):
    kept: list[str] = []
    value_follows = False
    for word in words:
      names_it = word.partition("=")[0] in _RUN_DIR_FLAGS
      if not value_follows and not names_it:
        kept.append(word)
      value_follows = names_it and "=" not in word
    words = [*kept, f"--run_dir={directory}"]
  return shlex.join(words)


def of_sweep(invocation: Sequence[str]) -> bool:
  """Whether a job is a part of a sweep, by the command that started it."""
  return any(word.partition("=")[0] in _SWEEP_DIR_FLAGS for word in invocation)


def check(
  directory: Path,
  config: Mapping[str, Any],
  may_grow: frozenset[str] = MAY_GROW,
  may_differ: frozenset[str] = MAY_DIFFER,
) -> None:
  """Refuses a directory that `claim` would refuse to everybody; changes nothing.

  Args:
    directory, config, may_grow, may_differ: see `claim`.

  Raises:
    UserError: if it is something else, or belongs to a job of another config.
  """
  _compare(directory, run_log.encode(config), may_grow, may_differ)


def claim(
  directory: Path,
  config: Mapping[str, Any],
  may_grow: frozenset[str] = MAY_GROW,
  may_differ: frozenset[str] = MAY_DIFFER,
) -> Claim:
  """Makes a directory a job's own, for as long as the returned claim is open.

  A new directory gets `config.json`. In one of an earlier call it stays as it
  is, until `Claim.store_growth`.

  Args:
    directory: made if it is not there.
    config: of the job: {"format", "kind", "invocation", ...}.
    may_grow: fields that may be larger than in the stored config, never smaller.
      A field is named by its path, such as "settings.steps"; "*" stands for
      any one name or place.
    may_differ: fields that may differ; the stored value is kept, unless it grew.

  Raises:
    UserError: if another process is at work there, the directory is something
      else, or it belongs to a job of another config; nothing is changed then.
    StorageError: if the directory cannot be written.
  """
  config = run_log.encode(config)
  _compare(directory, config, may_grow, may_differ)
  with storage(directory):
    directory.mkdir(parents=True, exist_ok=True)
  held = directory_lock.lock(directory)
  try:
    # Again, now that nobody else can change it.
    stored, grown = _compare(directory, config, may_grow, may_differ)
    if stored is None:
      stored = dict(config)
      run_log.write_json(directory / CONFIG, stored)
    return Claim(directory, run_log.decode(stored), held, grown)
  except BaseException:
    held.close()
    raise


def _compare(
  directory: Path, config: Mapping[str, Any], may_grow: frozenset[str], may_differ: frozenset[str]
) -> tuple[dict[str, Any] | None, bool]:
  """The stored config with what grew, and whether anything did; None if there is none yet.

  Raises:
    UserError: naming what differs.
  """
  try:
    names = {path.name for path in directory.iterdir()}
  except FileNotFoundError as error:
    if directory.is_symlink():
      raise UserError(
        f"{directory} is a link to a place that is not there; make that folder, or name another "
        "--run_dir"
      ) from error
    return None, False
  except NotADirectoryError as error:
    raise UserError(f"{directory} is a file; name a folder as --run_dir") from error
  except OSError as error:
    raise UserError(f"{directory} cannot be read: {error.strerror}") from error
  if CONFIG not in names:
    if names - _BEGUN:
      raise UserError(f"{directory} is not empty and no run directory; name another --run_dir")
    return None, False
  stored = run_log.encode(read_config(directory))
  changes, grown = run_config.differences(stored, config, may_grow, may_differ)
  if changes:
    raise UserError(
      f"{directory} belongs to a job of another config ({'; '.join(changes)}); name another "
      "--run_dir, or take these fields back"
    )
  for path, value in grown.items():
    place = stored
    for name in path[:-1]:
      place = place[name]
    place[path[-1]] = value
  return stored, bool(grown)


def read_config(
  directory: str | os.PathLike[str], kind: str | tuple[str, ...] | None = None
) -> dict[str, Any]:
  """The config of a run directory, with the types that its readers rely on.

  Args:
    directory: a run directory.
    kind: of job that it must be, such as `run_config.OFFLINE`, or several; any, if not given.

  Raises:
    UserError: if it is no run directory, one of another kind or of another
      version, or the file is damaged.
  """
  path = Path(directory) / CONFIG
  try:
    config = json.loads(path.read_bytes())
  except (FileNotFoundError, NotADirectoryError) as error:
    raise UserError(f"{path} is missing: {directory} is no run directory") from error
  except OSError as error:
    raise UserError(f"{path} cannot be read: {error.strerror}") from error
  except (ValueError, RecursionError) as error:
    raise UserError(_damaged(path, "it is no JSON")) from error
  if not isinstance(config, dict):
    raise UserError(_damaged(path, "it is no JSON object"))
  if config.get("format") != run_config.FORMAT:
    version = "an earlier" if "format" not in config else "another"
    raise UserError(
      f"{path} was made by {version} version of dmg_jax (format {config.get('format', 1)!r}, here "
      f"{run_config.FORMAT}); read it with that version, or train again in another --run_dir"
    )
  if problem := run_config.problem(config):
    raise UserError(_damaged(path, problem))
  kinds = (kind,) if isinstance(kind, str) else kind
  if kinds is not None and config["kind"] not in kinds:
    wanted = " or ".join(map(repr, kinds))
    raise UserError(f"{directory} holds a job of kind {config['kind']!r}, not {wanted}")
  return run_log.decode(config)


def _damaged(path: Path, problem: str) -> str:
  return f"{path} is damaged: {problem}; restore it from a copy, or name another --run_dir"
