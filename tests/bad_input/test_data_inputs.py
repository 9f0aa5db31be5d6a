"""launch/data.py on bad input: one clear line, its exit code, and nothing changed on disk.

A new case is one line of `CASES`: arguments, a part of the line, the exit code.
"""

import json
import re
import shlex

import h5py
import minari
import numpy as np
import pytest
from snapshots import snapshot

from dmg_jax.data import minari_files
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make
from launch import data as launcher

CASES = [
  # Arguments.
  ("", "arguments are required: command", 2),
  ("lst", "invalid choice: 'lst'", 2),
  ("list hopper.hdf5", "unrecognized arguments: hopper.hdf5", 2),
  ("list --out=new.png", "unrecognized arguments: --out=new.png", 2),
  ("show", "arguments are required: NAME", 2),
  ("show hopper.hdf5 two.hdf5", "unrecognized arguments: two.hdf5", 2),
  ("show hopper.hdf5 --dataset_id=mine/a-v0", "unrecognized arguments: --dataset_id", 2),
  ("show hopper.hdf5 --en=Hopper-v4", "unrecognized arguments: --en", 2),
  ("verify hopper.hdf5 --episodes=many", "invalid int value: 'many'", 2),
  ("verify hopper.hdf5 --episodes=1.5", "invalid int value: '1.5'", 2),
  ("verify hopper.hdf5 --episodes=0", "--episodes is 0, but it must be at least 1", 2),
  ("verify hopper.hdf5 --episodes=-3", "--episodes is -3, but it must be at least 1", 2),
  # Names of data sets.
  ("show none.hdf5", "none.hdf5: no such file", 2),
  ("show none.HDF5", "none.HDF5: no such file", 2),
  ("show folder.hdf5", "folder.hdf5: no such file", 2),
  ("show ../../evil-v0", "there is no data set '../../evil-v0'", 2),
  ("show ~nobody-here/x.npz", "there is no data set '~nobody-here/x.npz'", 2),
  (f"show {'x' * 400}", "File name too long", 2),
  ("show dmg/hopper/expert-v0", "collect.py --env=Hopper-v4 --tier=expert --dataset_id=dmg/h", 2),
  ("show dmg/hopper/lost-v0", "--env=Hopper-v4 --tier=TIER", 2),
  ("verify dmg/pointmaze-umaze/play-v0", "--env=dmg_jax/PointMaze-UMaze-v0 --tier=play", 2),
  ("export dmg/nothing/medium-v0 --out=new.npz", "--env=ID --tier=medium", 2),
  # Contents.
  ("show complex.npz", "rewards are complex numbers; store real ones", 2),
  ("verify complex.hdf5", "actions are complex numbers", 2),
  ("show widthless.npz", "actions have shape (4, 0); reshape them to (N, dimensions), at least", 2),
  ("show text.npz", "rewards are not numeric", 2),
  ("show unmarked.hdf5", "give the step limit or a registered environment", 2),
  ("show unmarked.hdf5 --step_limit=0", "the step limit is 0, but it must be at least 1", 2),
  ("show short.hdf5", "next_observations have shape (3, 11), observations (12, 11)", 2),
  ("show kwargs.npz", "kwargs.npz: the environment's arguments are 'none'", 2),
  ("verify test/damaged-v0", "provenance.json is damaged", 2),
  # Environments.
  ("show hopper.hdf5 --env=Hopper-v3", "environment 'Hopper-v3' cannot be made", 2),
  ("show hopper.hdf5 --env=Nope-v0", "environment 'Nope-v0' cannot be made", 2),
  ("show hopper.hdf5 --env=", "environment '' cannot be made", 2),
  ("show hopper.hdf5 --env=Hopper", "the version is missing; write it out, such as Hopper-v", 2),
  ("show hopper.hdf5 --env=no_such_package:Thing-v0", "No module named 'no_such_package'", 2),
  ("show hopper.hdf5 --env=CartPole-v1", "actions must be a bounded continuous box", 2),
  ("show hopper.hdf5 --env=Walker2d-v4", "observations have 11 numbers, but those of Walker2d", 2),
  ("verify test/hopper-v0 --env=Walker2d-v4", "11 numbers, but those of Walker2d-v4 have 17", 2),
  ("show hopper.hdf5 --env=Hopper-v4 --env_kwargs=x", "are 'x', not a JSON object", 2),
  ("show hopper.hdf5 --env=Hopper-v4 --env_kwargs=[1]", "are '[1]', not a JSON object", 2),
  ("""show hopper.hdf5 --env=Hopper-v4 --env_kwargs='{"x": 1}'""", "with {'x': 1} cannot be", 2),
  ("show unnamed.npz --env_kwargs={}", "names no environment that could take arguments", 2),
  # Pictures and exports.
  ("show hopper.hdf5 --out=folder.hdf5", "folder.hdf5 is a folder", 2),
  ("show hopper.hdf5 --out=no/new.png", "there is no folder", 2),
  ("show hopper.hdf5 --out=unnamed.npz", "unnamed.npz must end in .png", 2),
  ("show hopper.hdf5 --out=~nobody-here/x.png", "cannot be written", 2),
  ("export hopper.hdf5", "arguments are required: --out", 2),
  ("export hopper.hdf5 --out=folder.hdf5", "folder.hdf5 is a folder", 2),
  ("export hopper.hdf5 --out=no/new.hdf5", "there is no folder", 2),
  ("export hopper.hdf5 --out=../no/new.npz", "there is no folder", 2),
  ("export hopper.hdf5 --out=unnamed.npz", "unnamed.npz exists already", 2),
  ("export hopper.hdf5 --out=new.csv", "new.csv must end in .hdf5 or .h5 or .npz", 2),
  ("export hopper.hdf5 --out=new", "new must end in .hdf5 or .h5 or .npz", 2),
  ("export hopper.hdf5 --out=new.npz --env=Walker2d-v4", "11 numbers, but those of Walker2d", 2),
  # Imports.
  ("import hopper.hdf5", "arguments are required: --dataset_id", 2),
  ("import hopper.hdf5 --dataset_id=", "'' is not the id of a Minari data set", 2),
  ("import hopper.hdf5 --dataset_id=../../evil-v0", "'../../evil-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=/evil-v0", "'/evil-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=mine/../evil-v0", "'mine/../evil-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=mine//evil-v0", "'mine//evil-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=mine/hopper", "'mine/hopper' is not the id", 2),
  ("import hopper.hdf5 --dataset_id='a b-v0'", "'a b-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=m/hopper-v0", "'m/hopper-v0' is not the id", 2),
  ("import hopper.hdf5 --dataset_id=mine/data/hopper-v0", "is not the id", 2),
  (f"import hopper.hdf5 --dataset_id=mine/{'x' * 250}-v0", "is not the id", 2),
  ("import hopper.hdf5 --dataset_id=link/evil-v0", "leads out of", 2),
  ("import hopper.hdf5 --dataset_id=test/hopper-v0", "hopper-v0 exists already", 2),
  ("import hopper.hdf5 --dataset_id=test/hopper-v0/in-v0", "is itself a data set", 2),
  ("import hopper.hdf5 --dataset_id=dmg/hopper/medium-replay-v0", "comes with the package", 2),
  ("import unnamed.npz --dataset_id=mine/hopper-v0", "names no environment; name it with --env", 2),
  ("import unnamed.npz --dataset_id=mine/a-v0 --env=Hopper-v4", "2 numbers, but those of", 2),
  ("import hopper.hdf5 --dataset_id=mine/a-v0 --env=Walker2d-v4", "11 numbers, but those of", 2),
  ("import hopper.hdf5 --dataset_id=mine/a-v0 --env=Hopper-v3", "cannot be made", 2),
]


def episode(env, seed, steps):
  """Steps of a simulator from a seed, as launch/collect.py would record them."""
  generator = np.random.default_rng(seed)
  observations, rewards, ends = [env.reset(seed=seed)[0]], [], []
  actions = generator.uniform(-0.1, 0.1, (steps, 3)).astype(np.float32)
  for action in actions:
    observation, reward, terminated, *_ = env.step(action)
    observations.append(observation)
    rewards.append(reward)
    ends.append(terminated)
  assert not any(ends)
  return Episode(
    observations=np.float32(observations),
    actions=actions,
    rewards=np.float32(rewards),
    terminations=np.zeros(steps, bool),
    truncations=np.arange(steps) == steps - 1,
    seed=seed,
  )


def write_hdf5(path, rows=12, **changed):
  columns = {
    "observations": np.zeros((rows, 11), np.float32),
    "actions": np.zeros((rows, 3), np.float32),
    "rewards": np.zeros(rows, np.float32),
    "terminals": np.zeros(rows, bool),
    "timeouts": np.arange(rows) == rows - 2,
  }
  with h5py.File(path, "w") as file:
    for key, values in (columns | changed).items():
      if values is not None:
        file[key] = values
    file.create_group("metadata").attrs["env_id"] = "Hopper-v4"


def write_npz(path, **changed):
  columns = {
    "observations": np.zeros((4, 2)),
    "actions": np.zeros((4, 1)),
    "rewards": np.zeros(4),
    "next_observations": np.zeros((4, 2)),
    "terminals": np.zeros(4),
  }
  np.savez(path, **(columns | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  """Where each case runs: files with every defect, and a folder of Minari data sets."""
  folder = tmp_path_factory.mktemp("inputs") / "here"
  folder.mkdir()
  (folder / "folder.hdf5").mkdir()
  write_hdf5(folder / "hopper.hdf5")
  write_hdf5(folder / "unmarked.hdf5", timeouts=None)
  write_hdf5(folder / "complex.hdf5", actions=np.full((12, 3), 1j))
  write_hdf5(folder / "short.hdf5", next_observations=np.zeros((3, 11)))
  write_npz(folder / "unnamed.npz")
  write_npz(folder / "complex.npz", rewards=np.full(4, 1 + 1j))
  write_npz(folder / "text.npz", rewards=np.full(4, "1.0"))
  write_npz(folder / "widthless.npz", actions=np.zeros((4, 0)))
  write_npz(folder / "kwargs.npz", env_id="Hopper-v4", env_kwargs="none")
  env = make("Hopper-v4")
  for name in ("test/hopper-v0", "test/damaged-v0"):
    minari_files.write(folder / "minari", name, [episode(env, 3, 8)], env, author="test")
  (folder / "minari/test/damaged-v0/provenance.json").write_text("{")
  (folder / "elsewhere").mkdir()
  (folder / "minari/link").symlink_to(folder / "elsewhere")
  return folder


@pytest.fixture(autouse=True)
def surroundings(folder, monkeypatch):
  monkeypatch.chdir(folder)
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder / "minari"))
  monkeypatch.setenv("D4RL_DATASET_DIR", str(folder / "d4rl"))

  def asked(*arguments, **keywords):
    raise AssertionError("a server was asked")

  monkeypatch.setattr(minari, "download_dataset", asked)
  monkeypatch.setattr("urllib.request.urlopen", asked)


@pytest.mark.parametrize(("arguments", "line", "code"), CASES)
def test_bad_input(folder, capsys, arguments, line, code):
  before = snapshot(folder.parent)
  assert launcher.main(shlex.split(arguments)) == code
  captured = capsys.readouterr()
  assert captured.err.startswith("error: ")
  assert re.search(re.escape(line), captured.err)
  assert captured.err.count("\n") == 1
  assert snapshot(folder.parent) == before


def test_the_folder_of_the_cases_is_sound(folder, capsys):
  """The cases above fail for their own reason: without the slip, each command works."""
  for arguments in (
    "list",
    "show hopper.hdf5",
    "show unmarked.hdf5 --step_limit=11",
    "show unnamed.npz",
    "verify test/hopper-v0 --episodes=1",
  ):
    assert launcher.main(shlex.split(arguments)) == 0, capsys.readouterr().err
  assert json.loads((folder / "minari/test/hopper-v0/data/metadata.json").read_text())
