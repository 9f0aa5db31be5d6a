"""The online loop: act, store, learn.

Its uses differ only in the point of the family that learns and in what happens
between rounds; at lambda = 1 and nu = 0 it is TD3.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import dmg, training
from dmg_jax.data import replay, scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import spaces
from dmg_jax.experiments.rounds import rounds
from dmg_jax.types import Array, Hyperparameters, Networks, Parameters, TrainState, Transitions

# A stream of its own for exploration: the steps count up from 0, and the last
# number is the initialisation's.
_EXPLORATION = np.uint32(2**32 - 2)
_MEMORY = 32


class Settings(NamedTuple):
  """How the online loop collects and learns.

  Attributes:
    random_steps: first environment steps, with uniform actions and without
      learning.
    exploration_noise: for each environment, the standard deviation of the
      Gaussian noise on actions in [-1, 1].
    noise_correlation: of the noise from one round to the next, in [0, 1).
    batch_size: B.
    policy_delay: gradient steps per actor step.
  """

  random_steps: int
  exploration_noise: tuple[float, ...]
  noise_correlation: float
  batch_size: int
  policy_delay: int = 2


def correlated_noise(key: Array, round_: Array, shape: tuple[int, ...], correlation) -> Array:
  """Standard normal noise whose correlation between rounds falls off geometrically.

  A first-order autoregression that forgets after `_MEMORY` rounds: so a round's
  noise is made from the round's number alone, and needs no state.

  Args:
    key: of the run.
    round_: uint32.
    shape: of the noise.
    correlation: between neighbouring rounds, in [0, 1); 0 is white noise.
  """

  def innovation(lag):
    return jax.random.normal(jax.random.fold_in(key, round_ - lag), shape)

  weights = correlation ** jnp.arange(_MEMORY)
  innovations = jax.vmap(innovation)(jnp.arange(_MEMORY, dtype=jnp.uint32))
  return jnp.tensordot(weights / jnp.linalg.norm(weights), innovations, axes=1)


@functools.partial(jax.jit, static_argnames=("networks",))
def _explore(
  networks: Networks,
  actor: Parameters,
  observations: Array,
  seed: Array,
  round_: Array,
  noise: Array,
  correlation: Array,
  at_random: Array,
) -> Array:
  """(N, A) actions: uniform ones, or the policy's with noise."""
  key = jax.random.fold_in(jax.random.key(seed), _EXPLORATION)
  actions = dmg.act(networks, actor, observations)
  deviations = noise[:, None] * correlated_noise(key, round_, actions.shape, correlation)
  uniform = jax.random.uniform(jax.random.fold_in(key, round_), actions.shape, minval=-1)
  return jnp.where(at_random, uniform, jnp.clip(actions + deviations, -1, 1))


@functools.partial(jax.jit, donate_argnums=0)
def _store(buffer: replay.Replay, transitions: Transitions) -> replay.Replay:
  return replay.add(buffer, transitions)


@functools.partial(jax.jit, static_argnames=("batch_size", "update_actor"), donate_argnums=0)
def _learn(
  state: TrainState,
  buffer: replay.Replay,
  seed: Array,
  hyperparameters: Hyperparameters,
  batch_size: int,
  update_actor: bool,
) -> TrainState:
  span = (jnp.zeros((), jnp.int32), buffer.size)
  new, _ = training.gradient_step(
    state,
    seed,
    span,
    hyperparameters,
    buffer.transitions,
    batch_size=batch_size,
    update_actor=update_actor,
  )
  return new


def train(
  environments: Sequence[gymnasium.Env],
  networks: Networks,
  hyperparameters: Hyperparameters,
  settings: Settings,
  stream: Stream,
  state: TrainState | None = None,
) -> Iterator[TrainState]:
  """Trains one agent online until its stream is full, and yields after each round.

  In a round each of the N environments takes a step, then the agent one
  gradient step on the replay of all of them. With the stream and the state of
  an earlier round it goes on from there, exactly: the environments are brought
  back by repeating the actions of their unfinished episodes.

  Args:
    environments: N of one kind.
    networks: of the agent.
    hyperparameters: scalars.
    settings: see `Settings`.
    stream: of N environments; what happens is appended. Its seed is also that of
      the agent and its exploration.
    state: of the agent after the stream's last round; not given for an empty one.

  Yields:
    The agent's state, which the next round donates.

  Raises:
    UserError: if repeated actions lead elsewhere.
  """
  observation_size, low, high = spaces(environments[0])
  units = scaling.for_actions(observation_size, low, high)
  run_seed = jnp.uint32(stream.seed)
  noise = np.array(settings.exploration_noise, np.float32)
  random_rounds = -(-settings.random_steps // len(environments))
  agent = state or training.initial_state(run_seed, networks, observation_size, len(low))
  capacity = stream.rewards.size
  buffer = _store(
    replay.empty(capacity, observation_size, len(low)),
    units.apply(stream.transitions(0, stream.size)),
  )

  def explore(round_: int, observations: np.ndarray) -> np.ndarray:
    actions = _explore(
      networks,
      agent.actor.parameters,
      observations,
      run_seed,
      np.uint32(round_),
      noise,
      np.float32(settings.noise_correlation),
      np.bool_(round_ < random_rounds),
    )
    return np.asarray(units.act(actions))

  for round_ in rounds(environments, stream, explore):
    buffer = _store(buffer, units.apply(stream.transitions(round_, round_ + 1)))
    learned = round_ - random_rounds
    if learned >= 0:
      agent = _learn(
        agent,
        buffer,
        run_seed,
        hyperparameters,
        settings.batch_size,
        update_actor=learned % settings.policy_delay == settings.policy_delay - 1,
      )
    yield agent
