import hashlib

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.data import catalog, d4rl
from dmg_jax.errors import UserError


def write(path, **columns):
  with h5py.File(path, "w") as file:
    for key, values in columns.items():
      file[key] = values
  return path


def rows(count, **changed):
  """Row i observes (i, 10 i), acts i / 100 and earns 2^(i mod 100)."""
  index = np.arange(count)
  columns = {
    "observations": np.stack([index, 10 * index], axis=1).astype(np.float32),
    "actions": (index / 100).astype(np.float32)[:, None],
    "rewards": (2.0 ** (index % 100)).astype(np.float32),
    "terminals": np.zeros(count, bool),
    "timeouts": np.zeros(count, bool),
  }
  return columns | changed


def flags(count, *true):
  return np.isin(np.arange(count), true)


def first_observations(dataset):
  return dataset.transitions.observations[:, 0].tolist()


def test_rows_by_hand(tmp_path):
  # Terminal at 2, timeout at 4, both at 6, timeout in the last row but one, last row 9.
  columns = rows(10, terminals=flags(10, 2, 6), timeouts=flags(10, 4, 6, 8))
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **columns), "mine", None)
  found = dataset.transitions
  kept = np.array([0, 1, 2, 3, 5, 7])
  expected = {
    "observations": np.stack([kept, 10 * kept], axis=1),
    "actions": np.array([[0], [0.01], [0.02], [0.03], [0.05], [0.07]]),
    "rewards": np.array([1, 2, 4, 8, 32, 128]),
    "next_observations": np.array([[1, 10], [2, 20], [3, 30], [4, 40], [6, 60], [8, 80]]),
    "not_dones": np.array([1, 1, 0, 1, 1, 1]),
  }
  for field, values in expected.items():
    np.testing.assert_array_equal(getattr(found, field), values.astype(np.float32), strict=True)
  # Every reward counts for its episode, also in rows that do not train.
  np.testing.assert_array_equal(dataset.episode_returns, [1 + 2 + 4, 8 + 16, 32 + 64, 128 + 256])
  assert (dataset.name, dataset.kind, dataset.env_id) == ("mine", "hdf5", None)
  assert dataset.reference is None
  assert dataset.notices == ()


def test_last_row_ends_an_episode_but_never_trains(tmp_path):
  path = write(tmp_path / "a.hdf5", **rows(3, terminals=flags(3, 2)))
  dataset = d4rl.read(path, "mine", None)
  assert first_observations(dataset) == [0, 1]
  np.testing.assert_array_equal(dataset.transitions.not_dones, [1, 1])
  np.testing.assert_array_equal(dataset.episode_returns, [7])


def test_without_timeouts_rows_are_counted_with_d4rls_drift(tmp_path):
  # Limit 3; the counter goes to 0 after a dropped row, to 1 after a kept terminal.
  # row       0 1 2 3 4 5 6 7 8 9
  # terminal          t       t
  # counter   0 1 2 0 1 1 2 0 1
  # dropped       x       x     x
  columns = rows(10, terminals=flags(10, 4, 8))
  del columns["timeouts"]
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **columns), "mine", 3)
  assert first_observations(dataset) == [0, 1, 3, 4, 5, 7, 8]
  np.testing.assert_array_equal(dataset.transitions.not_dones, [1, 1, 1, 0, 1, 1, 0])
  assert dataset.notices == ("no `timeouts` in the file: rows counted to 3 as D4RL does",)


def test_a_terminal_at_the_step_limit_is_dropped(tmp_path):
  columns = rows(6, terminals=flags(6, 2))
  del columns["timeouts"]
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **columns), "mine", 3)
  assert first_observations(dataset) == [0, 1, 3, 4]
  np.testing.assert_array_equal(dataset.transitions.not_dones, 1)


def test_without_timeouts_and_limit_it_refuses(tmp_path):
  columns = rows(6)
  del columns["timeouts"]
  path = write(tmp_path / "a.hdf5", **columns)
  with pytest.raises(UserError, match=r"a\.hdf5: there are no `timeouts` and the step limit is"):
    d4rl.read(path, "mine", None)


def kept_by_the_rules(terminals, timeouts, limit):
  """The rules, row by row."""
  kept = []
  counter = 0
  for row in range(len(terminals) - 1):
    last = timeouts[row] if timeouts is not None else counter == limit - 1
    if last:
      counter = 0
      continue
    if terminals[row]:
      counter = 0
    kept.append(row)
    counter += 1
  return kept


@given(
  ends=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30),
  has_timeouts=st.booleans(),
  limit=st.integers(1, 6),
)
def test_reader_agrees_with_the_row_loop(tmp_path_factory, ends, has_timeouts, limit):
  terminals, timeouts = (np.array(column) for column in zip(*ends, strict=True))
  kept = kept_by_the_rules(terminals, timeouts if has_timeouts else None, limit)
  columns = rows(len(ends), terminals=terminals)
  columns.pop("timeouts")
  if has_timeouts:
    columns["timeouts"] = timeouts
  path = write(tmp_path_factory.mktemp("law") / "a.hdf5", **columns)
  if not kept:
    with pytest.raises(UserError, match="there are no transitions"):
      d4rl.read(path, "mine", limit)
    return
  found = d4rl.read(path, "mine", limit).transitions
  following = np.array(kept) + 1
  np.testing.assert_array_equal(found.observations, columns["observations"][kept])
  np.testing.assert_array_equal(found.next_observations, columns["observations"][following])
  np.testing.assert_array_equal(found.actions, columns["actions"][kept])
  np.testing.assert_array_equal(found.rewards, columns["rewards"][kept])
  np.testing.assert_array_equal(found.not_dones, 1.0 - terminals[kept])


def test_columns_of_width_one_and_doubles_are_read(tmp_path):
  columns = rows(4)
  columns["rewards"] = columns["rewards"].astype(np.float64)[:, None]
  columns["terminals"] = flags(4, 1)[:, None]
  found = d4rl.read(write(tmp_path / "a.hdf5", **columns), "mine", None).transitions
  np.testing.assert_array_equal(found.rewards, np.array([1, 2, 4], np.float32), strict=True)
  np.testing.assert_array_equal(found.not_dones, np.array([1, 0, 1], np.float32), strict=True)


def test_a_name_of_the_catalog_brings_env_and_reference(tmp_path):
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **rows(4)), "walker2d-expert-v2", None)
  assert dataset.env_id == "Walker2d-v4"
  assert dataset.reference == (1.629008, 4592.3)


def test_only_the_published_bytes_are_d4rls(tmp_path, monkeypatch):
  name = "walker2d-expert-v2"
  path = write(tmp_path / "a.hdf5", **rows(4))
  digest = hashlib.sha256(path.read_bytes()).hexdigest()

  def kind(size, sha256):
    file = catalog.d4rl_files()[name]._replace(size=size, sha256=sha256)
    monkeypatch.setattr(catalog, "d4rl_files", lambda: {name: file})
    return d4rl.read(path, name, None).kind

  size = path.stat().st_size
  assert kind(size, digest) == "d4rl"
  assert kind(size + 1, digest) == "hdf5"
  assert kind(size, "0" * 64) == "hdf5"
  assert kind(size, None) == "d4rl"
  assert kind(None, None) == "d4rl"


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"rewards": np.ones(3)}, "fields differ in length .*rewards 3"),
    ({"timeouts": np.zeros(5, bool)}, "fields differ in length .*timeouts 5"),
    ({"rewards": np.array([1, np.nan, 1, 1])}, "rewards hold 1 NaN or infinite.* row 1"),
    ({"observations": np.full((4, 2), np.inf)}, "observations hold 8 NaN or infinite.* row 0"),
    ({"actions": np.ones(4)}, r"actions have shape \(4,\)"),
    ({"rewards": [b"a", b"b", b"c", b"d"]}, "rewards are not numeric"),
  ],
)
def test_bad_fields_are_named(tmp_path, changed, message):
  path = write(tmp_path / "a.hdf5", **rows(4, **changed))
  refused_and_untouched(path, rf"a\.hdf5: {message}")


def test_missing_fields_are_named(tmp_path):
  columns = rows(4)
  del columns["actions"], columns["terminals"]
  path = write(tmp_path / "a.hdf5", **columns)
  refused_and_untouched(path, r"a\.hdf5: actions, terminals missing")


def test_a_group_is_no_field(tmp_path):
  columns = rows(4)
  columns["rewards/nested"] = columns.pop("rewards")
  refused_and_untouched(write(tmp_path / "a.hdf5", **columns), "rewards missing")


@pytest.mark.parametrize("size", [1, 0])
def test_too_few_rows_are_refused(tmp_path, size):
  path = write(tmp_path / "a.hdf5", **rows(size))
  refused_and_untouched(path, "there are no transitions")


def test_a_truncated_file_is_refused(tmp_path):
  path = write(tmp_path / "a.hdf5", **rows(1000))
  path.write_bytes(path.read_bytes()[:-5000])
  refused_and_untouched(path, r"a\.hdf5: cannot be read as HDF5 \(.*truncated")


def test_another_format_is_refused(tmp_path):
  path = tmp_path / "a.hdf5"
  path.write_text("<html>404</html>")
  refused_and_untouched(path, r"a\.hdf5: cannot be read as HDF5")


def test_a_missing_file_is_refused(tmp_path):
  with pytest.raises(UserError, match=r"none\.hdf5: no such file"):
    d4rl.read(tmp_path / "none.hdf5", "mine", None)
  assert not list(tmp_path.iterdir())


def refused_and_untouched(path, message):
  before = path.read_bytes()
  with pytest.raises(UserError, match=message) as caught:
    d4rl.read(path, "mine", None)
  assert "\n" not in str(caught.value)
  assert path.read_bytes() == before
  assert list(path.parent.iterdir()) == [path]


def cut_without_a_mark():
  """Rows 0 to 4 and 5 to 9 are two episodes, of which only the second is marked as cut."""
  columns = rows(10, terminals=flags(10, 1), timeouts=flags(10, 8))
  columns["next_observations"] = columns["observations"] + np.float32([1, 10])
  columns["next_observations"][[1, 4]] = [[77, 7], [44.5, 4]]
  return columns


def test_other_files_keep_their_own_next_observations(tmp_path):
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **cut_without_a_mark()), "mine", None)
  # The rows are D4RL's: all but the timeout and the last.
  assert first_observations(dataset) == [0, 1, 2, 3, 4, 5, 6, 7]
  found = dataset.transitions.next_observations
  np.testing.assert_array_equal(found[:, 0], [1, 77, 3, 4, 44.5, 6, 7, 8])
  # Row 1 is terminal: what follows it counts nowhere.
  assert dataset.notices == (
    "next_observations differ from the following row in 1 of 7 non-terminal rows, "
    "the first row 4: the file's are taken",
  )


def test_d4rls_own_files_keep_the_following_row(tmp_path, monkeypatch):
  name = "walker2d-expert-v2"
  path = write(tmp_path / "a.hdf5", **cut_without_a_mark())
  digest = hashlib.sha256(path.read_bytes()).hexdigest()
  file = catalog.d4rl_files()[name]._replace(size=path.stat().st_size, sha256=digest)
  monkeypatch.setitem(catalog.d4rl_files(), name, file)
  dataset = d4rl.read(path, name, None)
  assert dataset.kind == "d4rl"
  np.testing.assert_array_equal(dataset.transitions.next_observations[:, 0], np.arange(1, 9))
  assert dataset.notices[0].endswith("the first row 4: the following row's are taken, as D4RL does")


def test_rounding_is_no_difference_and_rows_that_do_not_train_may_be_anything(tmp_path):
  columns = rows(6, timeouts=flags(6, 2))
  columns["next_observations"] = columns["observations"] + np.float32([1, 10]) * (1 + 1e-6)
  columns["next_observations"][[2, 5]] = np.nan
  dataset = d4rl.read(write(tmp_path / "a.hdf5", **columns), "mine", None)
  assert dataset.notices == ()
  np.testing.assert_allclose(dataset.transitions.next_observations[:, 0], [1, 2, 4, 5], rtol=1e-5)


def test_nan_in_a_next_observation_that_trains_is_refused(tmp_path):
  columns = rows(6)
  columns["next_observations"] = np.full((6, 2), np.nan)
  refused_and_untouched(write(tmp_path / "a.hdf5", **columns), "next_observations hold 10 NaN")


def test_a_file_may_name_its_environment(tmp_path):
  path = write(tmp_path / "a.hdf5", **rows(4))
  with h5py.File(path, "r+") as file:
    file.create_group("metadata").attrs.update(env_id="Hopper-v4", env_kwargs='{"a": [1]}')
  dataset = d4rl.read(path, "mine", None)
  assert (dataset.env_id, dataset.env_kwargs) == ("Hopper-v4", {"a": [1]})
  assert dataset.reference == (-20.272305, 3234.3)
  # What a file states of itself goes before what its name suggests.
  dataset = d4rl.read(path, "walker2d-expert-v2", None)
  assert (dataset.env_id, dataset.reference) == ("Hopper-v4", (-20.272305, 3234.3))
  with h5py.File(path, "r+") as file:
    file["metadata"].attrs["env_id"] = 3
  refused_and_untouched(path, r"a\.hdf5: env_id is no text")


@pytest.mark.parametrize(("size", "kind"), [(111, "d4rl"), (27, "hdf5")])
def test_ant_data_of_another_size_are_not_d4rls(tmp_path, size, kind):
  path = write(tmp_path / "a.hdf5", **rows(4, observations=np.zeros((4, size))))
  dataset = d4rl.read(path, "ant-medium-v2", None)
  assert dataset.kind == kind
  assert (dataset.env_id, dataset.env_kwargs["use_contact_forces"]) == ("Ant-v4", True)
  assert dataset.reference == (-325.6, 3879.7)
