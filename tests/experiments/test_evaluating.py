"""Evaluation beside training: the same rows and states as one that training waits for."""

import threading

import jax
import numpy as np
import pytest
from small_jobs import pendulum, train

from dmg_jax import checkpoints, run_log
from dmg_jax.errors import SimulatorError
from dmg_jax.experiments import evaluating, evaluations
from dmg_jax.population import Population

SECONDS = 60


def lose_the_second_run(monkeypatch, before_it_is_played):
  """Its policy gives numbers that are not finite at step 4."""
  original = evaluations.evaluate_runs

  def evaluated(work, simulators, scalings, tasks, step, settings):
    before_it_is_played(step)
    found = original(work, simulators, scalings, tasks, step, settings)
    if step == 4:
      del found.rows[work.runs[1].id]
      found.not_finite.append(1)
    return found

  monkeypatch.setattr(evaluations, "evaluate_runs", evaluated)


def test_rows_and_states_are_those_of_a_training_that_waits(tmp_path, monkeypatch):
  with monkeypatch.context() as patched:
    lose_the_second_run(patched, lambda step: None)
    train([pendulum()], tmp_path / "waits", seeds=2)
  trained = {step: threading.Event() for step in (4, 8, 12)}
  advance = Population.advance
  ends = iter(trained)

  def advanced(self, cycles):
    metrics = advance(self, cycles)
    trained[next(ends)].set()
    return metrics

  def wait(step):
    """Until the next chunk is trained, also where a checkpoint is due, as at step 8."""
    assert threading.current_thread() is not threading.main_thread()
    assert trained[min(step + 4, 12)].wait(SECONDS), "training waits for the evaluation"

  monkeypatch.setattr(Population, "advance", advanced)
  monkeypatch.setattr(evaluating, "pays", lambda: True)
  lose_the_second_run(monkeypatch, wait)
  train([pendulum()], tmp_path / "goes_on", seeds=2)
  for name in (run_log.METRICS, run_log.EVALUATIONS):
    assert (tmp_path / "goes_on" / name).read_bytes() == (tmp_path / "waits" / name).read_bytes()
  rows = run_log.read(tmp_path / "goes_on", run_log.METRICS)
  assert [row["step"] for row in rows if row["run"] == "dmg,seed=1"] == [4]
  trees = [checkpoints.restore_latest(tmp_path / name).tree for name in ("waits", "goes_on")]
  jax.tree.map(np.testing.assert_array_equal, *trees)
  assert trees[0]["populations"]["0"]["frozen_at"].tolist() == [-1, 4]


def test_what_fails_in_a_simulator_beside_the_training_ends_the_job(tmp_path, monkeypatch):
  def fails(*_):
    raise SimulatorError("the toy broke")

  monkeypatch.setattr(evaluating, "pays", lambda: True)
  monkeypatch.setattr(evaluations, "evaluate_runs", fails)
  with pytest.raises(SimulatorError, match="the toy broke"):
    train([pendulum()], tmp_path, seeds=2)


def test_a_cpu_has_no_core_to_spare():
  assert jax.default_backend() == "cpu"
  assert not evaluating.pays()
