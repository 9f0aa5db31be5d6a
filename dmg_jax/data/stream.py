"""What several environments that step together went through, in memory and on disk."""

import os
from pathlib import Path

import numpy as np

from dmg_jax.data.episodes import Episode
from dmg_jax.errors import StorageError, UserError
from dmg_jax.types import Transitions

_FIELDS = (
  "observations",
  "actions",
  "rewards",
  "next_observations",
  "terminations",
  "truncations",
)
_PART = "{:09d}.npz"
_RESTORE = "restore it from a copy, or start again in another --run_dir"


class Stream:
  """The T rounds of N environments that step together, in order.

  Args:
    capacity: rounds at most.
    environments: N.
    observation_size, action_size: S and A.
    seed: of all episodes.

  Attributes:
    size: T, rounds so far.
    observations, next_observations: (capacity, N, S) float32, before and after
      each step; after an episode's last step, the next observation is its own.
    actions: (capacity, N, A) float32, in the environment's units.
    rewards: (capacity, N) float32.
    terminations, truncations: (capacity, N) bool.
  """

  def __init__(
    self, capacity: int, environments: int, observation_size: int, action_size: int, seed: int
  ):
    rounds = (capacity, environments)
    self.size = self._saved = 0
    self.seed = seed
    self.observations = np.zeros((*rounds, observation_size), np.float32)
    self.actions = np.zeros((*rounds, action_size), np.float32)
    self.rewards = np.zeros(rounds, np.float32)
    self.next_observations = np.zeros((*rounds, observation_size), np.float32)
    self.terminations = np.zeros(rounds, bool)
    self.truncations = np.zeros(rounds, bool)

  @property
  def environments(self) -> int:
    """N."""
    return self.rewards.shape[1]

  def append(self, **round_: np.ndarray) -> None:
    """Adds one round: each field's (N, ...) values."""
    for field in _FIELDS:
      getattr(self, field)[self.size] = round_[field]
    self.size += 1

  def ends(self) -> np.ndarray:
    """(T, N) bool, where an episode ended."""
    return self.terminations[: self.size] | self.truncations[: self.size]

  def episode_seed(self, environment: int, count: int) -> int:
    """Of an environment's episode after `count` others: from these numbers and the seed alone."""
    return int(np.random.SeedSequence((self.seed, environment, count)).generate_state(1)[0])

  def _episode(self, environment: int, count: int, start: int, stop: int) -> Episode:
    """The rounds [start, stop) of one environment, which are its episode after `count` others."""
    rows = slice(start, stop), environment
    return Episode(
      observations=np.concatenate(
        [self.observations[rows], self.next_observations[stop - 1, environment][None]]
      ),
      actions=self.actions[rows],
      rewards=self.rewards[rows],
      terminations=self.terminations[rows],
      truncations=self.truncations[rows],
      seed=self.episode_seed(environment, count),
    )

  def episodes(self, rounds: int) -> list[Episode]:
    """The episodes that ended in the first `rounds` rounds, in order of their ends."""
    starts, counts = np.zeros((2, self.environments), int)
    found = []
    for round_, environment in np.argwhere(self.ends()[:rounds]):
      start, count = starts[environment], counts[environment]
      found.append(self._episode(environment, count, start, round_ + 1))
      starts[environment], counts[environment] = round_ + 1, count + 1
    return found

  def transitions(self, start: int, stop: int) -> Transitions:
    """The (stop - start) * N transitions of some rounds, in order, in the environment's units."""

    def rows(values: np.ndarray) -> np.ndarray:
      return values[start:stop].reshape(-1, *values.shape[2:])

    return Transitions(
      observations=rows(self.observations),
      actions=rows(self.actions),
      rewards=rows(self.rewards),
      next_observations=rows(self.next_observations),
      not_dones=(~rows(self.terminations)).astype(np.float32),
    )

  def under_way(self, environment: int) -> tuple[int, int]:
    """How many episodes of an environment ended, and the round at which the next began."""
    ends = np.flatnonzero(self.ends()[:, environment])
    return len(ends), int(ends[-1]) + 1 if len(ends) else 0

  def save(self, folder: Path) -> None:
    """Writes the rounds since the last save, if there are any, as one more part of the folder.

    Raises:
      StorageError: if that fails; the earlier parts are intact.
    """
    if self.size == self._saved:
      return
    part = {field: getattr(self, field)[self._saved : self.size] for field in _FIELDS}
    path = folder / _PART.format(self.size)
    partial = path.with_suffix(".partial")
    try:
      folder.mkdir(exist_ok=True)
      with open(partial, "wb") as file:
        np.savez(file, **part)
        file.flush()
        os.fsync(file.fileno())
      os.replace(partial, path)
    except OSError as error:
      raise StorageError(
        f"{path} could not be saved: {error.strerror}; make room and start the same command again"
      ) from error
    self._saved = self.size

  def load(self, folder: Path, rounds: int) -> None:
    """Fills an empty stream with the first `rounds` rounds, where a part ends.

    Later parts, of a job that was killed before it counted them, are removed.

    Raises:
      UserError: if a part is missing or damaged; nothing is removed then.
    """
    stops = {int(path.stem): path for path in folder.glob("*.npz") if path.stem.isdecimal()}
    for stop in sorted(stop for stop in stops if stop <= rounds):
      try:
        with np.load(stops[stop], allow_pickle=False) as part:
          fields = {field: part[field] for field in _FIELDS}
      except Exception as error:  # A damaged file raises one of seven kinds.
        raise UserError(f"{stops[stop]} is damaged ({error}); {_RESTORE}") from error
      for field, values in fields.items():
        place = getattr(self, field)[self.size : stop]
        if values.shape != place.shape or values.dtype != place.dtype:
          raise UserError(
            f"{stops[stop]}: {field} are {values.dtype} {values.shape}, not {place.dtype} "
            f"{place.shape}: this part or the one before is missing or changed; {_RESTORE}"
          )
        place[:] = values
      self.size = self._saved = stop
    if self.size != rounds:
      raise UserError(f"{folder} holds {self.size} of {rounds} rounds; {_RESTORE}")
    for stop in stops:
      if stop > rounds:
        stops[stop].unlink()
