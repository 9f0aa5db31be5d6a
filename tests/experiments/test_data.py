"""Questions about data sets, and their answers."""

import json

import numpy as np
import pytest

from dmg_jax.collect.rollout import roll
from dmg_jax.data import catalog, minari_files
from dmg_jax.data.load import embedded, load
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError
from dmg_jax.experiments import data


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
  text = "\n".join(data.show("dmg/hopper/random-v0", None, str(out)))
  assert f"transitions    {steps:,}" in text
  assert f"({len(episodes)} end in a terminal, 0 are cut)" in text
  assert out.read_bytes().startswith(b"\x89PNG")


def test_the_embedded_data_can_be_played_again():
  *_, last = data.verify(catalog.EMBEDDED, None, 2)
  assert last.startswith("2 episodes")
  assert all(
    e.seed is not None
    for e in minari_files.read(minari_files.open_path(embedded() / catalog.EMBEDDED))
  )


def test_an_altered_episode_is_found(tmp_path, episodes):
  altered = episodes[0]._replace(rewards=episodes[0].rewards + np.float32(0.01))
  write(tmp_path, [altered, *episodes[1:]])
  with pytest.raises(UserError, match="not the one that recorded"):
    list(data.verify("dmg/hopper/random-v0", None, len(episodes)))


def test_another_hash_than_published_is_found(tmp_path, episodes):
  folder = write(tmp_path, episodes)
  (folder / "provenance.json").write_text(json.dumps({"sha256": load(str(folder)).sha256}))
  assert any("as published" in line for line in data.verify(str(folder), None, 1))
  (folder / "provenance.json").write_text(json.dumps({"sha256": "0"}))
  with pytest.raises(UserError, match="published was 0"):
    list(data.verify(str(folder), None, 1))


def test_export_and_import_keep_the_transitions(tmp_path, episodes):
  folder = write(tmp_path, episodes)
  out = tmp_path / "mine.hdf5"
  list(data.export(str(folder), None, str(out)))
  list(data.store(str(out), "Hopper-v4", "mine/hopper/again-v0"))
  first, again = load(str(folder)).transitions, load("mine/hopper/again-v0").transitions
  alive = first.not_dones == 1
  for field in ("observations", "actions", "rewards", "not_dones"):
    np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
  np.testing.assert_array_equal(first.next_observations[alive], again.next_observations[alive])
  with pytest.raises(UserError, match="exists already"):
    list(data.store(str(out), "Hopper-v4", "mine/hopper/again-v0"))
  with pytest.raises(UserError, match="--env=ID"):
    list(data.store(str(out), None, "mine/hopper/other-v0"))
