"""Which runs play together, and whose rows they give."""

import jax
import numpy as np
import pytest

from dmg_jax.data.scaling import Scaling
from dmg_jax.evaluation import Evaluation
from dmg_jax.experiments import evaluations
from dmg_jax.plan import Run
from dmg_jax.tasks import Task
from dmg_jax.training import ACTIVE

ENVIRONMENTS = {"a": "Hopper-v4", "b": "HalfCheetah-v4", "c": "Hopper-v4", "d": "none"}


class Stub:
  """A population whose policies are the places of its runs; the second one diverged."""

  agent = type("Agent", (), {"act": None})

  def policies(self):
    return {"place": np.arange(len(RUNS))}

  def frozen_at(self):
    return np.array([ACTIVE, 7, ACTIVE, ACTIVE, ACTIVE])


TASKS = {
  name: Task(name, name, "minari", "", env, {}, None, True, False, 0.0, (0.0, float(100)))
  for name, env in ENVIRONMENTS.items()
}
RUNS = [
  Run(f"{task},seed={seed}", task, "dmg", "DMG", {}, seed, 0)
  for task, seed in (("a", 0), ("a", 1), ("b", 0), ("c", 0), ("d", 0))
]


@pytest.fixture
def played(monkeypatch):
  """What went to each evaluation; a run returns its place, and b's a number that is not one."""
  calls = []

  def evaluate(simulators, policies, seeds):
    calls.append((simulators, policies, seeds))
    returns = np.repeat(policies.actors["place"].astype(float)[:, None], seeds.shape[1], axis=1)
    returns[returns == 2] = np.nan
    return Evaluation(returns, np.ones(seeds.shape, np.int64))

  monkeypatch.setattr(evaluations, "evaluate", evaluate)
  return calls


def test_tasks_of_one_environment_play_in_one_call_with_scalings_of_their_own(played):
  hopper, cheetah = object(), object()
  scalings = {
    name: jax.tree.map(lambda leaf: leaf + shift, Scaling(*[np.zeros(2)] * 4))  # noqa: B023
    for shift, name in enumerate(TASKS)
  }
  settings = {"evaluation_seed": 0, "evaluation_episodes": 2}
  found = evaluations.evaluate_runs(
    evaluations.work_of(RUNS, Stub()),
    {"a": hopper, "b": cheetah, "c": hopper},
    scalings,
    TASKS,
    10,
    settings,
  )
  assert [call[0] for call in played] == [hopper, cheetah]
  _, policies, seeds = played[0]
  assert list(policies.actors["place"]) == [0, 3]
  assert [row[0] for row in policies.scalings.observation_mean] == [0, 2]
  # Episodes have seeds from the run's seed and the step alone.
  assert (seeds[0] == seeds[1]).all()
  assert found.not_finite == [2]
  assert {run: [row["score"] for row in rows] for run, rows in found.rows.items()} == {
    "a,seed=0": [0.0, 0.0],
    "c,seed=0": [3.0, 3.0],
  }
