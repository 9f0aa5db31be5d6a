"""A data set as it was logged, whatever file it came from."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

_MATRICES = ("observations", "actions", "next_observations")
# Bounds and actions pass through float32: what they disagree by, in a unit box, is no mistake.
_ROUNDING = 1e-5


class Dataset(NamedTuple):
  """Transitions and what is known about them.

  Attributes:
    transitions: float32 NumPy arrays, (N, S), (N, A) or (N,), in the environment's own units.
    name: of the catalog or of Minari, else the file's stem.
    kind: "d4rl" for D4RL's own files alone, "hdf5" for others in their form; "minari", "npz"
      or "embedded".
    env_id: the simulator that the data suggest, if any.
    env_kwargs: its arguments, where they differ from its usual ones.
    action_low, action_high: (A,), bounds of the actions where the data state them.
    reference: the returns that score 0 and 100, where known.
    episode_returns: (E,), undiscounted returns of the complete episodes alone, those that
      ended by a terminal or a time limit, in the rewards of the file.
    sha256: of the arrays as they were read, before any shift or clipping.
    notices: lines for the user.
  """

  transitions: Transitions
  name: str
  kind: str
  env_id: str | None
  env_kwargs: Mapping[str, Any]
  action_low: np.ndarray | None
  action_high: np.ndarray | None
  reference: tuple[float, float] | None
  episode_returns: np.ndarray
  sha256: str
  notices: tuple[str, ...]


def build(
  transitions: Transitions,
  *,
  name: str,
  kind: str,
  episode_returns: np.ndarray,
  env_id: str | None = None,
  env_kwargs: Mapping[str, Any] | None = None,
  action_bounds: tuple[np.ndarray, np.ndarray] | None = None,
  reference: tuple[float, float] | None = None,
  notices: Sequence[str] = (),
) -> Dataset:
  """The data set of valid transitions, with its hash; its fields are those of `Dataset`.

  Raises:
    UserError: see `validate`.
  """
  validate(transitions, name)
  if not len(episode_returns):
    notices = (*notices, "no complete episode: the data's own return is unknown")
  low, high = action_bounds or (None, None)
  return Dataset(
    transitions=transitions,
    name=name,
    kind=kind,
    env_id=env_id,
    env_kwargs=dict(env_kwargs or {}),
    action_low=low,
    action_high=high,
    reference=reference,
    episode_returns=episode_returns,
    sha256=_sha256(transitions),
    notices=tuple(notices),
  )


def check_columns(columns: Mapping[str, Any], name: str) -> dict[str, Any]:
  """The columns of a file as finite float32 arrays of one length.

  Args:
    columns: numbers by field; observations, next observations and actions are (N, ...),
      everything else (N,) or (N, 1).
    name: of the file, for messages.

  Returns:
    The same fields, as NumPy arrays (N, D) or (N,).

  Raises:
    UserError: naming the field that is not numeric, has another rank, holds NaN or infinity
      (in float32), or is empty or shorter than the others.
  """
  checked = {field: _column(values, field, name) for field, values in columns.items()}
  lengths = {field: len(values) for field, values in checked.items()}
  if len(set(lengths.values())) > 1:
    listed = ", ".join(f"{field} {length}" for field, length in lengths.items())
    raise UserError(f"{name}: fields differ in length ({listed}); give every step one row in each")
  if 0 in lengths.values():
    raise UserError(f"{name}: there are no transitions; record some first")
  return checked


def validate(transitions: Transitions, name: str) -> None:
  """Refuses transitions that nothing could be learned from.

  Args:
    transitions: NumPy arrays.
    name: of the data set, for messages.

  Raises:
    UserError: see `check_columns`; or if observations and next observations differ in width.
  """
  checked = check_columns(vars(transitions), name)
  widths = [checked[field].shape[1] for field in ("observations", "next_observations")]
  if widths[0] != widths[1]:
    raise UserError(
      f"{name}: observations have {widths[0]} dimensions, next_observations {widths[1]}; "
      "both must come from one space"
    )


def complete_returns(rewards: np.ndarray, ends: np.ndarray) -> np.ndarray:
  """Undiscounted returns of the episodes that end within consecutive rows.

  Args:
    rewards: (N,).
    ends: (N,) bool, true at the last step of an episode.

  Returns:
    (E,) float64; rows after the last end belong to no complete episode.
  """
  last = np.flatnonzero(ends)
  totals = np.cumsum(rewards, dtype=np.float64)[last]
  return np.diff(totals, prepend=0.0)


def action_box(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
  """The box (low, high), each (A,), of actions that no simulator bounds.

  Where the data state no bounds, [-1, 1] is assumed.
  """
  if dataset.action_low is not None and dataset.action_high is not None:
    return dataset.action_low, dataset.action_high
  size = np.shape(dataset.transitions.actions)[1]
  return -np.ones(size, np.float32), np.ones(size, np.float32)


def check_actions(
  dataset: Dataset, low: np.ndarray, high: np.ndarray, clip: bool, simulator: bool = True
) -> Dataset:
  """The data set with every action inside the box [low, high].

  Args:
    dataset: any.
    low, high: (A,), of the environment that the policy will act in, or of `action_box`.
    clip: whether actions may be moved further than float rounding explains.
    simulator: whether the box is a simulator's; for messages.

  Returns:
    The data set, clipped where it left the box; with a notice if by more than 1e-5.

  Raises:
    UserError: if the box has other dimensions; or if an action leaves it by more than 1e-5
      and `clip` is false.
  """
  actions = np.asarray(dataset.transitions.actions)
  low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
  if low.shape != actions.shape[1:] or high.shape != low.shape:
    raise UserError(
      f"{dataset.name}: actions have {actions.shape[1]} dimensions, the environment's have "
      f"{low.size}; name the environment that the data come from (setting env)"
    )
  clipped = np.clip(actions, low, high)
  excess = np.abs(actions - clipped)
  if not excess.any():
    return dataset
  notices = dataset.notices
  outside = int(np.any(excess > _ROUNDING, axis=1).sum())
  if outside:
    row, dimension = np.unravel_index(excess.argmax(), excess.shape)
    whose, remedy = _whose_box(dataset, simulator)
    leave = (
      f"actions leave {whose} in {outside} of {len(actions)} rows, furthest in "
      f"dimension {dimension} by {excess[row, dimension]:.3g} ({actions[row, dimension]:.6g} in "
      f"row {row}, box [{low[dimension]:.6g}, {high[dimension]:.6g}])"
    )
    if not clip:
      raise UserError(f"{dataset.name}: {leave}; {remedy}allow clipping (setting clip_actions)")
    notices = (*notices, f"{leave}: clipped")
  return dataset._replace(transitions=dataset.transitions.replace(actions=clipped), notices=notices)


def _whose_box(dataset: Dataset, simulator: bool) -> tuple[str, str]:
  """What a box of actions is called, and what may be done where it does not fit."""
  if simulator:
    return "the environment's box", ""
  if dataset.action_low is not None:
    return "the data's own box (action_low, action_high)", ""
  return (
    "the box [-1, 1], which is assumed without a simulator and without bounds,",
    "state the bounds in the data (action_low and action_high in an .npz file), or ",
  )


def numbers(values: Any, field: str, name: str) -> np.ndarray:
  """The values as float32; they may be infinite or NaN.

  Raises:
    UserError: if they are complex or not numeric.
  """
  try:
    array = np.asarray(values)
  except (TypeError, ValueError) as error:
    raise UserError(f"{name}: {field} are not numeric; store them as float32") from error
  if array.dtype.kind == "c":
    raise UserError(f"{name}: {field} are complex numbers; store real ones, as float32")
  if array.dtype.kind not in "biuf":
    raise UserError(f"{name}: {field} are not numeric; store them as float32")
  with np.errstate(over="ignore"):
    return array.astype(np.float32, copy=False)


def _column(values: Any, field: str, name: str) -> np.ndarray:
  column = numbers(values, field, name)
  if field in _MATRICES:
    wrong, wanted = column.ndim != 2 or not column.shape[1], "(N, dimensions), at least one"
  else:
    column = column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column
    wrong, wanted = column.ndim != 1, "(N,)"
  if wrong:
    raise UserError(f"{name}: {field} have shape {column.shape}; reshape them to {wanted}")
  bad = ~np.isfinite(column)
  if bad.any():
    row = int(np.argwhere(bad)[0, 0])
    raise UserError(
      f"{name}: {field} hold {int(bad.sum())} NaN or infinite values, the first in row {row}; "
      "repair or drop those rows"
    )
  return column


def _sha256(transitions: Transitions) -> str:
  digest = hashlib.sha256()
  for field, array in vars(transitions).items():
    digest.update(f"{field}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array, np.float32).data)
  return digest.hexdigest()
