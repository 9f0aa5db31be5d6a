"""The main job in process: what it leaves, and what it refuses."""

import json

import numpy as np
import pytest
from experiments.test_settings import make_config

import dmg_jax
from dmg_jax import run_log
from dmg_jax.data import dataset as data_set
from dmg_jax.errors import UserError
from dmg_jax.experiments import offline, settings
from dmg_jax.types import Transitions

TINY = {
  "seeds": 2,
  "steps": 12,
  "batch_size": 8,
  "hidden_sizes": (8, 8),
  "log_interval": 4,
  "evaluation_interval": 4,
  "evaluation_episodes": 2,
  "checkpoint_interval": 8,
}


def pendulum(rows=100, **changes) -> data_set.Dataset:
  generator = np.random.default_rng(0)
  transitions = Transitions(
    observations=np.float32(3 + 2 * generator.normal(size=(rows, 3))),
    actions=np.float32(generator.uniform(-2, 2, (rows, 1))),
    rewards=np.float32(generator.normal(size=rows)),
    next_observations=np.float32(3 + 2 * generator.normal(size=(rows, 3))),
    not_dones=np.ones(rows, np.float32),
  )
  return data_set.build(
    transitions.replace(**changes),
    name="pendulum",
    kind="npz",
    env_id="Pendulum-v1",
    episode_returns=np.array([-10.0, -12.0]),
  )


def job_for(dataset, **changes):
  config = make_config(**{**TINY, **changes})
  settings.check(config)
  return settings.resolve(config, dataset)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  directory = tmp_path_factory.mktemp("run")
  lines = []
  outcome = offline.train(job_for(pendulum()), pendulum(), directory, lines.append)
  return directory, outcome


def test_the_run_directory_describes_itself(finished):
  directory, outcome = finished
  names = {path.name for path in directory.iterdir()}
  assert {
    "config.json", "metrics.jsonl", "evaluations.jsonl", "timing.jsonl", "summary.json",
    "curves.png", "checkpoints", "tensorboard",
  } <= names  # fmt: skip
  assert json.loads((directory / "config.json").read_text())["dataset"] == "pendulum"
  summary = json.loads((directory / "summary.json").read_text())
  assert {"jax", "mujoco", "python"} <= set(summary["versions"])
  assert summary["config"]["data_sha256"] == pendulum().sha256
  assert "return" in outcome.table
  assert list(directory.glob("tensorboard/seed_0/events.*"))
  assert list(directory.glob("tensorboard/seed_1/events.*"))


def test_every_step_is_logged_once(finished):
  directory, _ = finished
  metrics = run_log.read(directory, run_log.METRICS)
  assert [(row["step"], row["seed"]) for row in metrics] == [
    (step, seed) for step in (4, 8, 12) for seed in (0, 1)
  ]
  assert {"critic_loss", "value_loss", "actor_loss", "q", "v", "clipped_weights", "lam", "nu"} <= (
    set(metrics[0])
  )
  evaluations = run_log.read(directory, run_log.EVALUATIONS)
  assert [(row["step"], row["seed"], row["episode"]) for row in evaluations] == [
    (step, seed, episode) for step in (4, 8, 12) for seed in (0, 1) for episode in (0, 1)
  ]
  assert {row["length"] for row in evaluations} == {200}
  timing = {row["what"] for row in run_log.read(directory, run_log.TIMING)}
  assert timing == {"compile", "train", "evaluation", "checkpoint"}


def test_load_policy_takes_raw_observations(finished):
  """It equals the network on normalised observations, in the environment's units."""
  directory, _ = finished
  policy = dmg_jax.load_policy(directory, seed=1)
  observations = pendulum().transitions.observations[:5]
  actions = policy(observations)
  assert actions.shape == (5, 1)
  assert np.abs(actions).max() <= 2
  np.testing.assert_allclose(policy(observations[0]), actions[0], rtol=1e-5)
  other = dmg_jax.load_policy(directory)(observations)
  assert not np.allclose(actions, other)
  tree, _ = offline.Checkpoints(directory).restore(12)
  rows = pendulum().transitions.observations
  np.testing.assert_allclose(tree["scaling"]["observation_mean"], rows.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(
    tree["scaling"]["observation_scale"], rows.std(axis=0) + 1e-3, rtol=1e-5
  )
  hidden = (observations - tree["scaling"]["observation_mean"]) / tree["scaling"][
    "observation_scale"
  ]
  layers = tree["runs"]["states"]["actor"]["parameters"]["params"]["policy"]
  for layer in range(3):
    hidden = hidden @ layers[f"layer_{layer}"]["kernel"][1] + layers[f"layer_{layer}"]["bias"][1]
    hidden = np.maximum(hidden, 0) if layer < 2 else np.tanh(hidden)
  np.testing.assert_allclose(actions, 2 * hidden, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", [7, -1])
def test_load_policy_refuses_an_unknown_seed(finished, seed):
  with pytest.raises(UserError, match=f"no seed {seed}; it has 0, 1"):
    dmg_jax.load_policy(finished[0], seed=seed)


def test_load_policy_refuses_what_is_no_run(tmp_path):
  with pytest.raises(UserError, match="no run directory"):
    dmg_jax.load_policy(tmp_path)


def test_the_same_job_gives_the_same_bits(finished, tmp_path):
  offline.train(job_for(pendulum()), pendulum(), tmp_path, print)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / name).read_bytes() == (finished[0] / name).read_bytes()


def test_without_a_simulator_it_trains_and_exports(tmp_path):
  box = {"action_low": np.array([-2.0]), "action_high": np.array([2.0])}
  dataset = pendulum()._replace(env_id=None, episode_returns=np.array([]), **box)
  outcome = offline.train(job_for(dataset), dataset, tmp_path, print)
  assert "no simulator" in outcome.table
  assert run_log.read(tmp_path, run_log.EVALUATIONS) == []
  assert dmg_jax.load_policy(tmp_path)(np.zeros(3)).shape == (1,)


def test_a_diverging_job_is_reported_and_exits_with_its_last_finite_state(tmp_path):
  """Rewards near the end of float32's range overflow in the critics' loss."""
  dataset = pendulum(rewards=np.full(100, 3e38, np.float32))
  outcome = offline.train(job_for(dataset), dataset, tmp_path, print)
  assert "diverged at step 0" in outcome.table
  assert any("diverged" in hint for hint in outcome.hints)
  summary = json.loads((tmp_path / "summary.json").read_text())
  assert summary["frozen_at"] == [0, 0]
  assert summary["results"]["last"]["seeds"] == 0
  assert run_log.read(tmp_path, run_log.METRICS) == []
  with pytest.raises(UserError, match="every run"):
    dmg_jax.load_policy(tmp_path)


def test_no_action_that_is_no_number_reaches_a_simulator(tmp_path, monkeypatch):
  """A policy that gives NaN freezes its run at the evaluation; the other is evaluated."""
  original = offline.training.gather

  def poison(tree, count):
    tree = original(tree, count)
    if isinstance(tree, dict) and set(tree) == {"params"}:
      kernel = tree["params"]["policy"]["layer_0"]["kernel"]
      kernel[1] = np.nan
    return tree

  monkeypatch.setattr(offline.training, "gather", poison)
  outcome = offline.train(job_for(pendulum()), pendulum(), tmp_path, print)
  assert "diverged at step 4" in outcome.table
  rows = run_log.read(tmp_path, run_log.EVALUATIONS)
  assert {row["seed"] for row in rows} == {0}
  assert len(rows) == 6
  assert np.isfinite([row["return"] for row in rows]).all()


@pytest.mark.parametrize(
  ("config", "changes", "message"),
  [
    ({"env": "Hopper-v4"}, {}, "observations have 3 numbers, but those of Hopper-v4 have 11"),
    ({"env": "NoSuch-v0"}, {}, "environment 'NoSuch-v0' cannot be made"),
    ({"env": "CartPole-v1"}, {}, "actions must be a bounded continuous box"),
    ({}, {"actions": np.full((100, 1), 2.5, np.float32)}, "--config.clip_actions=True"),
  ],
)
def test_data_that_do_not_fit_change_nothing_on_disk(tmp_path, config, changes, message):
  dataset = pendulum(**changes)
  with pytest.raises(UserError, match=message) as error:
    offline.train(job_for(dataset, **config), dataset, tmp_path / "run", print)
  assert "\n" not in str(error.value)
  assert not (tmp_path / "run").exists()


def test_moved_rewards_train_and_the_scores_stay(tmp_path):
  """A reward of 1 moved by -1 equals a reward of 0, but for the hash of the data."""
  one = pendulum(rewards=np.ones(100, np.float32))
  lines = []
  offline.train(job_for(one, reward_shift=-1.0), one, tmp_path / "one", lines.append)
  assert "rewards moved by -1, to between 0 and 0" in lines
  zero = pendulum(rewards=np.zeros(100, np.float32))
  offline.train(job_for(zero), zero, tmp_path / "zero", print)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "zero" / name).read_bytes()


def test_clipped_actions_are_announced(tmp_path):
  dataset = pendulum(actions=np.full((100, 1), 2.5, np.float32))
  lines = []
  offline.train(job_for(dataset, clip_actions=True), dataset, tmp_path, lines.append)
  assert any("clip" in line for line in lines)


def test_a_directory_in_use_or_of_something_else_is_refused(tmp_path):
  lock = offline.run_directory.claim(tmp_path / "run", {"a": 1}, frozenset())
  with pytest.raises(UserError, match="in use by another process"):
    offline.run_directory.claim(tmp_path / "run", {"a": 1}, frozenset())
  lock.close()
  with pytest.raises(UserError, match="a 1 -> 2"):
    offline.run_directory.claim(tmp_path / "run", {"a": 2}, frozenset())
  (tmp_path / "thesis").mkdir()
  (tmp_path / "thesis" / "chapter.txt").write_text("precious")
  with pytest.raises(UserError, match="not empty and no run directory"):
    offline.run_directory.claim(tmp_path / "thesis", {"a": 1}, frozenset())
