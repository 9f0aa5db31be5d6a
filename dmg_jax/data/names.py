"""Ids of data sets, and the folders that they stand for."""

import os
import re
from pathlib import Path

from minari.dataset.minari_dataset import parse_dataset_id

from dmg_jax.errors import UserError

_DATASET_ID = re.compile(r"(?:[\w-]+/)*[\w-]+-v\d+", re.ASCII)
# A file name has at most 255 bytes; the stage of a data set is named by its whole id.
_LONGEST = 200


def is_dataset_id(name: str) -> bool:
  """Whether a name has the form of a Minari id with a version, such as mine/hopper/medium-v0.

  Minari's own pattern also takes "//", letters of other scripts, and a namespace called "data",
  which it then takes for a data set; this one does not.
  """
  if len(name) > _LONGEST or not _DATASET_ID.fullmatch(name) or "data" in name.split("/"):
    return False
  try:
    parse_dataset_id(name)
  except ValueError:
    return False
  return True


def folder_of(variable: str, usual: str) -> Path:
  """The folder that an environment variable names, or the usual one; `~` is the home folder.

  Raises:
    UserError: if the home folder is not known.
  """
  text = os.environ.get(variable) or usual
  try:
    return Path(text).expanduser()
  except RuntimeError as error:
    raise UserError(f"{text}: {error}; set {variable} to a folder's full path") from error


def inside(root: Path, path: Path) -> Path:
  """The path, which must lie in a folder, after all symbolic links.

  Args:
    root: the folder; it need not exist.
    path: in it; neither need this.

  Raises:
    UserError: if the path leads out of the folder.
  """
  if not path.resolve().is_relative_to(root.resolve()):
    raise UserError(f"{path} leads out of {root}; use a name without .. and without links")
  return path


def new_dataset(root: Path, dataset_id: str) -> Path:
  """The folder of a data set that is to be written; nothing is written here.

  Args:
    root: folder of Minari data sets.
    dataset_id: such as "mine/hopper/medium-v0".

  Raises:
    UserError: if the id is malformed, leads out of `root`, exists already, or lies in the
      folder of another data set.
  """
  if not is_dataset_id(dataset_id):
    raise UserError(
      f"{dataset_id!r} is not the id of a Minari data set; use letters, digits, - and _ with / "
      "between, and a version at the end, such as mine/hopper/medium-v0"
    )
  folder = inside(root, root / dataset_id)
  if folder.exists():
    raise UserError(f"{folder} exists already; choose another id, or remove the folder")
  for parent in folder.relative_to(root).parents:
    if (root / parent / "data").exists():
      raise UserError(f"{root / parent} is itself a data set; choose another id")
    if (root / parent).exists() and not (root / parent).is_dir():
      raise UserError(f"{root / parent} is a file, not a folder of data sets")
  return folder
