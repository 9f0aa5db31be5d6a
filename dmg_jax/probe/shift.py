"""Scores of finished policies in changed worlds and from perturbed starts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax.envs.robots import CHANGED, PHYSICS
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate
from dmg_jax.probe import settings
from dmg_jax.probe.gather import Subject
from dmg_jax.types import Agent

SAME, START = "same", "start"


class World(NamedTuple):
  """One change.

  Attributes:
    what: a quantity of `robots.PHYSICS`, `START` or `SAME`.
    amount: relative change of a quantity, noise of a start, 0 of `SAME`.
  """

  what: str
  amount: float


def worlds(env_id: str) -> list[World]:
  """Every change of a robot that is measured; the unchanged one first."""
  noise = settings.START_NOISE.get(env_id.partition("-")[0], settings.HALF_CHEETAH_START_NOISE)
  return [
    World(SAME, 0.0),
    *(World(what, amount) for what in PHYSICS for amount in settings.CHANGES),
    *(World(START, amount) for amount in noise),
  ]


def arguments(world: World, env_id: str, env_kwargs: Mapping[str, Any]) -> dict[str, Any]:
  """Of `robots.ChangedRobot`, for a world."""
  robot_kwargs, factors = dict(env_kwargs), {}
  if world.what == START:
    robot_kwargs["reset_noise_scale"] = world.amount
  elif world.what != SAME:
    factors[world.what] = 1 + world.amount
  return {"robot": env_id, "robot_kwargs": robot_kwargs, "factors": factors}


def returns(
  world: World,
  task: Mapping[str, Any],
  subjects: Sequence[Subject],
  episodes: int,
  seed: int,
  workers: int,
  done: Callable[[int], None],
) -> np.ndarray:
  """(R, E) undiscounted returns of policies in one world; all play the same episodes.

  Args:
    world: the change.
    task: whose robot it is; one of several with the same.
    subjects: R runs.
    episodes: E of each.
    seed: of the episodes.
    workers: processes of the simulators; 1 means this one.
    done: told how many episodes were played.
  """
  found = np.zeros((len(subjects), episodes))
  arguments_ = arguments(world, task["env"], task["env_kwargs"])
  simulators = Simulators(CHANGED, arguments_, workers=workers)
  try:
    for places in _by_agent(subjects):
      stored = [subjects[place].stored for place in places]
      actors = [run.agent.policy(run.state) for run in stored]
      policies = Policies(
        stored[0].agent.act, _stacked(actors), _stacked([run.scaling for run in stored])
      )
      seeds = episode_seeds(seed, [0] * len(places), 0, episodes)
      found[places] = evaluate(simulators, policies, seeds).returns
      done(len(places) * episodes)
  finally:
    simulators.close()
  return found


def _by_agent(subjects: Sequence[Subject]) -> Iterator[list[int]]:
  """Places of the runs that share a policy's form."""
  groups: dict[Agent, list[int]] = {}
  for place, subject in enumerate(subjects):
    groups.setdefault(subject.stored.agent, []).append(place)
  yield from groups.values()


def _stacked(trees: Sequence[Any]) -> Any:
  return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
