"""Records a policy that does not learn."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.data import scaling
from dmg_jax.data.episodes import Episode
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import make, spaces, step_limit
from dmg_jax.online.rounds import rounds
from dmg_jax.progress import Progress
from dmg_jax.types import Array, Parameters

_MOST_ENVIRONMENTS = 10


class Behaviour(NamedTuple):
  """A policy with noise.

  Attributes:
    act: of the policy: (parameters, observations) -> actions in [-1, 1]. Another
      function compiles anew.
    actor: its parameters.
    noise: standard deviation of Gaussian noise on actions in [-1, 1].
  """

  act: Callable[[Parameters, Array], Array]
  actor: Parameters
  noise: float


@functools.partial(jax.jit, static_argnames="act")
def _act(
  act: Callable[[Parameters, Array], Array],
  actor: Parameters,
  observations: Array,
  seed: Array,
  round_: Array,
  noise: Array,
) -> Array:
  key = jax.random.fold_in(jax.random.key(seed), round_)
  actions = act(actor, observations)
  return jnp.clip(actions + noise * jax.random.normal(key, actions.shape), -1, 1)


def together(transitions: int, step_limit: int | None) -> int:
  """How many environments share so many steps: ten, or as many as get one episode each."""
  if step_limit is None:
    return _MOST_ENVIRONMENTS
  return max(1, min(_MOST_ENVIRONMENTS, transitions // step_limit))


def roll(
  env_id: str,
  behaviour: Behaviour | None,
  transitions: int,
  seed: int,
  env_kwargs: Mapping[str, Any] | None = None,
) -> list[Episode]:
  """The whole episodes among about `transitions` steps of a policy.

  Environments stepped together share the steps evenly, see `together`; the
  episode that each of them has under way at the end is left out.

  Args:
    env_id: a Gymnasium id.
    behaviour: the policy; uniform actions, if not given.
    transitions: steps, of which those of unfinished episodes are lost.
    seed: of noise and environments.
    env_kwargs: arguments of the environment.
  """
  first = make(env_id, env_kwargs)
  count = together(transitions, step_limit(first))
  environments = [first, *(make(env_id, env_kwargs) for _ in range(count - 1))]
  observation_size, low, high = spaces(first)
  units = scaling.for_actions(observation_size, low, high)
  length = -(-transitions // count)
  stream = Stream(length, count, observation_size, len(low), seed)

  def act(round_: int, observations: np.ndarray) -> np.ndarray:
    if behaviour is None:
      # Spawned: (seed, round_) would be the sequence that an episode's seed comes from.
      generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(round_,)))
      return generator.uniform(low, high, (count, len(low))).astype(np.float32)
    actions = _act(
      behaviour.act,
      behaviour.actor,
      observations,
      np.uint32(seed),
      np.uint32(round_),
      np.float32(behaviour.noise),
    )
    return np.asarray(units.act(actions))

  with Progress(length * count, description="recording", scaled=True) as progress:
    for _ in rounds(environments, stream, act):
      progress.update(count)
  for env in environments:
    env.close()
  return stream.episodes(stream.size)
