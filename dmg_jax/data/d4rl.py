"""D4RL's HDF5 files, row for row as D4RL's own `qlearning_dataset` reads them."""

import hashlib
from pathlib import Path
from textwrap import shorten

import h5py
import numpy as np

from dmg_jax.data import catalog
from dmg_jax.data.catalog import D4RLFile
from dmg_jax.data.dataset import Dataset, build, check_columns, complete_returns
from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_REQUIRED = ("observations", "actions", "rewards", "terminals")


def read(path: str | Path, name: str, episode_limit: int | None) -> Dataset:
  """The transitions of a D4RL file.

  The rules are those of `d4rl.qlearning_dataset` (Fu et al. 2020, D4RL's `__init__.py`): the
  next observation is the following row's, whatever the file's own `next_observations` say; a
  row with a timeout is dropped, also when it is terminal, and so is the last row; any other
  terminal is kept. Where the file has no `timeouts`, rows are counted to the step limit.

  Args:
    path: of an HDF5 file with N rows of `observations`, `actions`, `rewards`, `terminals` and
      perhaps `timeouts`.
    name: of the data set; one of the catalog's gives the simulator and the reference returns.
    episode_limit: the environment's step limit, for files without `timeouts`.

  Returns:
    The data set, with the file's rewards; of kind "d4rl" only if the catalog has the name and
    the file's size and hash are those published, where they are. D4RL's own AntMaze files have
    no known returns.

  Raises:
    UserError: if the file is missing, damaged or no HDF5 file; if a field is missing or
      invalid (see `check_columns`); or if there are neither `timeouts` nor a limit.
  """
  columns = check_columns(_columns(Path(path)), str(path))
  terminals = columns["terminals"] != 0
  notices = []
  if "timeouts" in columns:
    timeouts = columns["timeouts"] != 0
  elif episode_limit is not None:
    timeouts = _counted_timeouts(terminals, episode_limit)
    notices.append(f"no `timeouts` in the file: rows counted to {episode_limit} as D4RL does")
  else:
    raise UserError(
      f"{path}: there are no `timeouts` and the step limit is unknown; "
      "add `timeouts` to the file or name a registered environment with --config.env="
    )
  kept = ~timeouts[:-1]
  transitions = Transitions(
    observations=columns["observations"][:-1][kept],
    actions=columns["actions"][:-1][kept],
    rewards=columns["rewards"][:-1][kept],
    next_observations=columns["observations"][1:][kept],
    not_dones=(~terminals[:-1][kept]).astype(np.float32),
  )
  file = catalog.d4rl_files().get(name)
  published = file is not None and _is_published(Path(path), file)
  returns = complete_returns(columns["rewards"], terminals | timeouts)
  if published and name.startswith("antmaze"):
    # Labelled by distance alone, so that an ant that stays at the goal ends an episode a row.
    returns = np.zeros(0)
    notices.append("every row near the goal is terminal, so that terminals part no episodes")
  return build(
    transitions,
    name=name,
    kind="d4rl" if published else "hdf5",
    episode_returns=returns,
    env_id=catalog.d4rl_env_id(name),
    reference=(file.reference_min, file.reference_max) if file else None,
    notices=notices,
  )


def _is_published(path: Path, file: D4RLFile) -> bool:
  if file.size not in (None, path.stat().st_size):
    return False
  if file.sha256 is None:
    return True
  with open(path, "rb") as stream:
    return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _columns(path: Path) -> dict[str, np.ndarray]:
  if not path.is_file():
    raise UserError(f"{path}: no such file; check the path")
  try:
    with h5py.File(path, "r") as file:
      present = [key for key in (*_REQUIRED, "timeouts") if isinstance(file.get(key), h5py.Dataset)]
      missing = [key for key in _REQUIRED if key not in present]
      if missing:
        raise UserError(
          f"{path}: {', '.join(missing)} missing; a D4RL file holds {', '.join(_REQUIRED)}"
        )
      return {key: file[key][()] for key in present}
  except (OSError, RuntimeError) as error:
    raise UserError(
      f"{path}: cannot be read as HDF5 ({shorten(str(error), 200)}); "
      "remove it and download or export it again"
    ) from error


def _counted_timeouts(terminals: np.ndarray, limit: int) -> np.ndarray:
  """D4RL's fall-back, (N,) bool, with its drift.

  Its counter starts again at 0 after a row that it drops, but at 1 after a terminal that it
  keeps. Row counts agree with D4RL's only if ours does the same.
  """
  timeouts = np.zeros(len(terminals), bool)
  start = counter = 0
  for end in (*np.flatnonzero(terminals), len(terminals) - 1):
    timeouts[start + limit - 1 - counter : end + 1 : limit] = True
    start, counter = end + 1, int(not timeouts[end])
  return timeouts
