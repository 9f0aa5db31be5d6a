"""Evaluates the runs of a job: rows for its log."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.data import catalog
from dmg_jax.data.scaling import Scaling
from dmg_jax.envs.make import limited
from dmg_jax.envs.workers import Workers, automatic_workers
from dmg_jax.evaluation import Evaluation, Policies, Simulators, episode_seeds, evaluate
from dmg_jax.plan import Plan, Run
from dmg_jax.population import Population, active
from dmg_jax.tasks import NO_ENVIRONMENT, Task
from dmg_jax.types import Array, Parameters


class Work(NamedTuple):
  """What an evaluation of some runs needs: nothing of it changes while training goes on.

  Attributes:
    runs: of a population.
    act: of their agent.
    policies: NumPy arrays, leading axis R.
    places: of the runs that have not diverged.
  """

  runs: Sequence[Run]
  act: Callable[[Parameters, Array], Array]
  policies: Parameters
  places: np.ndarray


class Evaluated(NamedTuple):
  """What an evaluation found.

  Attributes:
    rows: id of a run -> a row for each episode.
    not_finite: places of the runs whose policy gave a non-finite action.
  """

  rows: dict[str, list[dict[str, Any]]]
  not_finite: list[int]


def simulators(plan: Plan, settings: Mapping[str, Any]) -> tuple[Workers, dict[str, Simulators]]:
  """The simulators of a job, by name of the task; tasks in one environment share theirs.

  Args:
    plan: of the job.
    settings: of the job; no more worker processes than its "workers".

  Returns:
    The workers that all of them share, to be closed, and the simulators.
  """
  environments: dict[str, str] = {}
  arguments: dict[str, tuple[str, dict[str, Any]]] = {}
  for task in plan.tasks:
    if task.env != NO_ENVIRONMENT:
      kwargs = limited(task.env, task.env_kwargs, task.step_limit)
      environments[task.name] = json.dumps([task.env, kwargs], sort_keys=True)
      arguments[environments[task.name]] = task.env, kwargs
  together = Counter((run.population, environments.get(run.task)) for run in plan.runs)
  episodes = max(together.values()) * settings["evaluation_episodes"]
  workers = Workers(automatic_workers(episodes, settings["workers"]))
  made = {name: Simulators(*given, workers=workers) for name, given in arguments.items()}
  return workers, {task: made[name] for task, name in environments.items()}


def work_of(runs: Sequence[Run], population: Population) -> Work:
  """The work of evaluating a population as it is now."""
  places = active(population.frozen_at())
  return Work(runs, population.agent.act, population.policies(), places)


def evaluate_runs(
  work: Work,
  simulators: Mapping[str, Simulators],
  scalings: Mapping[str, Scaling],
  tasks: Mapping[str, Task],
  step: int,
  settings: Mapping[str, Any],
) -> Evaluated:
  """Plays the episodes of every run that has not diverged and has a simulator.

  Args:
    work: from `work_of`.
    simulators, scalings, tasks: by name of the task.
    step: of the runs.
    settings: of the job.
  """
  rows: dict[str, list[dict[str, Any]]] = {}
  not_finite: list[int] = []
  runs = work.runs
  for shared in _simulators_tasks(simulators):
    places = [place for place in work.places if runs[place].task in shared]
    if not places:
      continue
    scaling = jax.tree.map(
      lambda *leaves: np.stack(leaves),
      *(scalings[runs[place].task] for place in places),
    )
    actors = jax.tree.map(lambda leaf: leaf[np.array(places)], work.policies)  # noqa: B023
    seeds = episode_seeds(
      settings["evaluation_seed"],
      [runs[place].seed for place in places],
      step,
      settings["evaluation_episodes"],
    )
    found = evaluate(simulators[shared[0]], Policies(work.act, actors, scaling), seeds)
    for row, place in enumerate(places):
      if np.isnan(found.returns[row]).any():
        not_finite.append(int(place))
      else:
        run = runs[place]
        rows[run.id] = list(_rows(found, row, run.id, step, tasks[run.task]))
  return Evaluated(rows, not_finite)


def _simulators_tasks(simulators: Mapping[str, Simulators]) -> list[list[str]]:
  """The tasks of each of the simulators: their runs play together, in one batched call."""
  shared: dict[int, list[str]] = {}
  for name, one in simulators.items():
    shared.setdefault(id(one), []).append(name)
  return list(shared.values())


def _rows(found: Evaluation, row: int, run: str, step: int, task: Task) -> Iterable[dict[str, Any]]:
  for episode, value in enumerate(found.returns[row]):
    content = {
      "step": step,
      "run": run,
      "episode": episode,
      "return": float(value),
      "length": int(found.lengths[row, episode]),
    }
    if task.reference is not None:
      content["score"] = float(catalog.normalised_score(value, task.reference))
    yield content


def summary(rows: Iterable[Mapping[str, Any]]) -> str:
  """A few words on how an evaluation went."""
  listed = list(rows)
  if not listed:
    return "all runs diverged"
  measure = "score" if all("score" in row for row in listed) else "return"
  return f"{measure} {np.mean([row[measure] for row in listed]):.1f}"
