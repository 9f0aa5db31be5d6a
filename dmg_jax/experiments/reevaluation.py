"""Evaluates the policies of a run directory again, with as many episodes as one likes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax import run_config, run_directory
from dmg_jax.data import catalog
from dmg_jax.envs.make import limited
from dmg_jax.errors import UserError
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.policy import Policy, load_policy
from dmg_jax.tasks import NO_ENVIRONMENT

_MOST_EPISODES = 100_000


class Evaluated(NamedTuple):
  """What one run's newest policy scores.

  Attributes:
    run: its id.
    returns: (E,) of the episodes; NaN where an action was not finite.
    scores: the same, normalised; None without reference returns.
  """

  run: str
  returns: np.ndarray
  scores: np.ndarray | None


def reevaluate(
  run_dir: str, episodes: int, seed: int, runs: Sequence[str] = ()
) -> Iterator[Evaluated]:
  """Plays episodes with the newest policies of a run directory, which stays as it is.

  Args:
    run_dir: of a training, finished or not.
    episodes: of each run.
    seed: of the episodes; those of training have the job's `evaluation_seed`.
    runs: ids; all that did not diverge, if none is named.

  Raises:
    UserError: for a directory, run or number that is not there, or no simulator.
  """
  if not 1 <= episodes <= _MOST_EPISODES:
    raise UserError(f"--episodes is {episodes}, but it must be from 1 to {_MOST_EPISODES}")
  if not 0 <= seed <= 2**32 - 2:
    raise UserError(f"--seed is {seed}, but it must be from 0 to {2**32 - 2}")
  directory = run_directory.expand(run_dir)
  config = run_directory.read_config(directory, run_config.TRAININGS)
  tasks = {task["name"]: task for task in config["tasks"]}
  for task in tasks.values():
    if task["env"] == NO_ENVIRONMENT:
      raise UserError(f"{task['name']} was trained without a simulator; there is none to play in")
  policies = [load_policy(directory, run) for run in runs] or _active(directory, config)
  for policy in policies:
    task = tasks[policy.run["task"]]
    kwargs = limited(task["env"], task["env_kwargs"], task["step_limit"])
    simulators = Simulators(task["env"], kwargs)
    try:
      seeds = episode_seeds(seed, [policy.run["seed"]], 0, episodes)
      returns = evaluate(simulators, _policies(policy), seeds).returns[0]
    finally:
      simulators.close()
    scores = None
    if task["reference"] is not None:
      scores = catalog.normalised_score(returns, tuple(task["reference"]))
    yield Evaluated(policy.run["id"], returns, scores)


def _active(directory: Path, config: Mapping[str, Any]) -> list[Policy]:
  """The policies of the runs that did not diverge."""
  found = []
  for run in config["runs"]:
    try:
      found.append(load_policy(directory, run["id"]))
    except UserError as error:
      if "diverged" not in str(error):
        raise
  if not found:
    raise UserError(f"every run in {directory} diverged")
  return found


def _policies(policy: Policy) -> Policies:
  actors, scalings = jax.tree.map(
    lambda leaf: np.asarray(leaf)[None],
    (policy.parameters["policy"], policy.parameters["scaling"]),
  )
  return Policies(policy.agent.act, actors, scalings)
