import pickle

import numpy as np
import pytest

from dmg_jax.data import arrays
from dmg_jax.data.episodes import Episode, flatten
from dmg_jax.errors import UserError


def columns(**changed):
  given = {
    "observations": np.array([[0.0], [1.0], [2.0], [5.0]]),
    "actions": np.array([[0.5, -2.0], [0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]),
    "rewards": np.array([1.0, 2.0, 4.0, 8.0]),
    "next_observations": np.array([[1.0], [2.0], [3.0], [6.0]]),
    "terminals": np.array([False, True, False, False]),
  }
  return given | changed


def save(folder, **given):
  np.savez(folder / "mine.npz", **given)
  return folder / "mine.npz"


def without(given, key):
  return {other: values for other, values in given.items() if other != key}


def test_required_keys_alone(tmp_path):
  dataset = arrays.read(save(tmp_path, **columns()))
  for field in ("observations", "actions", "rewards", "next_observations"):
    expected = np.float32(columns()[field])
    np.testing.assert_array_equal(getattr(dataset.transitions, field), expected, strict=True)
  expected = np.array([1, 0, 1, 1], np.float32)
  np.testing.assert_array_equal(dataset.transitions.not_dones, expected, strict=True)
  assert (dataset.name, dataset.kind, dataset.env_id) == ("mine", "npz", None)
  assert dataset.action_low is None
  assert dataset.action_high is None
  assert dataset.reference is None
  # Without `timeouts`, nobody knows whether rows 2 and 3 are one episode.
  assert len(dataset.episode_returns) == 0
  assert dataset.notices == (
    "no `timeouts` in the file, so that it is unknown where episodes end",
    "no complete episode: the data's own return is unknown",
  )


def test_optional_keys(tmp_path):
  given = columns(
    timeouts=np.array([0, 0, 1, 0]),
    env_id="Walker2d-v4",
    action_low=np.array([-1.0, -2.0]),
    action_high=np.array([1.0, 2.0]),
  )
  dataset = arrays.read(save(tmp_path, **given))
  np.testing.assert_array_equal(dataset.episode_returns, [3, 4])
  # A time limit ends no bootstrap.
  np.testing.assert_array_equal(dataset.transitions.not_dones, [1, 0, 1, 1])
  assert dataset.env_id == "Walker2d-v4"
  assert dataset.reference == (1.629008, 4592.3)
  np.testing.assert_array_equal(dataset.action_low, np.array([-1, -2], np.float32), strict=True)
  np.testing.assert_array_equal(dataset.action_high, np.array([1, 2], np.float32), strict=True)
  assert dataset.notices == ()


def test_unknown_keys_are_noticed(tmp_path):
  dataset = arrays.read(save(tmp_path, **columns(timeout=np.zeros(4), timeouts=np.ones(4))))
  assert dataset.notices == ("unknown keys ignored: timeout",)


@pytest.mark.parametrize("key", columns())
def test_missing_keys_are_named(tmp_path, key):
  refused_and_untouched(save(tmp_path, **without(columns(), key)), rf"mine\.npz: {key} missing")


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"rewards": np.ones(3)}, "fields differ in length .*rewards 3"),
    ({"timeouts": np.ones(3)}, "fields differ in length .*timeouts 3"),
    ({"terminals": np.array([0, np.nan, 0, 0])}, "terminals hold 1 NaN or infinite.* row 1"),
    ({"next_observations": np.ones((4, 2))}, "observations have 1 dimensions, next_obs.* 2"),
    ({"env_id": 3}, "env_id is no text"),
    ({"env_kwargs": "[]"}, "environment's arguments are '\\[\\]', not a JSON object"),
    ({"rewards": np.full(4, 1j)}, "rewards are complex numbers"),
    ({"action_low": np.full(2, -1j), "action_high": np.ones(2)}, "action_high must both be given"),
    ({"action_low": np.array([-1.0, -1.0])}, "action_low and action_high must both be given"),
    ({"action_low": -1.0, "action_high": 1.0}, r"action_high must .* of shape \(2,\)"),
    ({"action_low": np.ones(2), "action_high": np.ones(2)}, "low < high"),
  ],
)
def test_bad_fields_are_named(tmp_path, changed, message):
  refused_and_untouched(save(tmp_path, **columns(**changed)), message)


def test_pickled_arrays_are_never_loaded(tmp_path):
  class Bomb:
    def __reduce__(self):
      return (pytest.fail, ("a pickle was loaded",))

  path = save(tmp_path, **columns(rewards=np.array([Bomb()] * 4, dtype=object)))
  refused_and_untouched(path, "rewards cannot be read .*[Oo]bject arrays")


def test_a_bare_pickle_is_no_npz(tmp_path):
  path = tmp_path / "mine.npz"
  path.write_bytes(pickle.dumps(columns()))
  refused_and_untouched(path, r"mine\.npz: is damaged or no \.npz file")


def test_a_bare_array_is_no_npz(tmp_path):
  path = tmp_path / "mine.npz"
  with path.open("wb") as file:
    np.save(file, np.ones(3))
  refused_and_untouched(path, r"mine\.npz: is damaged or no \.npz file")


@pytest.mark.parametrize("keep", [0, 100, 900])
def test_a_truncated_file_is_refused(tmp_path, keep):
  path = save(tmp_path, **columns())
  path.write_bytes(path.read_bytes()[:keep])
  refused_and_untouched(path, r"mine\.npz: is damaged or no \.npz file")


def test_flipped_bytes_are_refused(tmp_path):
  path = save(tmp_path, **columns())
  contents = path.read_bytes()
  start = contents.index(np.float64(5.0).tobytes())
  path.write_bytes(contents[:start] + b"\xff" + contents[start + 1 :])
  refused_and_untouched(path, "observations cannot be read .*CRC")


def test_an_unknown_compression_is_refused(tmp_path):
  path = save(tmp_path, **columns())
  contents = path.read_bytes()
  entry = contents.index(b"PK\x01\x02")
  path.write_bytes(contents[: entry + 10] + b"\x63" + contents[entry + 11 :])
  refused_and_untouched(path, "observations cannot be read .*compression method")


def test_a_missing_file_is_refused(tmp_path):
  with pytest.raises(UserError, match=r"none\.npz: no such file"):
    arrays.read(tmp_path / "none.npz")


def refused_and_untouched(path, message):
  before = path.read_bytes()
  with pytest.raises(UserError, match=message) as caught:
    arrays.read(path)
  assert "\n" not in str(caught.value)
  assert path.read_bytes() == before
  assert list(path.parent.iterdir()) == [path]


def test_episodes_come_back_with_what_is_known_of_them(tmp_path):
  ends = [(3, True), (2, False), (1, True)]
  episodes = [
    Episode(
      observations=np.arange(start, start + steps + 1, dtype=np.float32)[:, None],
      actions=np.full((steps, 2), start / 10, np.float32),
      rewards=np.arange(steps, dtype=np.float32),
      terminations=(np.arange(steps) == steps - 1) & terminated,
      truncations=(np.arange(steps) == steps - 1) & (not terminated),
    )
    for start, (steps, terminated) in enumerate(ends)
  ]
  path = tmp_path / "mine.npz"
  bounds = (np.float32([-1, -2]), np.float32([1, 2]))
  arrays.write(path, episodes, "Ant-v4", {"use_contact_forces": True}, bounds)
  dataset = arrays.read(path)
  for field, values in vars(flatten(episodes)).items():
    np.testing.assert_array_equal(getattr(dataset.transitions, field), values, strict=True)
  np.testing.assert_array_equal(dataset.episode_returns, [0 + 1 + 2, 0 + 1, 0])
  assert (dataset.env_id, dataset.env_kwargs) == ("Ant-v4", {"use_contact_forces": True})
  np.testing.assert_array_equal((dataset.action_low, dataset.action_high), bounds)
  with pytest.raises(UserError, match="exists already"):
    arrays.write(path, episodes)
  arrays.write(tmp_path / "other.npz", episodes)
  assert (arrays.read(tmp_path / "other.npz").env_id, dataset.notices) == (None, ())
