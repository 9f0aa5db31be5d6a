"""D4RL's HDF5 files, row for row as D4RL's own `qlearning_dataset` reads them."""

import hashlib
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple

import h5py
import numpy as np

from dmg_jax.data import catalog, env_notes
from dmg_jax.data.catalog import D4RLFile
from dmg_jax.data.dataset import Dataset, build, check_columns, complete_returns, numbers
from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_REQUIRED = ("observations", "actions", "rewards", "terminals")


# D4RL's ant observes this many numbers; Gymnasium's, by default, 27.
_ANT_OBSERVATIONS = 111


class _File(NamedTuple):
  """What is read of a file: columns by field, and the attributes of `metadata`."""

  columns: dict[str, np.ndarray]
  next_observations: np.ndarray | None
  metadata: dict[str, Any]


def read(path: str | Path, name: str, episode_limit: int | None) -> Dataset:
  """The transitions of a D4RL file, or of another file in its form.

  Which rows train is decided by `d4rl.qlearning_dataset` (Fu et al. 2020, D4RL's
  `__init__.py`): a row with a timeout is dropped, also when it is terminal, and so is the last
  row; any other terminal is kept. Where the file has no `timeouts`, rows are counted to the
  step limit. The next observation is the following row's, whatever D4RL's files say of
  `next_observations`. A file that D4RL did not publish may have an episode end that it does
  not mark; there its own `next_observations` are taken, where it has them.

  Args:
    path: of an HDF5 file with N rows of `observations`, `actions`, `rewards`, `terminals` and
      perhaps `timeouts` and `next_observations`; the group `metadata` may have the attributes
      `env_id` and `env_kwargs`, a JSON object.
    name: of the data set; one of the catalog's gives the simulator and the reference returns.
    episode_limit: the environment's step limit, for files without `timeouts`.

  Returns:
    The data set, with the file's rewards; of kind "d4rl" only if the catalog has the name and
    the file's size and hash are those published, where they are. D4RL's own AntMaze files have
    no known returns. A notice counts the non-terminal rows in which `next_observations` are
    not the following row's observations.

  Raises:
    UserError: if the file is missing, damaged or no HDF5 file; if a field is missing or
      invalid (see `check_columns`); or if there are neither `timeouts` nor a limit.
  """
  contents = _contents(Path(path))
  columns = check_columns(contents.columns, str(path))
  terminals = columns["terminals"] != 0
  timeouts, notices = _timeouts(columns, terminals, episode_limit, path)
  file = catalog.d4rl_files().get(name)
  published = file is not None and _is_published(Path(path), file, columns["observations"])
  kept = ~timeouts[:-1]
  following = columns["observations"][1:]
  if contents.next_observations is not None:
    own = _next_observations(contents.next_observations, columns["observations"].shape, path)
    notices += _differences(own, following, kept & ~terminals[:-1], published)
    following = following if published else own
  transitions = Transitions(
    observations=columns["observations"][:-1][kept],
    actions=columns["actions"][:-1][kept],
    rewards=columns["rewards"][:-1][kept],
    next_observations=following[kept],
    not_dones=(~terminals[:-1][kept]).astype(np.float32),
  )
  returns = complete_returns(columns["rewards"], terminals | timeouts)
  if published and name.startswith("antmaze"):
    # Labelled by distance alone, so that an ant that stays at the goal ends an episode a row.
    returns = np.zeros(0)
    notices.append("every row near the goal is terminal, so that terminals part no episodes")
  env_id, env_kwargs = env_notes.read(contents.metadata, path)
  if published or env_id is None:
    env_id, env_kwargs = catalog.d4rl_env_id(name), catalog.d4rl_env_kwargs(name)
  reference = (file.reference_min, file.reference_max) if file else None
  if file is None or env_id != catalog.d4rl_env_id(name):
    reference = catalog.reference_returns(env_id) if env_id else None
  return build(
    transitions,
    name=name,
    kind="d4rl" if published else "hdf5",
    episode_returns=returns,
    env_id=env_id,
    env_kwargs=env_kwargs,
    reference=reference,
    notices=notices,
  )


def _timeouts(
  columns: dict[str, np.ndarray], terminals: np.ndarray, limit: int | None, path: str | Path
) -> tuple[np.ndarray, list[str]]:
  """The rows that a time limit cut, (N,) bool, and what the user is told of them."""
  if "timeouts" in columns:
    return columns["timeouts"] != 0, []
  if limit is None:
    raise UserError(
      f"{path}: there are no `timeouts` and the step limit is unknown; add `timeouts` to the "
      "file, or give the step limit or a registered environment (settings step_limit and env)"
    )
  notice = f"no `timeouts` in the file: rows counted to {limit} as D4RL does"
  return _counted_timeouts(terminals, limit), [notice]


def _next_observations(values: np.ndarray, shape: tuple[int, ...], path: str | Path) -> np.ndarray:
  """The file's own next observations of all rows but the last, (N - 1, S) float32."""
  own = numbers(values, "next_observations", str(path))
  if own.shape != shape:
    raise UserError(
      f"{path}: next_observations have shape {own.shape}, observations {shape}; both must come "
      "from one space, with one row for every step"
    )
  return own[:-1]


def _differences(
  own: np.ndarray, following: np.ndarray, matters: np.ndarray, published: bool
) -> list[str]:
  """What the user is told where a file's next observations are not the following row's."""
  differ = matters & ~np.isclose(own, following, rtol=1e-5, atol=1e-6).all(axis=1)
  if not differ.any():
    return []
  taken = "the following row's are taken, as D4RL does" if published else "the file's are taken"
  return [
    f"next_observations differ from the following row in {int(differ.sum())} of "
    f"{int(matters.sum())} non-terminal rows, the first row {int(differ.argmax())}: {taken}"
  ]


def _is_published(path: Path, file: D4RLFile, observations: np.ndarray) -> bool:
  if file.name.startswith("ant-") and observations.shape[1] != _ANT_OBSERVATIONS:
    return False
  if file.size not in (None, path.stat().st_size):
    return False
  if file.sha256 is None:
    return True
  with open(path, "rb") as stream:
    return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def _contents(path: Path) -> _File:
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
      own = file.get("next_observations")
      metadata = file.get("metadata")
      return _File(
        columns={key: file[key][()] for key in present},
        next_observations=own[()] if isinstance(own, h5py.Dataset) else None,
        metadata=dict(metadata.attrs) if isinstance(metadata, h5py.Group) else {},
      )
  except (OSError, RuntimeError, TypeError) as error:
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
