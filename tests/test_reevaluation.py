"""Finished runs are evaluated again; their directory stays as it is."""

import numpy as np
import pytest
from small_jobs import EPISODE, pendulum, train
from snapshots import snapshot

from dmg_jax import run_log
from dmg_jax.errors import UserError
from dmg_jax.evaluation import episode_seeds
from dmg_jax.experiments import reevaluation


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
  directory = tmp_path_factory.mktemp("run")
  train([pendulum()], directory, steps=4)
  return directory


def test_episodes_are_played_with_the_newest_policies(directory):
  before = snapshot(directory)
  found = list(reevaluation.reevaluate(str(directory), 5, seed=3))
  assert [one.run for one in found] == ["dmg,seed=0", "dmg,seed=1"]
  for one in found:
    assert one.returns.shape == (5,)
    assert len(set(one.returns)) == 5
    assert one.scores is None
  assert snapshot(directory) == before
  (again,) = reevaluation.reevaluate(str(directory), 5, seed=3, runs=["dmg,seed=1"])
  np.testing.assert_array_equal(again.returns, found[1].returns)
  (other,) = reevaluation.reevaluate(str(directory), 5, seed=4, runs=["dmg,seed=1"])
  assert not set(other.returns) & set(again.returns)


def test_it_agrees_with_the_jobs_own_evaluation(directory, monkeypatch):
  """With the seeds of the last evaluation, the returns are those of the log."""
  monkeypatch.setattr(
    reevaluation, "episode_seeds", lambda seed, runs, _, e: episode_seeds(seed, runs, 4, e)
  )
  for one in reevaluation.reevaluate(str(directory), 2, seed=0):
    rows = [row for row in run_log.read(directory, run_log.EVALUATIONS) if row["run"] == one.run]
    np.testing.assert_allclose(one.returns, [row["return"] for row in rows], rtol=1e-6)
    assert {row["length"] for row in rows} == {EPISODE}


def test_runs_that_diverged_are_left_out(tmp_path):
  data = [
    pendulum("a", rows=50),
    pendulum("b", rows=50, rewards=np.full(50, 3e38, np.float32)),
  ]
  train(data, tmp_path, steps=4, seeds=1)
  found = list(reevaluation.reevaluate(str(tmp_path), 1, seed=0))
  assert [one.run for one in found] == ["a,dmg,seed=0"]
  with pytest.raises(UserError, match="diverged at step 0"):
    list(reevaluation.reevaluate(str(tmp_path), 1, 0, ["b,dmg,seed=0"]))


@pytest.mark.parametrize(
  ("arguments", "line"),
  [
    ((0, 0), "--episodes is 0, but it must be from 1 to"),
    ((1, -1), "--seed is -1, but it must be from 0"),
    ((1, 2**32), "--seed is 4294967296"),
    ((1, 0, ["dmg,seed=7"]), "has no run 'dmg,seed=7'; it has dmg,seed=0, dmg,seed=1"),
  ],
)
def test_what_is_refused(directory, arguments, line):
  with pytest.raises(UserError) as error:
    list(reevaluation.reevaluate(str(directory), *arguments))
  assert line in str(error.value)


def test_a_run_directory_without_a_simulator_is_refused(tmp_path):
  train([pendulum(env_id=None)], tmp_path, steps=4, clip_actions=True)
  with pytest.raises(UserError, match="pendulum was trained without a simulator"):
    list(reevaluation.reevaluate(str(tmp_path), 1, 0))
