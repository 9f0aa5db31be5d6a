"""Own arrays, as NumPy's `.npz`."""

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from dmg_jax.data import catalog, env_notes
from dmg_jax.data.dataset import Dataset, build, check_columns, complete_returns, numbers
from dmg_jax.data.episodes import Episode, flatten
from dmg_jax.data.whole_files import whole_file, writable
from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_COLUMNS = ("observations", "actions", "rewards", "next_observations", "terminals")
_OPTIONAL = ("timeouts", *env_notes.FIELDS, "action_low", "action_high")
SUFFIXES = (".npz",)
# What NumPy and zipfile raise for altered bytes, and for pickles; their texts can run to pages.
_DAMAGE = (
  EOFError,
  MemoryError,
  OSError,
  RuntimeError,
  ValueError,
  zipfile.BadZipFile,
  zlib.error,
)


def read(path: str | Path) -> Dataset:
  """The transitions of an `.npz` file; a pickle in it is never loaded.

  Args:
    path: of a file with `observations` (N, S), `actions` (N, A), `rewards` (N,),
      `next_observations` (N, S) and `terminals` (N,), true where the environment ended the
      episode; and perhaps `timeouts` (N,), true where a time limit cut it, without which
      the data's own return is unknown; `env_id`, a Gymnasium id; `env_kwargs`, arguments of
      the environment as a JSON object; `action_low` and `action_high` (A,), bounds of the
      actions.

  Returns:
    The data set with every row of the file: next observations are given, so that a row cut
    by a time limit bootstraps like any other.

  Raises:
    UserError: if the file is missing, damaged, no `.npz` or pickled; if a field is missing or
      invalid (see `check_columns`).
  """
  return from_columns(_contents(Path(path)), str(path), Path(path).stem)


def from_columns(
  contents: Mapping[str, np.ndarray], path: str = "the arrays", name: str = "arrays"
) -> Dataset:
  """The data set of arrays in memory, with the fields of a file; see `read`.

  Args:
    contents: arrays by field.
    path: where they are from, for messages.
    name: of the data set.

  Raises:
    UserError: see `read`.
  """
  missing = [key for key in _COLUMNS if key not in contents]
  if missing:
    raise UserError(f"{path}: {', '.join(missing)} missing; save {', '.join(_COLUMNS)}")
  columns = check_columns(
    {key: contents[key] for key in (*_COLUMNS, "timeouts") if key in contents}, str(path)
  )
  terminals = columns.pop("terminals") != 0
  notices = []
  if "timeouts" in columns:
    returns = complete_returns(columns["rewards"], terminals | (columns.pop("timeouts") != 0))
  else:
    # Two episodes that a time limit parted would pass for one.
    returns = np.zeros(0)
    notices.append("no `timeouts` in the file, so that it is unknown where episodes end")
  unknown = sorted(contents.keys() - {*_COLUMNS, *_OPTIONAL})
  if unknown:
    notices.append(f"unknown keys ignored: {', '.join(unknown)}")
  env_id, env_kwargs = env_notes.read(
    {field: _text(contents[field]) for field in env_notes.FIELDS if field in contents}, path
  )
  return build(
    Transitions(not_dones=(~terminals).astype(np.float32), **columns),
    name=name,
    kind="npz",
    episode_returns=returns,
    env_id=env_id,
    env_kwargs=env_kwargs,
    action_bounds=_bounds(contents, columns["actions"].shape[1], path),
    reference=catalog.reference_returns(env_id) if env_id else None,
    notices=notices,
  )


def write(
  path: Path,
  episodes: Sequence[Episode],
  env_id: str | None = None,
  env_kwargs: Mapping[str, Any] | None = None,
  action_bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
  """Stores episodes as an `.npz` file from which `read` gives back their transitions.

  Args:
    path: of a file that does not exist yet, in a folder that does.
    episodes: in order; each ends in a terminal or is marked as cut by a time limit.
    env_id: a Gymnasium id, where it is known.
    env_kwargs: arguments of the environment.
    action_bounds: (low, high), each (A,), where they are known.

  Raises:
    UserError: if the file exists, or its folder does not.
    StorageError: if it cannot be written; nothing is left of it then.
  """
  writable(path, SUFFIXES)
  transitions = flatten(episodes)
  terminals = np.asarray(transitions.not_dones) == 0
  lengths = [len(episode.rewards) for episode in episodes]
  ends = np.zeros(len(terminals), bool)
  ends[np.cumsum(lengths) - 1] = True
  columns: dict[str, Any] = {
    **{field: getattr(transitions, field) for field in _COLUMNS if field != "terminals"},
    "terminals": terminals,
    "timeouts": ends & ~terminals,
  }
  if env_id is not None:
    columns |= {"env_id": env_id, "env_kwargs": json.dumps(dict(env_kwargs or {}))}
  if action_bounds is not None:
    columns["action_low"], columns["action_high"] = action_bounds
  with whole_file(path) as partial:
    np.savez_compressed(partial, **columns)


def _contents(path: Path) -> dict[str, np.ndarray]:
  if not path.is_file():
    raise UserError(f"{path}: no such file; check the path")
  if not zipfile.is_zipfile(path):
    raise UserError(f"{path}: is damaged or no .npz file; write it with numpy.savez")
  key = ""
  try:
    with np.load(path, allow_pickle=False) as file:
      contents = {}
      for key in file.files:
        contents[key] = file[key]
      return contents
  except _DAMAGE as error:
    reason = shorten(f"{key} cannot be read ({error}", 200)
    raise UserError(f"{path}: {reason}); write it with numpy.savez, as numbers") from error


def _text(value: np.ndarray) -> Any:
  """The text in an array of one string; anything else as it is."""
  return value.item() if value.dtype.kind == "U" and value.size == 1 else value


def _bounds(
  contents: Mapping[str, Any], size: int, path: str | Path
) -> tuple[np.ndarray, np.ndarray] | None:
  if "action_low" not in contents and "action_high" not in contents:
    return None
  try:
    low, high = (numbers(contents[key], key, str(path)) for key in ("action_low", "action_high"))
    valid = low.shape == high.shape == (size,) and bool(np.all(low < high))
  except (KeyError, UserError):
    valid = False
  if not valid:
    raise UserError(
      f"{path}: action_low and action_high must both be given, of shape ({size},), low < high"
    )
  return low, high
