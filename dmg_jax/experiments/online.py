"""The online loop: act, store, learn, one gradient step an environment step.

Its uses differ only in the point of the family that learns and in what happens
between episodes; at lambda = 1 and nu = 0 it is TD3.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import dmg, training
from dmg_jax.data import replay
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import spaces
from dmg_jax.types import Array, Hyperparameters, Networks, Parameters, TrainState, Transitions

# A stream of its own for exploration, beside the minibatches and the smoothing.
_EXPLORATION = np.uint32(2)


class Settings(NamedTuple):
  """How the online loop collects and learns.

  Attributes:
    steps: environment steps at most, and the capacity of the replay.
    random_steps: first steps, with uniform actions and without learning.
    exploration_noise: standard deviation of the Gaussian noise on actions in
      [-1, 1]; 0.2 is a tenth of the range.
    batch_size: B.
    policy_delay: gradient steps per actor step.
  """

  steps: int
  random_steps: int = 10_000
  exploration_noise: float = 0.2
  batch_size: int = 256
  policy_delay: int = 2


class Progress(NamedTuple):
  """What the loop yields at the end of each episode."""

  step: int
  state: TrainState
  episode: Episode


@functools.partial(jax.jit, static_argnames=("networks",))
def _explore(
  networks: Networks, actor: Parameters, observation: Array, seed: Array, step: Array, noise: Array
) -> Array:
  key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), step), _EXPLORATION)
  action = dmg.act(networks, actor, observation)
  return jnp.clip(action + noise * jax.random.normal(key, action.shape), -1, 1)


@functools.partial(jax.jit, donate_argnums=0)
def _store(buffer: replay.Replay, transition: Transitions) -> replay.Replay:
  return replay.add(buffer, transition)


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
  env: gymnasium.Env,
  networks: Networks,
  hyperparameters: Hyperparameters,
  settings: Settings,
  seed: int,
) -> Iterator[Progress]:
  """Trains one agent online and yields at each episode's end.

  The last episode, if the steps run out within it, is yielded unfinished.

  Args:
    env: with observations (S,) and actions in [-1, 1].
    networks: of the agent.
    hyperparameters: scalars.
    settings: see `Settings`.
    seed: of the agent, its exploration and the environment.
  """
  observation_size, low, _ = spaces(env)
  action_size = len(low)
  run_seed = jnp.uint32(seed)
  state = training.initial_state(run_seed, networks, observation_size, action_size)
  buffer = replay.empty(settings.steps, observation_size, action_size)
  generator = np.random.default_rng(seed)
  record = _Record(env.reset(seed=seed)[0])
  for step in range(1, settings.steps + 1):
    observation = np.array(record.observations[-1], np.float32)
    if step <= settings.random_steps:
      action = generator.uniform(-1, 1, action_size).astype(np.float32)
    else:
      action = np.asarray(
        _explore(
          networks,
          state.actor.parameters,
          observation,
          run_seed,
          np.uint32(step),
          np.float32(settings.exploration_noise),
        )
      )
    next_observation, reward, terminated, truncated, _ = env.step(action)
    record.append(action, reward, next_observation, terminated, truncated)
    buffer = _store(
      buffer,
      Transitions(
        observation,
        action,
        np.array(reward, np.float32),
        np.array(next_observation, np.float32),
        np.array(not terminated, np.float32),
      ),
    )
    if step > settings.random_steps:
      state = _learn(
        state,
        buffer,
        run_seed,
        hyperparameters,
        settings.batch_size,
        update_actor=(step - settings.random_steps) % settings.policy_delay == 0,
      )
    if terminated or truncated or step == settings.steps:
      yield Progress(step, state, record.episode())
      record = _Record(env.reset()[0])


class _Record:
  """The episode under way."""

  def __init__(self, observation: np.ndarray):
    self.observations = [observation]
    self.steps: list[tuple] = []

  def append(self, action, reward, next_observation, terminated, truncated) -> None:
    self.steps.append((action, reward, terminated, truncated))
    self.observations.append(next_observation)

  def episode(self) -> Episode:
    actions, rewards, terminations, truncations = zip(*self.steps, strict=True)
    return Episode(
      observations=np.array(self.observations, np.float32),
      actions=np.array(actions, np.float32),
      rewards=np.array(rewards, np.float32),
      terminations=np.array(terminations, bool),
      truncations=np.array(truncations, bool),
    )
