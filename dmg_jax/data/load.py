"""A data set by the one name that a user gives."""

import difflib
import re
from importlib import resources
from pathlib import Path

import gymnasium

from dmg_jax.data import arrays, catalog, d4rl, download, minari_files
from dmg_jax.data.dataset import Dataset
from dmg_jax.errors import UserError

_MINARI_ID = re.compile(r"([\w-]+/)*[\w-]+-v\d+", re.ASCII)
_FORMS = "a D4RL name, an .hdf5 or .npz file, a Minari id or the folder of a Minari data set"


def load(name: str, env_id: str | None = None) -> Dataset:
  """Finds, reads and checks a data set; downloads it if it has to.

  Args:
    name: in this order: a file ending in .hdf5 or .h5 (D4RL's form) or .npz; a name of D4RL's
      catalog; the id of a data set that comes with this package; the folder of a Minari
      data set; a Minari id, looked for in Minari's own folder first.
    env_id: a Gymnasium id, whose step limit serves D4RL files without `timeouts`.

  Returns:
    The data set, with its own rewards. Data that are not D4RL's but bear a name of its catalog
    are called "own-" and that name, so that nothing takes them for D4RL's.

  Raises:
    UserError: if there is no such data set, or it is damaged.
  """
  dataset = _read(name, env_id)
  if dataset.kind == "d4rl" or dataset.name not in catalog.d4rl_files():
    return dataset
  own = f"own-{dataset.name}"
  notice = f"{name} is not the file that D4RL published as {dataset.name}: it is called {own}"
  return dataset._replace(name=own, notices=(*dataset.notices, notice))


def embedded() -> Path:
  """The folder of the data sets that come with this package."""
  return Path(str(resources.files("dmg_jax.data"))) / "embedded"


def _read(name: str, env_id: str | None) -> Dataset:
  path = Path(name).expanduser()
  if path.suffix in (".hdf5", ".h5"):
    return _d4rl(path, catalog.d4rl_name(path.stem) or path.stem, env_id)
  if path.suffix == ".npz":
    return arrays.read(path)
  if name in catalog.d4rl_files():
    file = download.fetch(catalog.d4rl_files()[name], download.directory())
    return _d4rl(file, name, env_id)
  is_id = _MINARI_ID.fullmatch(name) is not None
  if is_id and (embedded() / name).is_dir():
    return minari_files.load(embedded() / name)._replace(kind="embedded")
  if path.is_dir():
    return minari_files.load(path)
  if is_id and (minari_files.root() / name).is_dir():
    return minari_files.load(minari_files.root() / name)
  # All public ids have a namespace, so that a misspelt D4RL name asks no server.
  if is_id and "/" in name:
    return minari_files.load(_downloaded(name))
  raise UserError(f"there is no data set {name!r}; give {_FORMS}{_near(name)}")


def _downloaded(name: str) -> Path:
  try:
    return minari_files.download(name)
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


def _d4rl(path: Path, name: str, env_id: str | None) -> Dataset:
  return d4rl.read(path, name, catalog.d4rl_step_limit(name) or _step_limit(env_id))


def _step_limit(env_id: str | None) -> int | None:
  try:
    return gymnasium.spec(env_id).max_episode_steps if env_id else None
  except (gymnasium.error.Error, ImportError):
    return None
