"""A data set by the one name that a user gives."""

import difflib
from importlib import resources
from pathlib import Path

import gymnasium

from dmg_jax.data import arrays, catalog, d4rl, d4rl_export, download, minari_files
from dmg_jax.data.dataset import Dataset
from dmg_jax.data.minari_download import download as download_minari
from dmg_jax.data.names import is_dataset_id
from dmg_jax.errors import UserError

_FORMS = "a D4RL name, an .hdf5 or .npz file, a Minari id or the folder of a Minari data set"
_OURS = "dmg/"
# The data that `launch/collect.py` makes.
TIERS = (
  "random",
  "medium",
  "medium-replay",
  "medium-expert",
  "expert",
  "full-replay",
  "play",
  "diverse",
)


def load(name: str, env_id: str | None = None, step_limit: int | None = None) -> Dataset:
  """Finds, reads and checks a data set; downloads it if it has to.

  Args:
    name: in this order: a file ending in .hdf5 or .h5 (D4RL's form) or .npz; a name of D4RL's
      catalog; the id of a data set that comes with this package; the folder of a Minari
      data set; a Minari id, looked for in Minari's own folder first. Upper case in the ending
      of a file is taken too.
    env_id: a Gymnasium id, whose step limit serves D4RL files without `timeouts`.
    step_limit: steps of an episode at most; used in place of the environment's.

  Returns:
    The data set, with its own rewards. Data that are not D4RL's but bear a name of its catalog
    are called "own-" and that name, so that nothing takes them for D4RL's.

  Raises:
    UserError: if there is no such data set, it is damaged, or the step limit is below 1.
  """
  if step_limit is not None and step_limit < 1:
    raise UserError(f"the step limit is {step_limit}, but it must be at least 1")
  dataset = _read(name, env_id, step_limit)
  if dataset.kind == "d4rl" or dataset.name not in catalog.d4rl_files():
    return dataset
  own = f"own-{dataset.name}"
  notice = f"{name} is not the file that D4RL published as {dataset.name}: it is called {own}"
  return dataset._replace(name=own, notices=(*dataset.notices, notice))


def minari_folder(name: str) -> Path | None:
  """The folder of a Minari data set that is here, by id or path; None if `name` is another.

  An id that comes with the package is first, then a path, then an id in Minari's own folder.
  """
  is_id = is_dataset_id(name)
  if is_id and (embedded() / name).is_dir():
    return embedded() / name
  if _path(name).is_dir():
    return _path(name)
  if is_id and (minari_files.root() / name).is_dir():
    return minari_files.root() / name
  return None


def embedded() -> Path:
  """The folder of the data sets that come with this package."""
  return Path(str(resources.files("dmg_jax.data"))) / "embedded"


def _read(name: str, env_id: str | None, step_limit: int | None) -> Dataset:
  path = _path(name)
  if path.suffix.lower() in d4rl_export.SUFFIXES:
    return _d4rl(path, catalog.d4rl_name(path.stem) or path.stem, env_id, step_limit)
  if path.suffix.lower() in arrays.SUFFIXES:
    return arrays.read(path)
  if name in catalog.d4rl_files():
    file = download.fetch(catalog.d4rl_files()[name], download.directory())
    return _d4rl(file, name, env_id, step_limit)
  if (folder := minari_folder(name)) is not None:
    dataset = minari_files.load(folder)
    ours = is_dataset_id(name) and folder == embedded() / name
    return dataset._replace(kind="embedded") if ours else dataset
  if is_dataset_id(name) and name.startswith(_OURS):
    raise UserError(_how_to_collect(name))
  # All public ids have a namespace, so that a misspelt D4RL name asks no server.
  if is_dataset_id(name) and "/" in name:
    return minari_files.load(_downloaded(name))
  raise UserError(f"there is no data set {name!r}; give {_FORMS}{_near(name)}")


def _path(name: str) -> Path:
  try:
    path = Path(name).expanduser()
    path.exists()
  except (OSError, RuntimeError, ValueError) as error:
    raise UserError(f"there is no data set {name[:200]!r} ({error}); give {_FORMS}") from error
  return path


def _how_to_collect(name: str) -> str:
  """What to do about a data set of our own making that is not here; no server has it."""
  *task, last = name.removeprefix(_OURS).split("/")
  tier = last.rpartition("-v")[0]
  env_id = _env_id("/".join(task)) or "ID"
  return (
    f"{name} is not in {minari_files.root()}; make it with `python launch/collect.py "
    f"--env={env_id} --tier={tier if tier in TIERS else 'TIER'} --dataset_id={name}`{_near(name)}"
  )


def _env_id(task: str) -> str | None:
  """The environment that `launch/collect.py` calls by this name; -v4 first, as D4RL's."""
  versions = {
    spec.version: env_id
    for env_id, spec in gymnasium.registry.items()
    if env_id.rpartition("-v")[0].lower().removeprefix("dmg_jax/") == task
  }
  return versions.get(4) or versions.get(max(versions, key=lambda version: version or 0, default=0))


def _downloaded(name: str) -> Path:
  try:
    return download_minari(name)
  except UserError as error:
    raise UserError(f"{error}{_near(name)}") from error


def _near(name: str) -> str:
  known = [
    *catalog.d4rl_files(),
    *minari_files.local_ids(embedded()),
    *minari_files.local_ids(minari_files.root()),
  ]
  near = difflib.get_close_matches(name, known)
  return f"; near names: {', '.join(near)}" if near else ""


def _d4rl(path: Path, name: str, env_id: str | None, step_limit: int | None) -> Dataset:
  return d4rl.read(
    path, name, step_limit or catalog.d4rl_step_limit(name) or _registered_limit(env_id)
  )


def _registered_limit(env_id: str | None) -> int | None:
  try:
    return gymnasium.spec(env_id).max_episode_steps if env_id else None
  except (gymnasium.error.Error, ImportError):
    return None
