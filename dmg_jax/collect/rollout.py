"""Records a policy that does not learn."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from dmg_jax.agents import dmg
from dmg_jax.data import scaling
from dmg_jax.data.episodes import Episode
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces
from dmg_jax.online.rounds import rounds
from dmg_jax.types import Array, Networks, Parameters

ENVIRONMENTS = 10


class Behaviour(NamedTuple):
  """A policy with noise.

  Attributes:
    networks: its modules.
    actor: its parameters.
    noise: standard deviation of Gaussian noise on actions in [-1, 1].
  """

  networks: Networks
  actor: Parameters
  noise: float


@functools.partial(jax.jit, static_argnames="networks")
def _act(
  networks: Networks, actor: Parameters, observations: Array, seed: Array, round_: Array, noise
) -> Array:
  key = jax.random.fold_in(jax.random.key(seed), round_)
  actions = dmg.act(networks, actor, observations)
  return jnp.clip(actions + noise * jax.random.normal(key, actions.shape), -1, 1)


def roll(env_id: str, behaviour: Behaviour | None, transitions: int, seed: int) -> list[Episode]:
  """The whole episodes among about `transitions` steps of a policy.

  Ten environments share the steps evenly; the episode that each of them has
  under way at the end is left out.

  Args:
    env_id: a Gymnasium id.
    behaviour: the policy; uniform actions, if not given.
    transitions: steps, of which those of unfinished episodes are lost.
    seed: of noise and environments.
  """
  environments = [make(env_id) for _ in range(ENVIRONMENTS)]
  observation_size, low, high = spaces(environments[0])
  units = scaling.for_actions(observation_size, low, high)
  length = -(-transitions // ENVIRONMENTS)
  stream = Stream(length, ENVIRONMENTS, observation_size, len(low), seed)

  def act(round_: int, observations: np.ndarray) -> np.ndarray:
    if behaviour is None:
      # Spawned: (seed, round_) would be the sequence that an episode's seed comes from.
      generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(round_,)))
      return generator.uniform(low, high, (ENVIRONMENTS, len(low))).astype(np.float32)
    actions = _act(
      behaviour.networks,
      behaviour.actor,
      observations,
      np.uint32(seed),
      np.uint32(round_),
      np.float32(behaviour.noise),
    )
    return np.asarray(units.act(actions))

  for _ in tqdm(
    rounds(environments, stream, act), total=length, unit="step", unit_scale=ENVIRONMENTS
  ):
    pass
  for env in environments:
    env.close()
  return stream.episodes(stream.size)
