"""Export to D4RL's form: what goes in comes back."""

import errno

import h5py
import numpy as np
import pytest

from dmg_jax.data import d4rl, d4rl_export, whole_files
from dmg_jax.data.episodes import Episode, flatten
from dmg_jax.errors import StorageError, UserError


def episode(start: int, length: int, terminated: bool) -> Episode:
  observations = np.arange(start, start + length + 1, dtype=np.float32)[:, None]
  ends = np.arange(length) == length - 1
  return Episode(
    observations=observations,
    actions=-observations[:-1] / 100,
    rewards=observations[:-1, 0] + 0.5,
    terminations=ends & terminated,
    truncations=ends & ~np.bool_(terminated),
  )


@pytest.mark.parametrize("last_terminated", [True, False])
def test_the_readers_find_the_same_transitions(tmp_path, last_terminated):
  episodes = [
    episode(0, 3, True),
    episode(10, 2, False),
    episode(20, 1, True),
    episode(30, 4, last_terminated),
  ]
  path = tmp_path / "mine.hdf5"
  d4rl_export.write(path, episodes, {"dataset": "dmg/x/medium-v0"})
  expected = flatten(episodes)
  dataset = d4rl.read(path, "mine", None)
  found = dataset.transitions
  for field in ("observations", "actions", "rewards", "next_observations", "not_dones"):
    np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
  with h5py.File(path) as file:
    trains = ~file["timeouts"][()]
    trains[-1] = False
    for field in ("observations", "actions", "rewards", "next_observations"):
      np.testing.assert_array_equal(file[field][()][trains], getattr(expected, field))
    assert file["metadata"].attrs["dataset"] == "dmg/x/medium-v0"


@pytest.mark.parametrize("last_terminated", [True, False])
def test_returns_survive(tmp_path, last_terminated):
  episodes = [episode(0, 3, True), episode(10, 2, False), episode(30, 4, last_terminated)]
  d4rl_export.write(tmp_path / "mine.hdf5", episodes, {})
  returns = d4rl.read(tmp_path / "mine.hdf5", "mine", None).episode_returns
  np.testing.assert_array_equal(returns, [4.5, 22, 128])


def test_a_file_that_exists_is_left_alone(tmp_path):
  path = tmp_path / "mine.hdf5"
  path.write_text("mine")
  with pytest.raises(UserError, match="exists already"):
    d4rl_export.write(path, [episode(0, 3, True)], {})
  assert path.read_text() == "mine"


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
  with pytest.raises(UserError, match=r"mine\.hdf5: there is no folder"):
    d4rl_export.write(tmp_path / "no" / "mine.hdf5", [episode(0, 3, True)], {})

  def fail(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(whole_files.os, "replace", fail)
  with pytest.raises(StorageError, match="No space left on device; make room"):
    d4rl_export.write(tmp_path / "mine.hdf5", [episode(0, 3, True)], {})
  assert not list(tmp_path.iterdir())
