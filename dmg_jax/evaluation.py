"""Rolls a population of policies out in simulators.

Every policy plays the same, fixed number of episodes, each in a simulator of
its own and seeded by itself, so that short episodes are not over-represented
and results do not depend on what ran before. All policies and episodes under
way act in one batched call.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax.agents import dmg
from dmg_jax.data.scaling import Scaling
from dmg_jax.envs.make import make, spaces
from dmg_jax.types import Array, Networks, Parameters

CONCURRENT_ENVIRONMENTS = 256


class Policies(NamedTuple):
  """R deterministic policies from raw observations to an environment's actions.

  Attributes:
    networks: their modules.
    actors: parameters, leading axis R.
    scalings: leading axis R.
  """

  networks: Networks
  actors: Parameters
  scalings: Scaling


class Evaluation(NamedTuple):
  """Undiscounted returns and lengths of E episodes of each of R policies.

  Attributes:
    returns: (R, E) float64; NaN for a policy that gave an action that is no number.
    lengths: (R, E) int64 steps.
  """

  returns: np.ndarray
  lengths: np.ndarray


@functools.partial(jax.jit, static_argnames="networks")
def _act(networks: Networks, actors: Parameters, scalings: Scaling, observations: Array) -> Array:
  def one(actor, scaling, rows):
    return scaling.act(dmg.act(networks, actor, scaling.observe(rows)))

  return jax.vmap(one)(actors, scalings, observations)


class Simulators:
  """Environments of one kind, made when first needed and kept.

  Args:
    env_id: a Gymnasium id.
    concurrent: how many episodes may be under way at once.
  """

  def __init__(self, env_id: str, concurrent: int = CONCURRENT_ENVIRONMENTS):
    self.env_id = env_id
    self.concurrent = concurrent
    self._environments: list[gymnasium.Env] = []

  def take(self, count: int) -> list[gymnasium.Env]:
    """`count` environments, in whatever state they were left."""
    while len(self._environments) < count:
      self._environments.append(make(self.env_id))
    return self._environments[:count]

  def close(self) -> None:
    """Frees the simulators."""
    for env in self._environments:
      env.close()
    self._environments.clear()


def episode_seeds(
  evaluation_seed: int, run_seeds: Sequence[int], step: int, episodes: int
) -> np.ndarray:
  """(R, E) seeds, each from (evaluation seed, its run's seed, step, episode) alone."""
  return np.array(
    [
      [
        np.random.SeedSequence((evaluation_seed, int(seed), step, episode)).generate_state(1)[0]
        for episode in range(episodes)
      ]
      for seed in run_seeds
    ]
  ).reshape(len(run_seeds), episodes)


def evaluate(simulators: Simulators, policies: Policies, seeds: np.ndarray) -> Evaluation:
  """Plays E episodes with each of R policies.

  Args:
    simulators: of the environment.
    policies: R of them.
    seeds: (R, E), one for each episode.
  """
  runs, episodes = seeds.shape
  wave = max(1, min(episodes, simulators.concurrent // runs))
  waves = [
    _play(simulators.take(runs * wave), policies, seeds[:, first : first + wave], wave)
    for first in range(0, episodes, wave)
  ]
  return Evaluation(*(np.concatenate(pieces, axis=1) for pieces in zip(*waves, strict=True)))


def _play(
  environments: list[gymnasium.Env], policies: Policies, seeds: np.ndarray, width: int
) -> Evaluation:
  """One episode in each of the first environments, all stepping together.

  The batch keeps `width` columns, so that a narrower last wave compiles nothing.
  """
  runs, episodes = seeds.shape
  size = spaces(environments[0]).observation_size
  observations = np.zeros((runs, width, size), np.float32)
  returns = np.zeros((runs, episodes))
  lengths = np.zeros((runs, episodes), np.int64)
  under_way = {}
  for run, episode in np.ndindex(runs, episodes):
    env = environments[run * episodes + episode]
    observations[run, episode], _ = env.reset(seed=int(seeds[run, episode]))
    under_way[run, episode] = env
  while under_way:
    actions = np.asarray(_act(policies.networks, policies.actors, policies.scalings, observations))
    for (run, episode), env in list(under_way.items()):
      action = actions[run, episode]
      if not np.isfinite(action).all():
        returns[run, episode] = np.nan
        del under_way[run, episode]
        continue
      observation, reward, terminated, truncated, _ = env.step(action)
      observations[run, episode] = observation
      returns[run, episode] += float(reward)
      lengths[run, episode] += 1
      if terminated or truncated:
        del under_way[run, episode]
  return Evaluation(returns, lengths)
