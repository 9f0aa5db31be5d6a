import json
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import minari
import numpy as np
import pytest
from snapshots import snapshot

from dmg_jax.data import minari_download, minari_files, minari_staging
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError

BOX = gymnasium.spaces.Box


def stub(env_id="Hopper-v4", observation_space=None, action_space=None):
  """What `write` reads of an environment."""
  return SimpleNamespace(
    spec=gymnasium.spec(env_id) if env_id else None,
    observation_space=observation_space or BOX(-np.inf, np.inf, (1,), np.float64),
    action_space=action_space or BOX(-2, 2, (1,), np.float32),
  )


def episode(observations, rewards, terminated=False, truncated=False):
  steps = len(rewards)
  last = np.arange(steps) == steps - 1
  return Episode(
    observations=np.array(observations, np.float32)[:, None],
    actions=np.full((steps, 1), rewards[0] / 10, np.float32),
    rewards=np.array(rewards, np.float64),
    terminations=last & terminated,
    truncations=last & truncated,
  )


# Ended, cut by a time limit, and left open.
EPISODES = [
  episode([0, 1, 2], [1, 2], terminated=True),
  episode([10, 11, 12], [3, 4], truncated=True),
  episode([20, 21], [5]),
]


def write(root, episodes=EPISODES, env=None, name="test/hopper/tiny-v0", **metadata):
  return minari_files.write(root, name, episodes, env or stub(), algorithm_name="-", **metadata)


def test_episodes_come_back_whole_and_in_order(tmp_path):
  # More than ten, whose folders do not sort by number.
  episodes = [episode([i, i + 0.5], [i + 1], terminated=True) for i in range(12)]
  stored = minari_files.open_path(write(tmp_path, episodes))
  found = list(minari_files.read(stored))
  assert len(found) == 12
  size = stored.storage.metadata["dataset_size"]
  assert size == pytest.approx(stored.storage.get_size())
  assert size > 0
  for expected, actual in zip(episodes, found, strict=True):
    for field, values in expected._asdict().items():
      np.testing.assert_array_equal(getattr(actual, field), values)


def test_a_deprecated_attribute_of_a_gymnasium_robot_is_not_told(tmp_path, capfd, monkeypatch):
  """Minari makes the simulator anew; MuJoCo 4 warns on the terminal and in a file."""
  monkeypatch.chdir(tmp_path)
  write(tmp_path / "root", env=stub("HalfCheetah-v4"), ref_min_score=0.0, ref_max_score=1.0)
  out, err = capfd.readouterr()
  assert "settotalmass" not in out + err
  assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_flattening_drops_nothing_and_crosses_no_episode(tmp_path):
  dataset = minari_files.load(write(tmp_path))
  expected = {
    "observations": [[0], [1], [10], [11], [20]],
    "actions": [[0.1], [0.1], [0.3], [0.3], [0.5]],
    "rewards": [1, 2, 3, 4, 5],
    "next_observations": [[1], [2], [11], [12], [21]],
    "not_dones": [1, 0, 1, 1, 1],
  }
  for field, values in expected.items():
    np.testing.assert_array_equal(
      getattr(dataset.transitions, field), np.array(values, np.float32), strict=True
    )
  np.testing.assert_array_equal(dataset.episode_returns, [3, 7])
  assert (dataset.name, dataset.kind, dataset.env_id) == (
    "test/hopper/tiny-v0",
    "minari",
    "Hopper-v4",
  )
  np.testing.assert_array_equal(dataset.action_low, [-2])
  np.testing.assert_array_equal(dataset.action_high, [2])
  assert dataset.notices == ()


def test_an_open_episode_has_no_return(tmp_path):
  dataset = minari_files.load(write(tmp_path, EPISODES[2:]))
  assert dataset.episode_returns.shape == (0,)
  assert dataset.notices == ("no complete episode: the data's own return is unknown",)


@pytest.mark.parametrize(
  ("env_id", "metadata", "reference"),
  [
    ("Hopper-v4", {"ref_min_score": 1.0, "ref_max_score": 2.0}, (-20.272305, 3234.3)),
    ("Pendulum-v1", {"ref_min_score": 1.0, "ref_max_score": 2.0}, (1.0, 2.0)),
    ("Pendulum-v1", {}, None),
  ],
)
def test_reference_is_d4rls_else_the_data_sets_own(tmp_path, env_id, metadata, reference):
  dataset = minari_files.load(write(tmp_path, env=stub(env_id), **metadata))
  assert dataset.env_id == env_id
  assert dataset.reference == reference


def test_data_without_an_environment(tmp_path):
  dataset = minari_files.load(write(tmp_path, env=stub(None)))
  assert dataset.env_id is None
  assert dataset.reference is None


def stored_by_minari(monkeypatch, root, observation_space, action_space, buffer, form="hdf5"):
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
  minari.create_dataset_from_buffers(
    "test/other-v0",
    buffer=[minari.data_collector.EpisodeBuffer(**buffer)],
    observation_space=observation_space,
    action_space=action_space,
    algorithm_name="-",
    author="-",
    author_email="-",
    code_permalink="-",
    data_format=form,
  )
  return root / "test/other-v0"


def buffer(observations, actions):
  return {
    "observations": observations,
    "actions": actions,
    "rewards": [1.0, 2.0],
    "terminations": [False, True],
    "truncations": [False, False],
  }


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_minaris_default_format_is_read(monkeypatch, tmp_path):
  box = BOX(-1, 1, (2,), np.float64)
  given = buffer(np.arange(6.0).reshape(3, 2) / 10, np.zeros((2, 2)))
  dataset = minari_files.load(stored_by_minari(monkeypatch, tmp_path, box, box, given))
  np.testing.assert_array_equal(
    dataset.transitions.next_observations, np.array([[0.2, 0.3], [0.4, 0.5]], np.float32)
  )
  np.testing.assert_array_equal(dataset.episode_returns, [3])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
  ("observation_space", "action_space", "given", "message"),
  [
    (
      gymnasium.spaces.Dict({"goal": gymnasium.spaces.Discrete(3)}),
      BOX(-1, 1, (1,)),
      buffer({"goal": np.zeros(3, np.int64)}, np.zeros((2, 1), np.float32)),
      r"observations are Dict\(.*not a flat Box",
    ),
    (
      BOX(-1, 1, (2, 2)),
      BOX(-1, 1, (1,)),
      buffer(np.zeros((3, 2, 2), np.float32), np.zeros((2, 1), np.float32)),
      r"observations are Box\(.*not a flat Box",
    ),
    (
      BOX(-1, 1, (1,)),
      gymnasium.spaces.Discrete(3),
      buffer(np.zeros((3, 1), np.float32), np.zeros(2, np.int64)),
      r"actions are Discrete\(3\), not a flat Box",
    ),
  ],
)
def test_other_spaces_are_refused(
  monkeypatch, tmp_path, observation_space, action_space, given, message
):
  folder = stored_by_minari(monkeypatch, tmp_path, observation_space, action_space, given)
  refused(folder, message)


def test_nan_is_named(tmp_path):
  broken = EPISODES[0]._replace(rewards=np.array([1, np.nan]))
  refused(write(tmp_path, [broken]), "test/hopper/tiny-v0: rewards hold 1 NaN .* row 1")


def test_a_folder_without_data_is_refused(tmp_path):
  refused(tmp_path, "is no whole Minari data set")


def test_a_missing_episode_is_refused(tmp_path):
  folder = write(tmp_path)
  (folder / "data" / "1" / "part-0.arrow").unlink()
  refused(folder, "tiny-v0")


def test_a_truncated_episode_is_refused(tmp_path):
  folder = write(tmp_path)
  file = folder / "data" / "1" / "part-0.arrow"
  file.write_bytes(file.read_bytes()[:-100])
  refused(folder, "is no whole Minari data set")


def test_metadata_that_promise_more_steps_are_refused(tmp_path):
  folder = write(tmp_path)
  file = folder / "data" / "metadata.json"
  file.write_text(json.dumps(json.loads(file.read_text()) | {"total_steps": 6}))
  refused(folder, "5 of 6 steps found")


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_broken_metadata_are_refused(tmp_path, text):
  folder = write(tmp_path)
  (folder / "data" / "metadata.json").write_text(text)
  refused(folder, "is no whole Minari data set")


def test_root_follows_minaris_variable_and_makes_no_folder(monkeypatch, tmp_path):
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
  assert minari_files.root() == tmp_path / "sets"
  assert not (tmp_path / "sets").exists()
  monkeypatch.delenv("MINARI_DATASETS_PATH")
  assert minari_files.root() == Path("~/.minari/datasets").expanduser()


def test_local_ids(tmp_path):
  write(tmp_path)
  write(tmp_path, name="tiny-v1")
  assert minari_files.local_ids(tmp_path) == ["test/hopper/tiny-v0", "tiny-v1"]
  assert minari_files.local_ids(tmp_path / "none") == []


def test_seeds_and_options_come_back(tmp_path):
  options = {"start": [0.1, -2.0]}
  written = [EPISODES[0]._replace(seed=7, options=options), EPISODES[1]]
  found = list(minari_files.read(minari_files.open_path(write(tmp_path, written))))
  assert [(one.seed, one.options) for one in found] == [(7, options), (None, None)]


def test_a_staged_data_set_appears_whole(tmp_path):
  with minari_staging.staged(tmp_path, "test/hopper/tiny-v0") as stage:
    write(stage)
    assert minari_files.local_ids(tmp_path) == []
    assert not (tmp_path / "test").exists()
  assert minari_files.local_ids(tmp_path) == ["test/hopper/tiny-v0"]
  assert [path.name for path in tmp_path.iterdir()] == ["test"]
  assert (tmp_path / "test/hopper/namespace_metadata.json").exists()
  assert len(minari_files.load(tmp_path / "test/hopper/tiny-v0").episode_returns) == 2


def test_an_interrupted_one_leaves_nothing_and_what_a_kill_left_goes(tmp_path):
  def write_and_stop():
    with minari_staging.staged(tmp_path, "test/hopper/tiny-v0") as stage:
      write(stage)
      left.append(stage)
      raise KeyboardInterrupt

  left = []
  with pytest.raises(KeyboardInterrupt):
    write_and_stop()
  assert not list(tmp_path.iterdir())
  write(left[0])
  with minari_staging.staged(tmp_path, "test/hopper/tiny-v0") as stage:
    assert not stage.exists()
    write(stage, EPISODES[:1])
  assert len(minari_files.load(tmp_path / "test/hopper/tiny-v0").transitions.rewards) == 2


def test_a_failed_download_is_one_line(monkeypatch, tmp_path):
  def fail(dataset_id):
    raise ConnectionError("no route\nto host")

  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
  monkeypatch.setattr(minari, "download_dataset", fail)
  monkeypatch.setattr(minari_download, "_reach", lambda: None)
  with pytest.raises(UserError) as caught:
    minari_download.download("mujoco/hopper/medium-v0")
  assert not list(tmp_path.iterdir())
  assert str(caught.value) == (
    f"Minari data set 'mujoco/hopper/medium-v0' is not in {tmp_path} and cannot be downloaded "
    "(no route to host); fetch it with `minari download mujoco/hopper/medium-v0` and place it there"
  )


def refused(folder, message):
  before = snapshot(folder)
  with pytest.raises(UserError, match=message) as caught:
    minari_files.load(folder)
  assert "\n" not in str(caught.value)
  assert snapshot(folder) == before


GOAL_SPACE = gymnasium.spaces.Dict(
  {
    "observation": BOX(-9, 9, (2,), np.float32),
    "achieved_goal": BOX(-9, 9, (1,), np.float32),
    "desired_goal": BOX(-9, 9, (1, 1), np.float32),
  }
)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", ["hdf5", "arrow"])
def test_observations_in_named_parts_are_joined_in_sorted_order(monkeypatch, tmp_path, form):
  observations = {
    "observation": np.float32([[1, 2], [3, 4], [5, 6]]),
    "achieved_goal": np.float32([[0.1], [0.3], [0.5]]),
    "desired_goal": np.float32([[[7]], [[8]], [[9]]]),
  }
  given = buffer(observations, np.zeros((2, 1), np.float32))
  folder = stored_by_minari(monkeypatch, tmp_path, GOAL_SPACE, BOX(-1, 1, (1,)), given, form)
  dataset = minari_files.load(folder)
  expected = np.float32([[0.1, 7, 1, 2], [0.3, 8, 3, 4], [0.5, 9, 5, 6]])
  np.testing.assert_array_equal(dataset.transitions.observations, expected[:2], strict=True)
  np.testing.assert_array_equal(dataset.transitions.next_observations, expected[1:], strict=True)
  assert dataset.notices == (
    "observations are joined in this order: achieved_goal (1), desired_goal (1), observation (2)",
  )


def test_arguments_of_the_environment_are_kept(tmp_path):
  env = make("Ant-v4", {"use_contact_forces": True})
  steps = Episode(
    observations=np.zeros((3, 111), np.float32),
    actions=np.zeros((2, 8), np.float32),
    rewards=np.zeros(2),
    terminations=np.zeros(2, bool),
    truncations=np.array([False, True]),
  )
  dataset = minari_files.load(write(tmp_path, [steps], env))
  assert (dataset.env_id, dataset.env_kwargs) == ("Ant-v4", {"use_contact_forces": True})
  own = minari_files.load(write(tmp_path, env=stub("dmg_jax/AntMaze-UMaze-v0"), name="own-v0"))
  assert own.env_kwargs == {}  # the maze is the registered one


def test_two_processes_do_not_write_one_data_set(tmp_path):
  with minari_staging.staged(tmp_path, "test/hopper/tiny-v0") as stage:
    write(stage)
    with (
      pytest.raises(UserError, match="is being written by another process"),
      minari_staging.staged(tmp_path, "test/hopper/tiny-v0"),
    ):
      pass
  assert len(minari_files.load(tmp_path / "test/hopper/tiny-v0").episode_returns) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_damaged_provenance_is_named(tmp_path, text):
  (tmp_path / "provenance.json").write_text(text)
  with pytest.raises(UserError, match=r"provenance\.json is damaged"):
    minari_files.provenance(tmp_path)
