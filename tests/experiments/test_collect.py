"""The collector: thinning, and a data set made in seconds."""

import json

import minari
import numpy as np
import pytest

from dmg_jax.data.episodes import Episode
from dmg_jax.data.load import load
from dmg_jax.errors import UserError
from dmg_jax.experiments import collect

RECIPE = collect.Recipe(
  env_id="Hopper-v4",
  level=-1.0,
  seed=0,
  steps=300,
  random_steps=100,
  noise=0.1,
  batch_size=8,
  evaluate_every=100,
  episodes=1,
  keep=1_000_000,
)


def episode(length: int) -> Episode:
  zeros = np.zeros(length, bool)
  return Episode(np.zeros((length + 1, 1)), np.zeros((length, 1)), np.zeros(length), zeros, zeros)


def test_thinning_is_even_and_keeps_the_order():
  episodes = [episode(10) for _ in range(100)]
  assert collect.thin(episodes, 1000) == episodes
  assert collect.thin(episodes, 5000) == episodes
  kept = collect.thin(episodes, 260)
  places = [next(i for i, e in enumerate(episodes) if e is one) for one in kept]
  assert len(kept) == 26
  assert places[0] == 0
  assert places[-1] == 99
  assert set(np.diff(places)) == {3, 4, 5} - {5}
  assert len(collect.thin(episodes, 1)) == 1


def test_a_collection_loads_with_its_provenance(tmp_path):
  folder = collect.medium_replay(RECIPE, tmp_path, "dmg/hopper/medium-replay-v0", "the command")
  provenance = json.loads((folder / "provenance.json").read_text())
  dataset = load(str(folder))
  assert provenance["command"] == "the command"
  assert provenance["recipe"]["seed"] == 0
  assert provenance["transitions"] == len(dataset.transitions.rewards) >= 100
  assert provenance["episodes"] == len(dataset.episode_returns) == provenance["episodes_recorded"]
  np.testing.assert_allclose(
    provenance["mean_episode_return"], dataset.episode_returns.mean(), rtol=1e-4
  )
  assert dataset.env_id == "Hopper-v4"
  stored = minari.MinariDataset(folder / "data")
  assert stored.storage.metadata["data_format"] == "arrow"
  assert stored.observation_space.dtype == np.float32


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"level": 99.0}, "was not reached in 300 steps"),
    ({"env_id": "Pendulum-v1"}, "no D4RL reference returns"),
  ],
)
def test_what_cannot_be_collected_is_said_and_leaves_nothing(tmp_path, changes, message):
  with pytest.raises(UserError, match=message):
    collect.medium_replay(RECIPE._replace(**changes), tmp_path, "dmg/x/y-v0", "")
  assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path):
  (tmp_path / "dmg/x/y-v0").mkdir(parents=True)
  with pytest.raises(UserError, match="exists already"):
    collect.medium_replay(RECIPE, tmp_path, "dmg/x/y-v0", "")
