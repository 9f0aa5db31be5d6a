"""The whole probe on two tiny runs, and what it refuses."""

import json
import math
import shutil
from pathlib import Path

import generalisation
import jax
import made_runs
import numpy as np
import pytest

from dmg_jax import methods, training
from dmg_jax.critic import Critic
from dmg_jax.data import arrays, load
from dmg_jax.data import scaling as scalings
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make
from dmg_jax.envs.robots import PHYSICS
from dmg_jax.errors import UserError
from dmg_jax.probe import settings, shift, study
from dmg_jax.probe.gather import Selection, gather
from dmg_jax.stored_runs import StoredRuns

STEPS = 7
WORLDS = shift.worlds("Hopper-v4")
SMALL = settings.Settings(starts=3, horizon=200, rows=20, neighbours=3, episodes=1)


def recorded() -> list[Episode]:
  """A few short episodes of random play."""
  env = make("Hopper-v4")
  generator = np.random.default_rng(0)
  found = []
  for seed in range(12):
    rows = [env.reset(seed=seed)[0]]
    actions = generator.uniform(-1, 1, (STEPS, 3)).astype(np.float32)
    rewards = []
    for action in actions:
      observation, reward, _, _, _ = env.step(action)
      rows.append(observation)
      rewards.append(reward)
    last = np.arange(STEPS) == STEPS - 1
    found.append(
      Episode(np.float32(rows), actions, np.float32(rewards), np.zeros(STEPS, bool), last)
    )
  return found


RUNS = {
  "grid": [("dmg", 0.0), ("dmg", 1.0), ("dmg", 0.5)],
  "bc": [("bc", 0.0)],
}


def leave(directory: Path, data: Path, runs: list[tuple[str, float]], label: str = "") -> None:
  """A run directory with random networks; those of lambda 0.5 diverged."""
  dataset = load.load(str(data))
  config = made_runs.config()
  task = config["tasks"][0] | {
    "name": "jumps",
    "sha256": dataset.sha256,
    "env": "Hopper-v4",
    "env_kwargs": {"max_episode_steps": STEPS},
    "clip_actions": False,
    "reward_shift": 0.0,
  }
  rows = []
  for method, lam in runs:
    point = made_runs.point(0) | {"lam": lam, "nu": 0.1, "discount": 0.95}
    fields = {"task": "jumps", "method": method, "point": point, "seed": 0, "population": 0}
    rows.append({"id": f"{method},lam={lam:g},seed=0", "label": f"{method} {lam}{label}", **fields})
  agent = methods.agent(runs[0][0], rows[0]["point"], 3)
  shapes = jax.eval_shape(lambda: agent.init(jax.random.key(0), 11, 3))
  generator = np.random.default_rng(0)
  population = training.Runs(
    states=jax.tree.map(
      lambda leaf: np.asarray(generator.normal(size=(len(rows), *leaf.shape)) / 2, leaf.dtype),
      shapes,
    ),
    seeds=np.zeros(len(rows), np.uint32),
    offsets=np.zeros(len(rows), np.int32),
    sizes=np.full(len(rows), 84, np.int32),
    frozen_at=np.array([8 if lam == 0.5 else -1 for _, lam in runs], np.int32),
  )
  scaling = scalings.for_actions(11, -np.ones(3), np.ones(3))
  scaling = scalings.with_statistics(scaling, dataset.transitions.observations)
  tree = {"populations": {"0": population}, "scalings": {"0": scaling}}
  made_runs.make(directory, config | {"tasks": [task], "runs": rows}, tree)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
  """A data set and two run directories: DMG with three lambdas, and cloning."""
  folder = tmp_path_factory.mktemp("probe")
  arrays.write(folder / "jumps.npz", recorded(), "Hopper-v4", {}, None)
  for name, runs in RUNS.items():
    leave(folder / name, folder / "jumps.npz", runs)
  return folder


@pytest.fixture(scope="module")
def gathered(files):
  return gather([str(files / "grid"), str(files / "bc")], [str(files / "jumps.npz")])


@pytest.fixture(scope="module", autouse=True)
def few_worlds():
  """Some of each kind: each world starts processes of its own."""
  some = [("gravity", 0.1), ("mass", -0.25), ("motor", 0.5), (shift.START, 0.1)]
  few = [WORLDS[0], *(world for world in WORLDS if world in some)]
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(shift, "worlds", lambda env_id: few)
    yield


@pytest.fixture(scope="module")
def results(gathered):
  return json.loads(json.dumps(study.measure(gathered, SMALL, workers=1)))


def test_every_change_goes_both_ways_and_the_unchanged_world_is_first():
  assert WORLDS[0] == shift.World(shift.SAME, 0.0)
  amounts = {what: [one.amount for one in WORLDS if one.what == what] for what in PHYSICS}
  assert all(changes == [-0.5, -0.25, -0.1, 0.1, 0.25, 0.5] for changes in amounts.values())
  arguments = shift.arguments(shift.World("mass", -0.25), "Hopper-v4", {"max_episode_steps": 5})
  assert arguments["factors"] == {"mass": 0.75}
  assert arguments["robot_kwargs"] == {"max_episode_steps": 5}
  start = shift.arguments(WORLDS[-1], "Hopper-v4", {})
  assert start["robot_kwargs"] == {"reset_noise_scale": WORLDS[-1].amount}
  assert not start["factors"]
  assert not shift.arguments(WORLDS[0], "Hopper-v4", {})["factors"]


def test_names_say_what_is_free_in_a_method(gathered):
  assert [one.name for one in gathered.subjects] == [
    "DMG, lambda 0, nu 0.1",
    "DMG, lambda 1, nu 0.1",
    "BC",
  ]
  assert gathered.left_out == ["dmg,lam=0.5,seed=0 in grid diverged at step 8"]


def test_a_run_that_is_there_twice_counts_once(files, gathered):
  grid, data = str(files / "grid"), str(files / "jumps.npz")
  again = gather([grid, grid], [data])
  assert len(again.subjects) == 2
  assert "dmg,lam=0,seed=0 in grid is in another directory too" in again.left_out


def test_every_run_has_its_numbers(results):
  dmg, other, cloned = results["runs"]
  for row in (dmg, other):
    assert np.shape(row["q"]) == np.shape(row["returns"]) == (len(settings.EPSILONS), 3)
    gaps = np.array(row["gaps"])
    np.testing.assert_allclose(gaps[0], 0, atol=1e-3)
    # At the horizon all that is left is what the discount leaves of the last Q.
    errors = np.array(row["q"][0]) - np.array(row["returns"][0])
    np.testing.assert_allclose(gaps[-1], errors, atol=0.01)
  assert "q" not in cloned
  for row in results["runs"]:
    assert len(row["shift"]) == 5
    assert 0 <= row["distance"]["nearest"] <= row["distance"]["same_row"] <= 2 * math.sqrt(3)
  assert dmg["q"] != other["q"]


def test_a_selection_takes_the_named_points_and_whatever_cannot_choose(files):
  run_dirs, data = [str(files / "grid"), str(files / "bc")], [str(files / "jumps.npz")]

  def names(**wanted):
    return [one.name for one in gather(run_dirs, data, Selection(**wanted)).subjects]

  assert names(lams=[1.0], nus=[0.1]) == ["DMG, lambda 1, nu 0.1", "BC"]
  assert names(nus=[10.0]) == ["BC"]
  assert len(names(seeds=[0])) == 3
  with pytest.raises(UserError, match=r"no run in .* is left: all diverged, or --lam"):
    names(seeds=[7])


def test_q_is_the_critics(files, gathered, results):
  """Its values at the data's own actions, from the stored state by hand."""
  stored = gathered.subjects[0].stored
  state, row = stored.state, results["runs"][0]
  dataset = next(iter(gathered.datasets.values()))
  scaling = stored.scaling
  observations = scaling.observe(dataset.transitions.observations)
  layers = state.critic.parameters["params"]["critics"]
  hidden = np.concatenate([observations, dataset.transitions.actions], axis=1)
  values = []
  for critic in range(2):
    outputs = hidden
    for number in range(3):
      layer = layers[f"layer_{number}"]
      outputs = outputs @ layer["kernel"][critic] + layer["bias"][critic]
      outputs = outputs if number == 2 else np.maximum(outputs, 0)
    values.append(outputs[:, 0])
  smallest = np.minimum(*values)
  found = Critic(stored)(dataset.transitions.observations, dataset.transitions.actions)
  np.testing.assert_allclose(found, smallest, rtol=1e-4, atol=1e-5)
  for value in row["q"][0]:
    assert np.abs(smallest - value).min() < 1e-3


def test_values_of_a_run_with_scaled_rewards_are_in_the_data_s_rewards(gathered):
  stored = gathered.subjects[0].stored
  point = stored.run["point"] | {"reward_scale": 0.1}
  scaled = stored._replace(run={**stored.run, "point": point})
  transitions = next(iter(gathered.datasets.values())).transitions
  plain = Critic(stored)(transitions.observations, transitions.actions)
  found = Critic(scaled)(transitions.observations, transitions.actions)
  np.testing.assert_allclose(found, 10 * plain, rtol=1e-6)


def test_the_number_of_workers_changes_no_number(gathered, results):
  assert json.loads(json.dumps(study.measure(gathered, SMALL, workers=2))) == results


def test_the_page_and_pictures_are_made_from_the_stored_numbers(results, tmp_path):
  stored = {"command": "c", "device": "d", "versions": {"jax": "1"}, "seconds": 2.0, **results}
  result, page = tmp_path / "g.json", tmp_path / "g.md"
  result.write_text(json.dumps(stored))
  generalisation.publish(result, page)
  text = page.read_text()
  pictures = sorted(path.name for path in tmp_path.glob("*.png"))
  assert pictures == [f"generalisation_{kind}_hopper.png" for kind in ("chain", "rays", "shift")]
  assert all(f"({name})" in text for name in pictures)
  assert "Without critics, so without Q: BC." in text
  assert "lambda 1, against lambda 0" in text
  before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
  generalisation.publish(result, page)
  assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_compared_is_refused_in_one_line(files, tmp_path):
  grid, data = str(files / "grid"), str(files / "jumps.npz")
  other = tmp_path / "other.npz"
  arrays.write(other, recorded()[:6], "Hopper-v4", {}, None)
  leave(tmp_path / "discounted", Path(data), RUNS["grid"][:1], label=" (discount 0.9)")
  cases = {
    "name one or several": ([], []),
    "is no run directory": ([str(tmp_path)], []),
    "differ in more than lambda, nu": ([grid, str(tmp_path / "discounted")], [data]),
    "there is no data set|holds other data": ([grid], [str(other)]),
  }
  for message, (run_dirs, named) in cases.items():
    with pytest.raises(UserError, match=message) as told:
      gather(run_dirs, named)
    assert "\n" not in str(told.value)
  for changes in ({"starts": 2}, {"horizon": 10}, {"episodes": 0}, {"seed": -1}):
    with pytest.raises(UserError, match=f"--{next(iter(changes))} is"):
      settings.check(SMALL._replace(**changes))
  with pytest.raises(UserError, match="no critic"):
    Critic(StoredRuns(files / "bc").run())


def test_the_stored_page_is_made_from_the_stored_numbers(tmp_path):
  result = tmp_path / "benchmarks" / "results" / generalisation.RESULT.name
  page = tmp_path / "docs" / generalisation.PAGE.name
  for path in (result, page):
    path.parent.mkdir(parents=True)
  shutil.copy(generalisation.RESULT, result)
  generalisation.publish(result, page)
  assert page.read_text(encoding="utf-8") == generalisation.PAGE.read_text(encoding="utf-8")
  drawn = {path.name for path in result.parent.glob("*.png")}
  assert drawn == {path.name for path in generalisation.RESULT.parent.glob("generalisation_*.png")}
