import hashlib
import logging
import re
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import h5py
import minari
import numpy as np
import pytest

from dmg_jax.collect import maze_data, tiers
from dmg_jax.data import catalog, minari_download, minari_files
from dmg_jax.data import load as load_module
from dmg_jax.data.episodes import Episode
from dmg_jax.data.load import load
from dmg_jax.errors import UserError

EMBEDDED, MEDIUM = "dmg/hopper/medium-replay-v0", "hopper-medium-v2"


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
  """No test looks into the user's folders, and none asks a server."""
  monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path / "d4rl"))
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
  monkeypatch.setattr(load_module, "embedded", lambda: tmp_path / "embedded")

  def offline(*arguments, **keywords):
    raise OSError("no network")

  monkeypatch.setattr(minari_download, "_reach", lambda: None)
  monkeypatch.setattr(minari, "download_dataset", offline)
  monkeypatch.setattr("urllib.request.urlopen", offline)


def write_hdf5(path, rows=4, timeouts=True):
  path.parent.mkdir(parents=True, exist_ok=True)
  with h5py.File(path, "w") as file:
    file["observations"] = np.arange(rows, dtype=np.float32)[:, None]
    file["actions"] = np.zeros((rows, 1), np.float32)
    file["rewards"] = np.ones(rows, np.float32)
    file["terminals"] = np.zeros(rows, bool)
    if timeouts:
      file["timeouts"] = np.arange(rows) == 1
  return path


def write_minari(root, name):
  env = SimpleNamespace(
    spec=gymnasium.spec("Hopper-v4"),
    observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (1,)),
    action_space=gymnasium.spaces.Box(-1, 1, (1,)),
  )
  episode = Episode(
    observations=np.zeros((3, 1), np.float32),
    actions=np.zeros((2, 1), np.float32),
    rewards=np.ones(2),
    terminations=np.array([False, True]),
    truncations=np.zeros(2, bool),
  )
  return minari_files.write(root, name, [episode], env, algorithm_name="-")


@pytest.mark.parametrize("suffix", ["hdf5", "h5", "HDF5", "H5"])
def test_a_d4rl_file_by_path(tmp_path, suffix):
  dataset = load(str(write_hdf5(tmp_path / f"mine.{suffix}")))
  assert (dataset.name, dataset.kind, dataset.env_id) == ("mine", "hdf5", None)
  np.testing.assert_array_equal(dataset.transitions.observations[:, 0], [0, 2])
  assert dataset.notices == ()


@pytest.mark.parametrize(
  ("stem", "name", "env_id"),
  [
    ("hopper_medium_replay-v2", "hopper-medium-replay-v2", "Hopper-v4"),
    ("hopper-medium-v2", "hopper-medium-v2", "Hopper-v4"),
    ("halfcheetah_full_replay_v2", "halfcheetah-full-replay-v2", "HalfCheetah-v4"),
    (
      "Ant_maze_hardest-maze_noisy_multistart_True_multigoal_False_sparse_fixed",
      "antmaze-large-play-v2",
      "dmg_jax/AntMaze-Large-v0",
    ),
  ],
)
def test_a_file_named_as_d4rls_is_recognised_but_not_trusted(tmp_path, stem, name, env_id):
  dataset = load(str(write_hdf5(tmp_path / f"{stem}.hdf5")))
  assert (dataset.name, dataset.kind, dataset.env_id) == (f"own-{name}", "hdf5", env_id)
  assert f"not the file that D4RL published as {name}: it is called own-" in dataset.notices[-1]


def test_one_file_of_d4rls_has_no_published_hash(tmp_path):
  dataset = load(str(write_hdf5(tmp_path / "antmaze-medium-play-v2.hdf5")))
  assert (dataset.name, dataset.kind) == ("antmaze-medium-play-v2", "d4rl")


def test_a_d4rl_name_finds_its_file_under_its_published_name(tmp_path, monkeypatch):
  published = write_hdf5(tmp_path / "d4rl" / "walker2d_medium_expert-v2.hdf5").read_bytes()
  file = catalog.d4rl_files()["walker2d-medium-expert-v2"]
  file = file._replace(size=len(published), sha256=hashlib.sha256(published).hexdigest())
  monkeypatch.setitem(catalog.d4rl_files(), file.name, file)
  dataset = load("walker2d-medium-expert-v2")
  assert (dataset.name, dataset.kind, dataset.env_id) == (
    "walker2d-medium-expert-v2",
    "d4rl",
    "Walker2d-v4",
  )
  assert dataset.reference == (1.629008, 4592.3)


def test_a_d4rl_name_without_its_file_is_downloaded(tmp_path):
  with pytest.raises(UserError, match=r"hopper_medium-v2\.hdf5: download from http.*no network"):
    load("hopper-medium-v2")


def test_antmaze_rewards_are_the_files(tmp_path):
  file = "Ant_maze_u-maze_noisy_multistart_False_multigoal_False_sparse_fixed.hdf5"
  write_hdf5(tmp_path / "d4rl" / file)
  dataset = load("antmaze-umaze-v2")
  np.testing.assert_array_equal(dataset.transitions.rewards, [1, 1])
  assert dataset.reference == (0.0, 1.0)
  assert dataset.env_id == "dmg_jax/AntMaze-UMaze-v0"


@pytest.mark.parametrize(
  ("stem", "limit"),
  [("hopper-medium-v2", 1000), ("antmaze-umaze-diverse-v2", 700), ("antmaze-large-play-v2", 1000)],
)
def test_the_names_step_limit_stands_in_for_timeouts(tmp_path, stem, limit):
  path = write_hdf5(tmp_path / f"{stem}.hdf5", rows=1200, timeouts=False)
  kept = load(str(path), env_id="Pendulum-v1").transitions.observations[:, 0]
  assert sorted(set(range(1199)) - set(kept.astype(int))) == [limit - 1]


def test_a_row_at_the_goal_is_no_episode_of_d4rls_antmaze(tmp_path):
  """All of a cluster of successes are terminal there; elsewhere each would be an episode."""
  for stem, returns in (
    ("antmaze-medium-play-v2", []),
    ("antmaze-large-play-v2", [1, 1, 1]),
    ("mine", [1, 1, 1]),
  ):
    path = write_hdf5(tmp_path / f"{stem}.hdf5")
    with h5py.File(path, "r+") as file:
      file["terminals"][:3] = True
    dataset = load(str(path))
    np.testing.assert_array_equal(dataset.episode_returns, returns)
    assert any("part no episodes" in notice for notice in dataset.notices) == (not returns)


def test_our_own_environments_step_limit_is_known(tmp_path):
  path = write_hdf5(tmp_path / "mine.hdf5", rows=800, timeouts=False)
  kept = load(str(path), env_id="dmg_jax/AntMaze-UMaze-v0").transitions.observations[:, 0]
  assert sorted(set(range(799)) - set(kept.astype(int))) == [699]


def test_a_given_environments_step_limit_stands_in_for_timeouts(tmp_path):
  path = write_hdf5(tmp_path / "mine.hdf5", rows=450, timeouts=False)
  dataset = load(str(path), env_id="Pendulum-v1")
  kept = dataset.transitions.observations[:, 0]
  assert sorted(set(range(449)) - set(kept.astype(int))) == [199, 399]
  np.testing.assert_array_equal(dataset.episode_returns, [200, 200])
  assert dataset.env_id is None


@pytest.mark.parametrize("env_id", [None, "NoSuchThing-v0", "no_such_module:Thing-v0"])
def test_without_timeouts_an_unknown_environment_is_refused(tmp_path, env_id):
  path = write_hdf5(tmp_path / "mine.hdf5", timeouts=False)
  with pytest.raises(UserError, match=r"no `timeouts`.*\(settings step_limit and env\)"):
    load(str(path), env_id=env_id)


@pytest.mark.parametrize(("stem", "name"), [("mine", "mine"), (MEDIUM, f"own-{MEDIUM}")])
def test_own_arrays(tmp_path, stem, name):
  np.savez(
    tmp_path / f"{stem}.npz",
    observations=np.zeros((2, 1)),
    actions=np.zeros((2, 1)),
    rewards=np.zeros(2),
    next_observations=np.zeros((2, 1)),
    terminals=np.zeros(2),
  )
  dataset = load(str(tmp_path / f"{stem}.npz"))
  assert (dataset.name, dataset.kind) == (name, "npz")


def test_a_minari_folder(tmp_path):
  folder = write_minari(tmp_path / "elsewhere", "test/tiny-v0")
  dataset = load(str(folder))
  assert (dataset.name, dataset.kind, dataset.env_id) == ("test/tiny-v0", "minari", "Hopper-v4")


@pytest.mark.parametrize("name", ["test/tiny-v0", "tiny-v0"])
def test_a_local_minari_id(tmp_path, name):
  write_minari(tmp_path / "minari", name)
  dataset = load(name)
  assert (dataset.name, dataset.kind) == (name, "minari")


def test_the_embedded_data_set(tmp_path):
  write_minari(tmp_path / "embedded", EMBEDDED)
  dataset = load(EMBEDDED)
  assert (dataset.name, dataset.kind, dataset.env_id) == (EMBEDDED, "embedded", "Hopper-v4")
  assert dataset.reference == (-20.272305, 3234.3)


def test_the_embedded_folder_lies_in_the_package(monkeypatch):
  monkeypatch.undo()
  assert load_module.embedded() == Path(load_module.__file__).parent / "embedded"


def test_a_downloaded_minari_id(monkeypatch, tmp_path, capsys, caplog):
  def download(dataset_id):
    print("a line that nobody asked for")
    logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s [Retry 1/5].")
    for name in (dataset_id, "test/part-v0"):
      write_minari(minari_files.root(), name)
    # Not in its place before it is whole.
    assert not (tmp_path / "minari/test").exists()

  monkeypatch.setattr(minari, "download_dataset", download)
  assert load("test/remote-v0").name == "test/remote-v0"
  captured = capsys.readouterr()
  assert captured.out == ""
  assert captured.err == "asking Minari's server for test/remote-v0 (up to a minute)\n"
  assert not caplog.records
  assert minari_files.local_ids(tmp_path / "minari") == ["test/part-v0", "test/remote-v0"]


def test_without_a_connection_the_client_does_not_try_again_and_again(monkeypatch, tmp_path):
  monkeypatch.undo()
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
  monkeypatch.setattr(minari_download, "_SERVER", "http://127.0.0.1:9")

  def asked(*arguments, **keywords):
    raise AssertionError("the client was asked")

  monkeypatch.setattr(minari, "download_dataset", asked)
  with pytest.raises(UserError, match=r"cannot be downloaded .*refused"):
    load("mujoco/hopper/never-v0")
  assert not (tmp_path / "minari").exists()


def test_a_minari_id_that_cannot_be_had_lists_near_names(tmp_path):
  write_minari(tmp_path / "embedded", EMBEDDED)
  with pytest.raises(UserError, match=f"cannot be downloaded .*; near names: {EMBEDDED}"):
    load("dmq/hopper/medium-replay-v0")
  assert not (tmp_path / "minari").exists()


@pytest.mark.parametrize(
  ("name", "command"),
  [
    ("dmg/hopper/medium-v0", "--env=Hopper-v4 --tier=medium"),
    ("dmg/halfcheetah/full-replay-v0", "--env=HalfCheetah-v4 --tier=full-replay"),
    ("dmg/antmaze-umaze/play-v0", "--env=dmg_jax/AntMaze-UMaze-v0 --tier=play"),
    ("dmg/pendulum/random-v1", "--env=Pendulum-v1 --tier=random"),
    ("dmg/unheard-of/medium-v0", "--env=ID --tier=medium"),
    ("dmg/hopper/medium-reply-v0", "--env=Hopper-v4 --tier=TIER"),
  ],
)
def test_ids_of_our_own_ask_no_server_and_name_the_command(monkeypatch, name, command):
  def asked(*arguments, **keywords):
    raise AssertionError("a server was asked")

  monkeypatch.setattr(minari, "download_dataset", asked)
  expected = f"make it with `python launch/collect.py {command} --dataset_id={name}`"
  with pytest.raises(UserError, match=re.escape(expected)):
    load(name)


def test_the_tiers_are_those_of_the_collector():
  assert set(load_module.TIERS) == {*tiers.TIERS, *maze_data.TIERS}


@pytest.mark.parametrize("env_id", [None, "Pendulum-v1"])
def test_a_given_step_limit_goes_before_the_environments(tmp_path, env_id):
  path = write_hdf5(tmp_path / "mine.hdf5", rows=10, timeouts=False)
  kept = load(str(path), env_id, step_limit=4).transitions.observations[:, 0]
  assert kept.tolist() == [0, 1, 2, 4, 5, 6, 8]


@pytest.mark.parametrize(
  ("name", "near"),
  [
    ("hoper-medium-v2", "hopper-medium-v2"),
    ("walker2d_medium-v2", "walker2d-medium-v2"),
    ("antmaze-large-play", "antmaze-large-play-v2"),
  ],
)
def test_unknown_names_list_the_forms_and_near_names(tmp_path, name, near):
  with pytest.raises(UserError) as caught:
    load(name)
  line = str(caught.value)
  assert line.startswith(
    f"there is no data set '{name}'; give a D4RL name, an .hdf5 or .npz file, a Minari id"
  )
  assert near in line.split("near names: ")[1].split(", ")
  assert "\n" not in line


@pytest.mark.parametrize("name", ["", "../up-v0", "data.pkl", "no such thing"])
def test_impossible_names_are_refused_and_make_nothing(tmp_path, name, monkeypatch):
  monkeypatch.chdir(tmp_path)
  with pytest.raises(UserError):
    load(name)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["none.hdf5", "none.npz"])
def test_missing_files_are_named(tmp_path, name):
  with pytest.raises(UserError, match=f"{name}: no such file"):
    load(str(tmp_path / name))


def test_no_environment_is_made(tmp_path, monkeypatch):
  folder = write_minari(tmp_path, "test/tiny-v0")
  path = write_hdf5(tmp_path / "hopper-medium-v2.hdf5", timeouts=False)

  def make(*arguments, **keywords):
    raise AssertionError("an environment was made")

  monkeypatch.setattr(gymnasium, "make", make)
  assert load(str(folder)).env_id == "Hopper-v4"
  assert load(str(path), env_id="Hopper-v4").env_id == "Hopper-v4"
