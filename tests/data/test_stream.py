"""The stream of several environments, and its parts on disk."""

import numpy as np
import pytest

from dmg_jax.data.stream import Stream
from dmg_jax.errors import StorageError, UserError

# Two environments: the first ends at rounds 1 and 3, the second is cut at 2.
ENDS = [(False, False), (True, False), (False, False), (True, False), (False, False)]
CUTS = [(False, False), (False, False), (False, True), (False, False), (False, False)]


def fill(stream: Stream, rounds: int) -> Stream:
  for round_ in range(stream.size, rounds):
    value = np.array([round_, 10 + round_], np.float32)
    stream.append(
      observations=value[:, None],
      actions=-value[:, None],
      rewards=value,
      next_observations=value[:, None] + 0.5,
      terminations=np.array(ENDS[round_]),
      truncations=np.array(CUTS[round_]),
    )
  return stream


def empty() -> Stream:
  return Stream(5, 2, 1, 1, 7)


def test_episodes_come_in_the_order_of_their_ends():
  found = fill(empty(), 5).episodes(5)
  assert [list(episode.rewards) for episode in found] == [[0, 1], [10, 11, 12], [2, 3]]
  np.testing.assert_array_equal(found[1].observations[:, 0], [10, 11, 12, 12.5])
  np.testing.assert_array_equal(found[1].truncations, [False, False, True])
  np.testing.assert_array_equal(found[2].terminations, [False, True])


def test_episodes_know_their_seeds():
  stream = fill(empty(), 5)
  seeds = [episode.seed for episode in stream.episodes(5)]
  assert seeds == [stream.episode_seed(0, 0), stream.episode_seed(1, 0), stream.episode_seed(0, 1)]
  assert len(set(seeds)) == 3
  assert seeds[0] != Stream(5, 2, 1, 1, 8).episode_seed(0, 0)


def test_episodes_of_the_first_rounds_only():
  assert len(fill(empty(), 5).episodes(2)) == 1


def test_an_episode_under_way():
  stream = fill(empty(), 5)
  assert stream.under_way(0) == (2, 4)
  assert stream.under_way(1) == (1, 3)
  assert empty().under_way(0) == (0, 0)


def test_transitions_are_in_the_order_of_the_rounds():
  transitions = fill(empty(), 5).transitions(1, 3)
  np.testing.assert_array_equal(transitions.rewards, [1, 11, 2, 12])
  np.testing.assert_array_equal(transitions.not_dones, [0, 1, 1, 1])
  np.testing.assert_array_equal(transitions.next_observations[:, 0], [1.5, 11.5, 2.5, 12.5])


def test_parts_add_up_and_what_was_not_counted_is_removed(tmp_path):
  stream = fill(empty(), 2)
  stream.save(tmp_path)
  fill(stream, 3).save(tmp_path)
  fill(stream, 5).save(tmp_path)
  loaded = empty()
  loaded.load(tmp_path, 3)
  assert loaded.size == 3
  assert len(list(tmp_path.glob("*.npz"))) == 2
  fill(loaded, 5).save(tmp_path)
  again = empty()
  again.load(tmp_path, 5)
  np.testing.assert_array_equal(again.rewards, stream.rewards)
  np.testing.assert_array_equal(again.truncations, stream.truncations)


def test_a_part_that_cannot_be_saved_harms_none(tmp_path):
  stream = fill(empty(), 2)
  stream.save(tmp_path)
  (tmp_path / "000000003.partial").mkdir()
  with pytest.raises(StorageError, match="could not be saved"):
    fill(stream, 3).save(tmp_path)
  loaded = empty()
  loaded.load(tmp_path, 2)
  assert loaded.size == 2


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "flipped", "shifted", "broadcast"])
def test_a_damaged_part_is_one_line_and_nothing_is_removed(tmp_path, damage):
  stream = empty()
  for rounds in (2, 3, 5):
    fill(stream, rounds).save(tmp_path)
  first, second, last = sorted(tmp_path.iterdir())
  content = second.read_bytes()
  if damage == "gone":
    second.unlink()
  elif damage == "shifted":
    first.unlink()
  elif damage == "broadcast":
    # One row fits into two, if NumPy may repeat it.
    second.rename(first)
  else:
    place = content.index(b"rewards.npy") + 130
    changed = {
      "cut": content[:-40],
      "empty": b"",
      "flipped": content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
    }
    second.write_bytes(changed[damage])
  before = {path: path.read_bytes() for path in tmp_path.iterdir()}
  with pytest.raises(UserError, match="start again in another --run_dir") as error:
    empty().load(tmp_path, 3)
  assert "\n" not in str(error.value)
  assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
  assert last in before


def test_files_of_others_are_left_alone(tmp_path):
  fill(empty(), 2).save(tmp_path)
  (tmp_path / "notes.npz").write_bytes(b"mine")
  loaded = empty()
  loaded.load(tmp_path, 2)
  assert loaded.size == 2
  assert (tmp_path / "notes.npz").exists()
