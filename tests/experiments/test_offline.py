"""The main job in process: what it leaves, and what it refuses."""

import json

import jax
import numpy as np
import pytest
from small_jobs import EPISODE, pendulum, train

from dmg_jax import checkpoints, evaluation, load_policy, run_directory, run_log
from dmg_jax.errors import UserError
from dmg_jax.population import Population

RUNS = ["dmg,seed=0", "dmg,seed=1"]
PAIR = ["a,dmg,seed=0", "b,dmg,seed=0"]


def halves(**changes):
  """Two data sets, of which the second has some fields changed; together of the usual size."""
  return [pendulum("a", rows=50), pendulum("b", rows=50, seed=1, **changes)]


def rows_of(directory, name, run):
  return [row for row in run_log.read(directory, name) if row["run"] == run]


def final(directory):
  return checkpoints.restore_latest(directory).tree


def assert_same(first, second):
  jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  directory = tmp_path_factory.mktemp("run")
  outcome = train([pendulum()], directory)
  return directory, outcome


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
  """A run on each of two data sets."""
  directory = tmp_path_factory.mktemp("pair")
  train(halves(), directory, seeds=1)
  return directory


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
  """Two data sets, methods, points and seeds."""
  directory = tmp_path_factory.mktemp("grid")
  outcome = train(halves(), directory, methods="dmg,td3_bc", discount=(0.9, 0.99))
  return directory, outcome


def test_the_run_directory_describes_itself(finished):
  directory, outcome = finished
  names = {path.name for path in directory.iterdir()}
  assert {
    "config.json", "metrics.jsonl", "evaluations.jsonl", "timing.jsonl", "summary.json",
    "curves.png", "checkpoints", "tensorboard",
  } <= names  # fmt: skip
  config = json.loads((directory / "config.json").read_text())
  assert [run["id"] for run in config["runs"]] == RUNS
  assert config["tasks"][0]["sha256"] == pendulum().sha256
  assert config["invocation"] == ["launch/main.py", "--config=configs/mujoco.py"]
  summary = json.loads((directory / "summary.json").read_text())
  assert {"jax", "mujoco", "python"} <= set(summary["versions"])
  assert summary["frozen_at"] == dict.fromkeys(RUNS)
  assert "return" in outcome.table
  assert not outcome.all_diverged
  for run in RUNS:
    assert list(directory.glob(f"tensorboard/{run}/events.*"))


def test_every_step_is_logged_once(finished):
  directory, _ = finished
  metrics = run_log.read(directory, run_log.METRICS)
  assert [(row["step"], row["run"]) for row in metrics] == [
    (step, run) for step in (4, 8, 12) for run in RUNS
  ]
  assert {"critic_loss", "value_loss", "actor_loss", "q", "v", "clipped_weights", "lam", "nu"} <= (
    set(metrics[0])
  )
  evaluations = run_log.read(directory, run_log.EVALUATIONS)
  assert [(row["step"], row["run"], row["episode"]) for row in evaluations] == [
    (step, run, episode) for step in (4, 8, 12) for run in RUNS for episode in (0, 1)
  ]
  assert {row["length"] for row in evaluations} == {EPISODE}
  timing = [(row["step"], row["what"]) for row in run_log.read(directory, run_log.TIMING)]
  assert timing == [
    (0, "compile"),
    (0, "train"), (4, "evaluation"),
    (4, "train"), (8, "evaluation"), (8, "checkpoint"),
    (8, "train"), (12, "evaluation"), (12, "checkpoint"),
  ]  # fmt: skip


def test_load_policy_takes_raw_observations(finished):
  """It equals the network on normalised observations, in the environment's units."""
  directory, _ = finished
  policy = load_policy(directory, RUNS[1])
  observations = pendulum().transitions.observations[:5]
  actions = policy(observations)
  assert actions.shape == (5, 1)
  assert np.abs(actions).max() <= 2
  np.testing.assert_allclose(policy(observations[0]), actions[0], rtol=1e-5)
  assert not np.allclose(actions, load_policy(directory)(observations))
  tree = final(directory)
  scaling = tree["scalings"]["0"]
  rows = pendulum().transitions.observations
  np.testing.assert_allclose(scaling["observation_mean"], rows.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(scaling["observation_scale"], rows.std(axis=0) + 1e-3, rtol=1e-5)
  hidden = (observations - scaling["observation_mean"]) / scaling["observation_scale"]
  layers = tree["populations"]["0"]["states"]["actor"]["parameters"]["params"]["policy"]
  for layer in range(3):
    hidden = hidden @ layers[f"layer_{layer}"]["kernel"][1] + layers[f"layer_{layer}"]["bias"][1]
    hidden = np.maximum(hidden, 0) if layer < 2 else np.tanh(hidden)
  np.testing.assert_allclose(actions, 2 * hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("workers", [1, 3])
def test_bits_do_not_depend_on_the_number_of_workers(finished, tmp_path, workers):
  """Nor on the process: it is the same job once more."""
  train([pendulum()], tmp_path, workers=workers)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / name).read_bytes() == (finished[0] / name).read_bytes()
  assert_same(final(tmp_path), final(finished[0]))


def test_a_run_is_the_same_in_any_company(pair, grid):
  """Neighbours and the place in the plan change no bit; what is another run is another."""
  few, many = (final(directory)["populations"]["0"]["states"] for directory in (pair, grid[0]))
  runs = run_directory.read_config(grid[0])["runs"]
  ids = [run["id"] for run in runs if run["population"] == 0]
  same = [f"{task},dmg,discount=0.99,seed=0" for task in ("a", "b")]
  places = [ids.index(run) for run in same]
  assert_same(few, jax.tree.map(lambda leaf: leaf[places], many))
  for there, here in zip(same, PAIR, strict=True):
    for name in (run_log.METRICS, run_log.EVALUATIONS):
      theirs = [row | {"run": here} for row in rows_of(grid[0], name, there)]
      assert rows_of(pair, name, here) == theirs
  kernels = jax.tree.leaves(many["critic"]["parameters"])[0]
  assert len({row.tobytes() for row in kernels}) == len(ids) == 8


def test_a_grid_is_a_program_for_each_method_and_one_group_for_each_row(grid):
  """DMG and TD3+BC, whatever the points, seeds and data sets: each compiled once."""
  directory, outcome = grid
  timing = run_log.read(directory, run_log.TIMING)
  assert [row["what"] for row in timing].count("compile") == 2
  groups = [(group.task, group.label, tuple(group.seeds)) for group in outcome.groups]
  assert groups == [
    (task, label, (0, 1))
    for task in ("a", "b")
    for label in _labels("DMG", 3) + _labels("TD3+BC", 2)
  ]
  for group in outcome.groups:
    for row, run in enumerate(group.runs):
      values = [
        r["return"] for r in rows_of(directory, run_log.EVALUATIONS, run) if r["step"] == 12
      ]
      np.testing.assert_allclose(group.scores[row, -1], np.mean(values))
  summary = json.loads((directory / "summary.json").read_text())
  assert [group["label"] for group in summary["groups"]] == [label for _, label, _ in groups]


def _labels(title, networks):
  small = ", ".join(f"{n}_hidden_sizes 8x8" for n in ("actor", "critic", "value")[:networks])
  return [f"{title} (discount 0.9, batch_size 8, {small})", f"{title} (batch_size 8, {small})"]


def test_populations_on_the_same_data_share_one_copy(tmp_path, monkeypatch):
  """Two delays are two programs; each is compiled once for all its chunks."""
  made = []
  original = Population.__init__

  def noted(self, *arguments, **keywords):
    original(self, *arguments, **keywords)
    made.append(self)

  monkeypatch.setattr(Population, "__init__", noted)
  train([pendulum()], tmp_path, policy_delay=(2, 1), seeds=1, steps=8)
  assert len(made) == 2
  first, second = (jax.tree.leaves(one.data) for one in made)
  for ours, theirs in zip(first, second, strict=True):
    assert ours.unsafe_buffer_pointer() == theirs.unsafe_buffer_pointer()
  timing = run_log.read(tmp_path, run_log.TIMING)
  assert [row["what"] for row in timing].count("compile") == 2


def test_without_a_simulator_it_trains_and_exports(tmp_path):
  box = {"action_low": np.array([-2.0]), "action_high": np.array([2.0])}
  dataset = pendulum(env_id=None)._replace(episode_returns=np.array([]), **box)
  outcome = train([dataset], tmp_path)
  assert "no simulator" in outcome.table
  assert run_log.read(tmp_path, run_log.EVALUATIONS) == []
  assert load_policy(tmp_path)(np.zeros(3)).shape == (1,)


def test_a_run_that_diverges_freezes_while_its_neighbour_goes_on(pair, tmp_path):
  """Rewards near the end of float32's range overflow in the critics' loss."""
  outcome = train(halves(rewards=np.full(50, 3e38, np.float32)), tmp_path, seeds=1)
  assert not outcome.all_diverged
  assert [tuple(group.frozen_at) for group in outcome.groups] == [(-1,), (0,)]
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert run_log.read(tmp_path, name) == rows_of(pair, name, PAIR[0])
  states, expected = (final(path)["populations"]["0"]["states"] for path in (tmp_path, pair))
  first = [jax.tree.map(lambda leaf: leaf[0], tree) for tree in (states, expected)]
  assert_same(*first)
  with pytest.raises(UserError, match="diverged at step 0"):
    load_policy(tmp_path, PAIR[1])
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(states))


def test_a_job_whose_runs_all_diverged_ends_at_once(tmp_path):
  """Its last finite state is kept; started again it trains no more."""
  dataset = pendulum(rewards=np.full(100, 3e38, np.float32))
  lines = []
  for _ in range(2):
    outcome = train([dataset], tmp_path, lines.append, steps=1_000_000)
    assert outcome.all_diverged
    assert "diverged at step 0" in outcome.table
    assert any("diverged" in hint for hint in outcome.hints)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["frozen_at"] == dict.fromkeys(RUNS, 0)
    assert summary["groups"][0]["last"]["seeds"] == 0
    assert run_log.read(tmp_path, run_log.METRICS) == []
    timing = [row["what"] for row in run_log.read(tmp_path, run_log.TIMING)]
    assert timing.count("train") == 1
  assert lines[-1].startswith("finished already")
  with pytest.raises(UserError, match="every run"):
    load_policy(tmp_path)


def test_no_action_that_is_no_number_reaches_a_simulator(tmp_path, monkeypatch):
  """A policy that gives NaN freezes its run at the evaluation; the other is evaluated."""
  original = Population.policies

  def poisoned(self):
    found = jax.tree.map(np.array, original(self))
    found["params"]["policy"]["layer_0"]["kernel"][1] = np.nan
    return found

  monkeypatch.setattr(Population, "policies", poisoned)
  outcome = train([pendulum()], tmp_path)
  assert "diverged at step 4" in outcome.table
  rows = run_log.read(tmp_path, run_log.EVALUATIONS)
  assert {row["run"] for row in rows} == {RUNS[0]}
  assert len(rows) == 6
  assert np.isfinite([row["return"] for row in rows]).all()
  assert {row["step"] for row in rows_of(tmp_path, run_log.METRICS, RUNS[1])} == {4}


@pytest.mark.parametrize(
  ("config", "changes", "message"),
  [
    ({"env": "Hopper-v4"}, {}, "observations have 3 numbers, but those of Hopper-v4 have 11"),
    ({"env": "NoSuch-v0"}, {}, "environment 'NoSuch-v0'.* cannot be made"),
    ({"env": "CartPole-v1"}, {}, "actions must be a bounded continuous box"),
    ({"env_kwargs": {"wings": 2}}, {}, "with {'wings': 2} cannot be made"),
    ({}, {"actions": np.full((100, 1), 2.5, np.float32)}, "allow clipping .setting clip_actions."),
  ],
)
def test_data_that_do_not_fit_change_nothing_on_disk(tmp_path, config, changes, message):
  with pytest.raises(UserError, match=message) as error:
    train([pendulum(**changes)], tmp_path / "run", **config)
  assert "\n" not in str(error.value)
  assert not (tmp_path / "run").exists()


def test_moved_rewards_train_and_the_scores_stay(tmp_path):
  """A reward of 1 moved by -1 equals a reward of 0, but for the hash of the data."""
  lines = []
  one = pendulum(rewards=np.ones(100, np.float32))
  train([one], tmp_path / "one", lines.append, reward_shift=-1.0, steps=4)
  assert "pendulum: rewards moved by -1, to between 0 and 0" in lines
  zero = pendulum(rewards=np.zeros(100, np.float32))
  train([zero], tmp_path / "zero", steps=4)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "zero" / name).read_bytes()


def test_clipped_actions_are_announced(tmp_path):
  dataset = pendulum(actions=np.full((100, 1), 2.5, np.float32))
  lines = []
  outcome = train([dataset], tmp_path, lines.append, clip_actions=True, steps=4)
  assert any("clip" in line for line in lines)
  assert outcome.groups[0].label.startswith("DMG (batch_size 8")
  assert "clip_actions True" in outcome.groups[0].label


def test_steps_may_grow_to_the_rows_of_a_longer_job(finished, tmp_path):
  """Also from a step between two evaluations; they may not shrink, nothing else may change."""
  train([pendulum()], tmp_path, steps=10)
  assert {row["step"] for row in run_log.read(tmp_path, run_log.EVALUATIONS)} == {4, 8, 10}
  train([pendulum()], tmp_path, steps=12)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / name).read_bytes() == (finished[0] / name).read_bytes()
  assert_same(final(tmp_path), final(finished[0]))
  before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
  for changes, line in (
    ({"steps": 8}, "steps 12 -> 8 .it may grow, not shrink"),
    ({"discount": 0.9}, "discount 0.99 -> 0.9"),
    ({"seeds": 3}, "runs .* -> "),
  ):
    with pytest.raises(UserError, match=line) as error:
      train([pendulum()], tmp_path, **changes)
    assert "\n" not in str(error.value)
  assert {path: path.read_bytes() for path in before} == before


def test_started_again_when_finished_it_only_reports(finished):
  directory, outcome = finished
  before = {path: path.read_bytes() for path in directory.glob("*.jsonl")}
  lines = []
  again = train([pendulum()], directory, lines.append)
  assert again.table == outcome.table
  assert "finished already: the checkpoint of step 12 is the last" in lines
  assert {path: path.read_bytes() for path in before} == before


def test_simulators_are_closed_and_the_directory_is_free_after_an_error(tmp_path, monkeypatch):
  def fail(*arguments):
    raise RuntimeError("in the middle")

  with monkeypatch.context() as patch:
    patch.setattr(evaluation, "_play", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
      train([pendulum()], tmp_path)
  train([pendulum()], tmp_path)
