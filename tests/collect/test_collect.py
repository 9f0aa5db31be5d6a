"""The collector: thinning, resuming, and a data set made in seconds."""

import errno
import json
import os
import shutil
import signal
from pathlib import Path

import jax
import minari
import numpy as np
import pytest
from small_recipe import RECIPE

from dmg_jax import run_directory, run_log
from dmg_jax.collect import collect, tiers
from dmg_jax.collect.recording import Recording
from dmg_jax.collect.request import Request
from dmg_jax.data import catalog, policies
from dmg_jax.data.episodes import Episode
from dmg_jax.data.load import load
from dmg_jax.data.stream import Stream
from dmg_jax.errors import StoppedError, StorageError, UserError

REQUEST = Request(
  tier="medium-replay",
  level=-1.0,
  noise=0.2,
  keep=1_000_000,
  shipped=False,
  dataset_id="dmg/hopper/medium-replay-v1",
  root=Path(),
  export=None,
  invocation=("launch/collect.py", "--seed=0"),
)


@pytest.fixture(autouse=True)
def few_quoted_episodes(monkeypatch):
  """Three instead of a hundred, for each recorded policy."""
  monkeypatch.setattr(tiers, "_QUOTED_EPISODES", 3)


def collect_in(tmp_path, recipe=RECIPE, **changes):
  request = REQUEST._replace(root=tmp_path / "datasets", **changes)
  return collect.collect(request, recipe, tmp_path / "recording")


def provenance_of(folder):
  return json.loads((folder / "provenance.json").read_text())


def episode(length: int) -> Episode:
  zeros = np.zeros(length, bool)
  return Episode(np.zeros((length + 1, 1)), np.zeros((length, 1)), np.zeros(length), zeros, zeros)


def test_thinning_is_even_and_keeps_the_order():
  episodes = [episode(10) for _ in range(100)]
  assert tiers.thin(episodes, 1000) == episodes
  assert tiers.thin(episodes, 5000) == episodes
  kept = tiers.thin(episodes, 260)
  places = [next(i for i, e in enumerate(episodes) if e is one) for one in kept]
  assert len(kept) == 26
  assert places[0] == 0
  assert places[-1] == 99
  assert set(np.diff(places)) == {3, 4, 5} - {5}
  assert len(tiers.thin(episodes, 1)) == 1


def test_without_a_device_nothing_is_recorded(tmp_path, monkeypatch):
  def devices():
    raise RuntimeError("no backend")

  monkeypatch.setattr(jax, "devices", devices)
  monkeypatch.setattr(collect, "_make", lambda *_: pytest.fail("it was recorded"))
  with pytest.raises(RuntimeError, match="no backend"):
    collect_in(tmp_path)
  assert list(tmp_path.iterdir()) == []


def test_a_collection_loads_with_its_provenance(tmp_path):
  folder = collect_in(tmp_path)
  provenance = provenance_of(folder)
  dataset = load(str(folder))
  assert provenance["command"] == "python launch/collect.py --seed=0"
  assert provenance["recipe"]["seed"] == 0
  assert provenance["transitions"] == len(dataset.transitions.rewards) >= 50
  assert provenance["episodes"] == len(dataset.episode_returns)
  np.testing.assert_allclose(
    provenance["mean_episode_return"], dataset.episode_returns.mean(), rtol=1e-4
  )
  assert dataset.env_id == "Hopper-v4"
  stored = minari.MinariDataset(folder / "data")
  assert stored.storage.metadata["data_format"] == "arrow"
  assert stored.observation_space.dtype == np.float32


def test_a_recording_that_was_cut_short_goes_on_exactly(tmp_path):
  (tmp_path / "whole").mkdir()
  whole = Recording(RECIPE, tmp_path / "whole")
  rows = list(whole.go_on())
  whole.close()
  (tmp_path / "cut").mkdir()
  cut = Recording(RECIPE, tmp_path / "cut")
  next(cut.go_on())
  cut.close()
  cut = Recording(RECIPE, tmp_path / "cut")
  assert [row["step"] for row in cut.evaluations] == [100]
  assert list(cut.go_on()) == rows[1:]
  cut.close()
  assert cut.evaluations == rows
  np.testing.assert_array_equal(cut.stream.actions, whole.stream.actions)
  for one, other in zip(
    sorted((tmp_path / "whole/snapshots").iterdir()),
    sorted((tmp_path / "cut/snapshots").iterdir()),
    strict=True,
  ):
    assert one.read_bytes() == other.read_bytes()


def test_a_recording_serves_shorter_and_longer_trainings(tmp_path):
  def step_of(policy, steps, version):
    recipe = RECIPE._replace(steps=steps, evaluate_every=200)
    dataset_id = f"dmg/hopper/{policy}-v{version}"
    folder = collect_in(tmp_path, recipe, tier=policy, dataset_id=dataset_id, keep=1000)
    return provenance_of(folder)[policy]["step"]

  def stored_steps():
    return run_directory.read_config(tmp_path / "recording", "collect")["recipe"]["steps"]

  assert step_of("expert", 150, 0) == 150
  assert step_of("expert", 300, 1) == 300
  assert step_of("expert", 210, 2) == 200
  # A shorter training takes from the longer one, and does not shorten it.
  assert stored_steps() == 300
  rows = run_log.read(tmp_path / "recording", run_log.EVALUATIONS)
  assert [row["step"] for row in rows] == [150, 200, 300]
  # The evaluation that ended the shortest training is no candidate for a level.
  assert step_of("medium", 300, 0) == 200


def test_a_lower_level_is_cut_from_the_same_recording(tmp_path):
  with pytest.raises(UserError, match="was not reached in 300 steps"):
    collect_in(tmp_path, level=99.0)
  folder = collect_in(tmp_path)
  assert [row["step"] for row in provenance_of(folder)["evaluations"]] == [100]


@pytest.mark.parametrize(
  ("recipe", "request_", "message"),
  [
    ({}, {"level": 99.0}, "was not reached in 300 steps"),
    ({"env_id": "CartPole-v1"}, {}, "must be a bounded continuous box"),
    ({}, {"tier": "random", "keep": 20}, r"--keep is 20, but it must be at least 1000: one ep"),
    ({}, {"tier": "medium-expert", "keep": 1999}, "at least 2000: one episode for each of 2 pol"),
    ({"env_id": "Pendulum-v1"}, {}, "raise --random_steps to at least 400"),
  ],
)
def test_what_cannot_be_collected_is_said_and_leaves_no_data(tmp_path, recipe, request_, message):
  with pytest.raises(UserError, match=message):
    collect_in(tmp_path, RECIPE._replace(**recipe), **request_)
  assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize("tier", ["random", "medium", "medium-expert", "expert", "full-replay"])
def test_tiers(tmp_path, tier):
  keep = 2000 if tier == "medium-expert" else 1000
  folder = collect_in(tmp_path, tier=tier, keep=keep, dataset_id=f"dmg/hopper/{tier}-v0")
  provenance = provenance_of(folder)
  dataset = load(str(folder))
  assert provenance["transitions"] == len(dataset.transitions.rewards)
  if tier != "full-replay":
    assert keep // 2 < provenance["transitions"] <= keep
  steps = {
    name: quote["step"]
    for name, quote in provenance.items()
    if isinstance(quote, dict) and "step" in quote
  }
  expected = {
    "random": {},
    "medium": {"medium": 100},
    "medium-expert": {"medium": 100, "expert": 300},
    "expert": {"expert": 300},
    "full-replay": {"recording_policy": 300},
  }
  course = {f"step_{step:08d}": step for step in (100, 200, 300) if tier == "full-replay"}
  assert steps == expected[tier] | course
  assert {path.stem for path in folder.glob("*.npz")} == set(steps)


def test_policies_that_come_with_the_package_save_the_training(tmp_path, monkeypatch):
  """Laid out as a collection leaves them: copied as they are."""
  package = tmp_path / "package"
  monkeypatch.setattr(policies, "folder", lambda: package)
  for tier in ("medium", "expert", "full-replay"):
    folder = collect_in(tmp_path, tier=tier, keep=1000, dataset_id=f"dmg/trained/{tier}-v0")
    shutil.copytree(folder, package / "hopper-v4" / tier)
  (tmp_path / "recording").rename(tmp_path / "away")
  for tier, names in {
    "medium": ["medium"],
    "medium-expert": ["medium", "expert"],
    "full-replay": ["step_00000100", "step_00000200", "step_00000300"],
  }.items():
    folder = collect_in(
      tmp_path, tier=tier, keep=3000, dataset_id=f"dmg/again/{tier}-v0", shipped=True
    )
    provenance = provenance_of(folder)
    assert list(provenance["mean_episode_return_with_noise"]) == names
    assert ("in_place_of_a_replay" in provenance) == (tier == "full-replay")
    assert provenance[names[0]]["training"]["recipe"]["steps"] == 300
    assert provenance[names[0]]["step"] == 100
    assert load(str(folder)).transitions.rewards.size == provenance["transitions"] > 200
  assert not (tmp_path / "recording").exists()
  # Another level is another policy: it is trained for.
  collect_in(
    tmp_path, tier="medium", level=-2.0, keep=1000, dataset_id="dmg/other/medium-v0", shipped=True
  )
  assert (tmp_path / "recording").exists()


def test_shipped_policies_are_recorded_in_another_version_of_their_robot(tmp_path):
  recipe = RECIPE._replace(env_id="Walker2d-v5")
  asked = {"shipped": True, "level": 0.45, "keep": 1000, "policies_of": "Walker2d-v4"}
  dataset_id = "dmg/walker2d-v5/medium-v0"
  folder = collect_in(tmp_path, recipe, tier="medium", dataset_id=dataset_id, **asked)
  provenance = provenance_of(folder)
  assert provenance["policies_of"] == "Walker2d-v4"
  # -v5 has no reference of its own: the scale is that of the policies' training.
  data = load(str(folder))
  assert data.env_id == "Walker2d-v5"
  assert data.reference == catalog.reference_returns("Walker2d-v4")
  for changes, message in (
    ({"policies_of": "Hopper-v4"}, "take 11 observed numbers and give 3 actions, but Walker2d-v5"),
    ({"policies_of": "Swimmer-v5"}, "no policies for medium data at this --level"),
    ({"level": 0.3}, "no policies for medium data at this --level"),
    ({"policies_of": ""}, "--policies_of=: no policies"),
  ):
    with pytest.raises(UserError, match=message):
      collect_in(tmp_path, recipe, tier="medium", dataset_id="dmg/x/y-v0", **asked | changes)
  assert not (tmp_path / "recording").exists()


def test_an_environment_without_reference_returns_is_scored_by_its_own_training(
  tmp_path, monkeypatch
):
  def play(recording, actor, round_, episodes):
    return np.full(episodes, -200.0)

  monkeypatch.setattr(Recording, "returns", play)
  recipe = RECIPE._replace(env_id="Pendulum-v1", steps=800, random_steps=500, evaluate_every=500)
  folder = collect_in(tmp_path, recipe, level=-99.0, dataset_id="dmg/pendulum/medium-replay-v0")
  provenance = provenance_of(folder)
  low, high = provenance["reference_returns"]
  assert -2000 < low < -300
  assert high == -200
  assert [row["step"] for row in provenance["evaluations"]] == [500]
  dataset = load(str(folder))
  assert dataset.reference == (low, high)
  assert np.abs(dataset.transitions.actions).max() > 1


def test_an_interruption_while_writing_leaves_nothing(tmp_path, monkeypatch):
  def interrupt(folder):
    assert (folder / "data/metadata.json").exists()
    raise KeyboardInterrupt

  monkeypatch.setattr(collect.minari_files, "load", interrupt)
  with pytest.raises(KeyboardInterrupt):
    collect_in(tmp_path, tier="random", keep=1000)
  assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize("place", ["save", "write"])
def test_a_full_disk_is_one_line_and_leaves_no_data(tmp_path, monkeypatch, place):
  def fail(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "some/file")

  monkeypatch.setattr({"save": policies, "write": collect.minari_files}[place], place, fail)
  with pytest.raises(StorageError, match=r"No space left on device.*; make room"):
    collect_in(tmp_path, tier="expert", keep=1000)
  assert not list(tmp_path.glob("datasets/**/provenance.json"))
  monkeypatch.undo()
  assert (collect_in(tmp_path, tier="expert", keep=1000) / "provenance.json").exists()


def test_data_of_a_maze(tmp_path):
  recipe = RECIPE._replace(env_id="dmg_jax/PointMaze-UMaze-v0", steps=4000)
  folder = collect_in(tmp_path, recipe, tier="diverse", dataset_id="dmg/maze/diverse-v0", keep=2000)
  provenance = provenance_of(folder)
  dataset = load(str(folder))
  assert dataset.reference == (0.0, 1.0)
  assert dataset.env_id == "dmg_jax/PointMaze-UMaze-v0"
  assert 1500 < provenance["transitions"] < 2500
  assert provenance["noise"] == 0.2
  assert provenance["target_cells"][0] == [1, 1]
  assert not (tmp_path / "recording").exists()


def test_an_export_reads_back(tmp_path):
  export = tmp_path / "mine.hdf5"
  folder = collect_in(tmp_path, tier="random", keep=1000, export=export)
  ours, theirs = load(str(folder)).transitions, load(str(export), "Hopper-v4").transitions
  np.testing.assert_array_equal(ours.actions, theirs.actions)
  np.testing.assert_array_equal(ours.rewards, theirs.rewards)
  with pytest.raises(UserError, match=r"mine\.hdf5 exists already"):
    collect_in(tmp_path, tier="random", export=export, dataset_id="dmg/x/y-v0")


def test_a_name_that_is_taken_is_refused(tmp_path):
  (tmp_path / "datasets/dmg/x/y-v0").mkdir(parents=True)
  with pytest.raises(UserError, match="exists already"):
    collect_in(tmp_path, dataset_id="dmg/x/y-v0")


def test_a_signal_while_training_saves_and_the_recording_goes_on_exactly(tmp_path, monkeypatch):
  whole = record(tmp_path / "whole")
  take_round = Stream.append

  def interrupted(stream, **round_):
    take_round(stream, **round_)
    if stream.size == 77:
      os.kill(os.getpid(), signal.SIGTERM)

  monkeypatch.setattr(Stream, "append", interrupted)
  with pytest.raises(StoppedError, match="stopped and saved after 154 steps") as stopped:
    record(tmp_path / "stopped")
  assert stopped.value.exit_code == 143
  assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
  monkeypatch.undo()
  again = record(tmp_path / "stopped")
  assert again.evaluations == whole.evaluations
  np.testing.assert_array_equal(again.stream.actions, whole.stream.actions)


@pytest.mark.parametrize("path", ["stream/000000120.npz", "snapshots/100.npz", "evaluations.jsonl"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_damage_of_a_recording_is_one_line_and_changes_nothing(tmp_path, finished, path, damage):
  shutil.copytree(finished, tmp_path / "recording")
  damaged = tmp_path / "recording" / path
  if damage == "gone":
    damaged.unlink()
  else:
    damaged.write_bytes(damaged.read_bytes()[:-9])

  def contents():
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files}

  before = contents()
  with pytest.raises(UserError, match=r"start again in another --run_dir|train again in") as error:
    collect_in(tmp_path, tier="full-replay")
  assert "\n" not in str(error.value)
  assert contents() == before


def record(directory):
  """A whole recording, closed."""
  directory.mkdir(exist_ok=True)
  recording = Recording(RECIPE, directory)
  try:
    list(recording.go_on())
  finally:
    recording.close()
  return recording


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  """A finished recording, claimed as the collector does."""
  folder = tmp_path_factory.mktemp("finished")
  collect_in(folder, tier="full-replay", dataset_id="dmg/x/full-replay-v0")
  return folder / "recording"


def test_a_recording_of_another_recipe_is_refused(tmp_path):
  collect_in(tmp_path)
  with pytest.raises(UserError, match="seed 0 -> 1"):
    collect_in(tmp_path, RECIPE._replace(seed=1), dataset_id="dmg/x/y-v0")
