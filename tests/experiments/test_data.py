"""Questions about data sets, and their answers."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import minari
import numpy as np
import pytest

from dmg_jax.collect.rollout import roll
from dmg_jax.data import catalog, minari_files
from dmg_jax.data.load import embedded, load
from dmg_jax.envs.make import make
from dmg_jax.errors import StorageError, UserError
from dmg_jax.experiments import data
from dmg_jax.experiments.data import Given
from dmg_jax.experiments.verify import verify
from launch import data as launcher

ROOT = Path(__file__).parents[2]
NOTHING = Given()
HOPPER = Given("Hopper-v4")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
  monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
  monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path / "d4rl"))


@pytest.fixture(scope="module")
def episodes():
  return roll("Hopper-v4", None, 400, seed=3)


def write(tmp_path, episodes, name="dmg/hopper/random-v0"):
  return minari_files.write(tmp_path / "minari", name, episodes, make("Hopper-v4"), author="test")


def test_the_list_names_what_is_known_and_what_is_here(tmp_path, episodes):
  write(tmp_path, episodes)
  lines = list(data.listing())
  assert f"  {catalog.EMBEDDED}" in lines
  assert "  dmg/hopper/random-v0" in lines
  (medium,) = [line for line in lines if line.startswith("  hopper-medium-v2 ")]
  assert medium.endswith("not here")


def test_show_and_its_picture(tmp_path, episodes):
  steps = sum(len(episode.rewards) for episode in episodes)
  write(tmp_path, episodes)
  out = tmp_path / "picture.png"
  text = "\n".join(data.show("dmg/hopper/random-v0", NOTHING, str(out)))
  assert f"transitions    {steps:,}" in text
  assert f"({len(episodes)} end in a terminal, 0 are cut)" in text
  assert out.read_bytes().startswith(b"\x89PNG")


def test_the_embedded_data_can_be_played_again():
  lines = list(verify(catalog.EMBEDDED, NOTHING, 2))
  assert lines[-1].startswith("2 episodes")
  published = minari_files.provenance(embedded() / catalog.EMBEDDED)["sha256"]
  assert f"sha256 {published} is as published" in lines
  assert all(
    e.seed is not None
    for e in minari_files.read(minari_files.open_path(embedded() / catalog.EMBEDDED))
  )


def test_an_altered_episode_is_found(tmp_path, episodes):
  altered = episodes[0]._replace(rewards=episodes[0].rewards + np.float32(0.01))
  write(tmp_path, [altered, *episodes[1:]])
  with pytest.raises(UserError, match="not the one that recorded"):
    list(verify("dmg/hopper/random-v0", NOTHING, len(episodes)))


def test_another_hash_than_published_is_found(tmp_path, episodes):
  folder = write(tmp_path, episodes)
  (folder / "provenance.json").write_text(json.dumps({"sha256": load(str(folder)).sha256}))
  assert any("as published" in line for line in verify(str(folder), NOTHING, 1))
  (folder / "provenance.json").write_text(json.dumps({"sha256": "0"}))
  with pytest.raises(UserError, match="published was 0"):
    list(verify(str(folder), NOTHING, 1))


def same(first, again):
  for field, values in vars(first.transitions).items():
    np.testing.assert_array_equal(getattr(again.transitions, field), values)


@pytest.mark.parametrize("name", ["mine.hdf5", "mine.H5", "mine.npz"])
def test_export_and_import_keep_transitions_and_environment(tmp_path, episodes, name):
  folder = write(tmp_path, episodes)
  out = tmp_path / name
  list(data.export(str(folder), NOTHING, str(out)))
  exported = load(str(out))
  same(load(str(folder)), exported)
  assert (exported.env_id, exported.env_kwargs) == ("Hopper-v4", {})
  assert exported.reference == (-20.272305, 3234.3)
  list(data.store(str(out), NOTHING, "mine/hopper/again-v0"))
  same(load(str(folder)), load("mine/hopper/again-v0"))
  assert set(minari.list_local_datasets()) == {"dmg/hopper/random-v0", "mine/hopper/again-v0"}
  with pytest.raises(UserError, match="exists already"):
    list(data.store(str(out), NOTHING, "mine/hopper/again-v0"))


def test_an_exported_npz_is_one(tmp_path, episodes):
  list(data.export(str(write(tmp_path, episodes)), NOTHING, str(tmp_path / "mine.npz")))
  with np.load(tmp_path / "mine.npz", allow_pickle=False) as file:
    assert file["env_id"] == "Hopper-v4"
    np.testing.assert_array_equal(file["action_low"], [-1, -1, -1])


def test_a_given_environment_is_shown_and_kept(tmp_path, episodes):
  path = tmp_path / "mine.hdf5"
  list(data.export(str(write(tmp_path, episodes)), NOTHING, str(path)))
  with h5py.File(path, "r+") as file:
    del file["metadata"].attrs["env_id"]
  assert "  environment    not known (name it with --env=ID)" in data.show(str(path), NOTHING, None)
  lines = list(data.show(str(path), HOPPER, None))
  assert "  environment    Hopper-v4" in lines
  assert any(line.endswith("(D4RL-normalised score)") for line in lines)
  given = Given("Hopper-v4", {"reset_noise_scale": 0.1})
  assert '  environment    Hopper-v4 with {"reset_noise_scale": 0.1}' in data.show(
    str(path), given, None
  )
  list(data.export(str(path), given, str(tmp_path / "kept.hdf5")))
  kept = load(str(tmp_path / "kept.hdf5"))
  assert (kept.env_id, kept.env_kwargs) == ("Hopper-v4", {"reset_noise_scale": 0.1})
  with pytest.raises(UserError, match="names no environment; name it with --env=ID"):
    list(data.store(str(path), NOTHING, "mine/hopper/other-v0"))


def test_verify_reports_next_observations_that_do_not_follow(tmp_path, episodes):
  path = tmp_path / "mine.hdf5"
  list(data.export(str(write(tmp_path, episodes)), NOTHING, str(path)))
  with h5py.File(path, "r+") as file:
    file["next_observations"][3] = 0.0
  lines = list(verify(str(path), NOTHING, 1))
  assert any("differ from the following row in 1 of" in line for line in lines)
  assert any("first row 3: the file's are taken" in line for line in lines)


def nothing_but(tmp_path, *names):
  assert set(minari_files.local_ids(tmp_path / "minari")) == set(names)
  assert set(minari.list_local_datasets()) == set(names)


@pytest.mark.parametrize(
  ("failure", "code"),
  [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "No space left on device"), 1)],
)
def test_an_interrupted_import_leaves_nothing(
  tmp_path, episodes, monkeypatch, capsys, failure, code
):
  list(data.export(str(write(tmp_path / "from", episodes)), NOTHING, str(tmp_path / "a.hdf5")))
  fill = minari_files._fill

  def fail(storage, buffers):
    fill(storage, buffers[:1])
    raise failure

  monkeypatch.setattr(minari_files, "_fill", fail)
  command = ["import", str(tmp_path / "a.hdf5"), "--dataset_id=mine/a-v0"]
  assert launcher.main(command) == code
  assert capsys.readouterr().err.count("\n") == 1
  assert not (tmp_path / "minari").exists()


def test_a_killed_import_is_not_listed_and_does_not_block_the_next(tmp_path, episodes):
  list(data.export(str(write(tmp_path / "from", episodes)), NOTHING, str(tmp_path / "a.hdf5")))
  command = ["import", str(tmp_path / "a.hdf5"), "--dataset_id=mine/hopper/a-v0"]
  program = f"""
import os, signal
from dmg_jax.data import minari_files
from launch import data
fill = minari_files._fill
def killed(storage, buffers):
  fill(storage, buffers[:1])
  os.kill(os.getpid(), signal.SIGKILL)
minari_files._fill = killed
data.main({command})
"""
  path = os.pathsep.join(map(str, [ROOT, *sys.path]))
  done = subprocess.run(
    [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}, check=False, timeout=100
  )
  assert done.returncode == -signal.SIGKILL
  assert list((tmp_path / "minari").glob(".*.partial/**/metadata.json"))
  nothing_but(tmp_path)
  assert launcher.main(command) == 0
  nothing_but(tmp_path, "mine/hopper/a-v0")
  assert [entry.name for entry in (tmp_path / "minari").iterdir()] == ["mine"]
  same(load(str(tmp_path / "a.hdf5")), load("mine/hopper/a-v0"))


def test_an_export_that_fails_leaves_nothing(tmp_path, episodes, monkeypatch):
  folder = write(tmp_path, episodes)

  def full(*arguments, **columns):
    raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(np, "savez_compressed", full)
  with pytest.raises(StorageError, match="No space left on device"):
    list(data.export(str(folder), NOTHING, str(tmp_path / "mine.npz")))
  assert [path.name for path in tmp_path.iterdir()] == ["minari"]


@pytest.mark.parametrize("command", ["", "list", "show", "verify", "import", "export"])
def test_help_says_what_there_is(capsys, command):
  with pytest.raises(SystemExit) as caught:
    launcher.main([*command.split(), "--help"])
  assert caught.value.code == 0
  text = capsys.readouterr().out
  assert "usage: python launch/data.py" in text
  for option in ("--env ", "--env_kwargs", "--step_limit"):
    assert (option in text) == (command not in ("", "list"))


def test_the_launcher_is_a_program(tmp_path):
  launch = [sys.executable, ROOT / "launch/data.py"]
  done = subprocess.run(
    [*launch, "show", "none.npz"],
    cwd=tmp_path,
    env=os.environ | {"PYTHONPATH": str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert (done.returncode, done.stdout) == (2, "")
  assert done.stderr == "error: none.npz: no such file; check the path\n"


def test_a_reader_that_stops_early_is_no_error(tmp_path):
  read, write = os.pipe()
  os.close(read)
  done = subprocess.run(
    [sys.executable, ROOT / "launch/data.py", "list"],
    cwd=tmp_path,
    env=os.environ | {"PYTHONPATH": str(ROOT)},
    stdout=write,
    stderr=subprocess.PIPE,
    check=False,
  )
  os.close(write)
  assert (done.returncode, done.stderr) == (0, b"")
