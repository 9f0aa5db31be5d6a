"""Episodes as a D4RL-form HDF5 file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from dmg_jax.data.episodes import Episode
from dmg_jax.data.whole_files import whole_file, writable

SUFFIXES = (".hdf5", ".h5")


def write(path: Path, episodes: Sequence[Episode], metadata: Mapping[str, str]) -> None:
  """Stores episodes so that `d4rl.qlearning_dataset`'s rules give back their transitions.

  Those rules take the next observation from the following row, and drop rows
  with a timeout and the last one. So an episode that does not end in a terminal
  is closed by a row of its own, with its last observation, a reward of 0 and
  the timeout; and so, without the timeout, is a terminal at the very end, whose
  row would be lost. After
  any other terminal the following row is the next episode's, as in D4RL's own
  files: what follows a terminal counts nowhere. `next_observations` hold what
  was seen, throughout.

  Args:
    path: of a file that does not exist yet, in a folder that does.
    episodes: in order.
    metadata: stored as attributes of the group `metadata`; `d4rl.read` takes `env_id` and
      `env_kwargs` (JSON) from there.

  Raises:
    UserError: if the file exists, or its folder does not.
    StorageError: if it cannot be written; nothing is left of it then.
  """
  writable(path, SUFFIXES)
  rows = [_rows(episode, last=episode is episodes[-1]) for episode in episodes]
  with whole_file(path) as partial, h5py.File(partial, "w") as file:
    for field in rows[0]:
      joined = np.concatenate([columns[field] for columns in rows])
      file.create_dataset(field, data=joined, compression="gzip")
    file.create_group("metadata").attrs.update(metadata)


def _rows(episode: Episode, last: bool) -> dict[str, np.ndarray]:
  """An episode's columns, with its closing row where it needs one."""
  count = len(episode.rewards)
  closed = int(last or not episode.terminations[-1])
  observations = np.asarray(episode.observations, np.float32)
  timeout = np.full(closed, not episode.terminations[-1])
  return {
    "observations": observations[: count + closed],
    "actions": np.pad(np.asarray(episode.actions, np.float32), ((0, closed), (0, 0))),
    "rewards": np.pad(np.asarray(episode.rewards, np.float32), (0, closed)),
    "next_observations": np.concatenate([observations[1:], observations[-1:]])[: count + closed],
    "terminals": np.pad(np.asarray(episode.terminations, bool), (0, closed)),
    "timeouts": np.concatenate([np.zeros(count, bool), timeout]),
  }
