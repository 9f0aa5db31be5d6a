"""Who learns online: how an agent begins, explores and learns."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import methods, networks, training
from dmg_jax.agents import dmg, sac
from dmg_jax.online import replay
from dmg_jax.types import Array, Hyperparameters, Parameters

NAMES = ("sac", "td3")
# A stream of its own for exploration: steps count up from 0, and the last number
# is the initialisation's.
_EXPLORATION = np.uint32(2**32 - 2)
_MEMORY = 32


class OnlineLearner(NamedTuple):
  """Functions of an agent's state, whatever that is; it has the actor in `actor.parameters`.

  Attributes:
    description: what learns, for provenance.
    cycle: gradient steps in a cycle, of which the last moves the actor.
    initial: () -> state.
    explore: (actor's parameters, (N, S) observations, round) -> (N, A) actions in [-1, 1].
    learn: (state, replay, rate, cycles) -> state; the rate multiplies the learning
      rates. Donates the state, compiles for each number of cycles.
    policy: state -> parameters of a `networks.Actor`, which acts without noise.
  """

  description: str
  cycle: int
  initial: Callable[[], Any]
  explore: Callable[[Parameters, np.ndarray, np.uint32], Array]
  learn: Callable[[Any, replay.Replay, np.float32, int], Any]
  policy: Callable[[Any], Parameters]


class Settings(NamedTuple):
  """What all learners have.

  Attributes:
    observation_size, action_size: S and A.
    seed: of everything.
    batch_size: B.
    learning_rate: of all networks.
    target_rate: of the target networks.
  """

  observation_size: int
  action_size: int
  seed: int
  batch_size: int
  learning_rate: float
  target_rate: float


@functools.cache  # Its functions are compiled once, however many recordings use them.
def make(
  name: str, settings: Settings, exploration_noise: tuple[float, ...], noise_correlation: float
) -> OnlineLearner:
  """The learner of one of the `NAMES`; see `td3` for its noise."""
  if name == "sac":
    return soft(settings)
  return td3(settings, exploration_noise, noise_correlation)


def td3(
  settings: Settings, exploration_noise: Sequence[float], noise_correlation: float
) -> OnlineLearner:
  """DMG's step at lambda = 1 and nu = 0; it explores with correlated Gaussian noise.

  Args:
    settings: see `Settings`.
    exploration_noise: for each of N environments, the standard deviation of the
      noise on actions in [-1, 1].
    noise_correlation: of the noise from one round to the next, in [0, 1).
  """
  hyperparameters = methods.point("td3", Hyperparameters()).replace(
    actor_learning_rate=settings.learning_rate,
    critic_learning_rate=settings.learning_rate,
    value_learning_rate=settings.learning_rate,
    target_rate=settings.target_rate,
  )
  action_size, run_seed = settings.action_size, jnp.uint32(settings.seed)
  modules = networks.make(action_size)
  deviations = np.array(exploration_noise, np.float32)[:, None]

  @jax.jit
  def explore(actor, observations, round_):
    key = jax.random.fold_in(jax.random.key(run_seed), _EXPLORATION)
    actions = dmg.act(modules, actor, observations)
    noise = correlated_noise(key, round_, actions.shape, noise_correlation)
    return jnp.clip(actions + deviations * noise, -1, 1)

  def gradient_step(state, buffer, rate, update_actor):
    h = hyperparameters
    shape = (settings.batch_size, action_size)
    span = (jnp.zeros((), jnp.int32), buffer.size)
    rows, noise = training.draw(run_seed, state.step, span, settings.batch_size, shape, jnp.float32)
    new, _ = dmg.update(
      state,
      training.take(buffer.transitions, rows),
      noise,
      h.replace(
        actor_learning_rate=rate * h.actor_learning_rate,
        critic_learning_rate=rate * h.critic_learning_rate,
        value_learning_rate=rate * h.value_learning_rate,
      ),
      update_actor=update_actor,
    )
    return new

  return OnlineLearner(
    description=f"DMG's step at lambda 1, nu 0: {methods.METHODS['td3'].description}",
    cycle=2,
    initial=lambda: training.initial_state(
      run_seed, dmg.make(modules), settings.observation_size, action_size
    ),
    explore=explore,
    learn=_cycles(gradient_step, 2),
    policy=lambda state: state.actor.parameters,
  )


def soft(settings: Settings) -> OnlineLearner:
  """Soft actor-critic, which explores by its own policy's randomness."""
  hyperparameters = sac.SoftHyperparameters(
    target_rate=settings.target_rate, learning_rate=settings.learning_rate
  )
  action_size, run_seed = settings.action_size, jnp.uint32(settings.seed)
  modules, batch_size = sac.make(action_size), settings.batch_size

  def initial():
    key = jax.random.fold_in(jax.random.key(run_seed), training.INITIALISATION)
    return sac.init(key, modules, settings.observation_size, action_size)

  @jax.jit
  def explore(actor, observations, round_):
    key = jax.random.fold_in(jax.random.key(run_seed), _EXPLORATION)
    shape = (*observations.shape[:-1], action_size)
    noise = jax.random.normal(jax.random.fold_in(key, round_), shape)
    return sac.explore(modules, actor, observations, noise)

  def gradient_step(state, buffer, rate, update_actor):
    key = jax.random.fold_in(jax.random.key(run_seed), state.step)
    rows = jax.random.randint(jax.random.fold_in(key, 0), (batch_size,), 0, buffer.size)
    noise = jax.random.normal(jax.random.fold_in(key, 1), (2, batch_size, action_size))
    batch = training.take(buffer.transitions, rows)
    h = hyperparameters.replace(learning_rate=rate * hyperparameters.learning_rate)
    return sac.update(state, batch, noise, h, update_actor=update_actor)

  return OnlineLearner(
    description="soft actor-critic (arXiv 1812.05905), critics' layers normalised, actor averaged",
    cycle=2,
    initial=initial,
    explore=explore,
    learn=_cycles(gradient_step, 2),
    policy=lambda state: sac.mode(state.average_actor),
  )


def _cycles(gradient_step: Callable, length: int) -> Callable:
  """Many cycles of gradient steps in one compiled call."""

  def learn(state, buffer, rate, cycles):
    def cycle(state, _):
      for position in range(length):
        state = gradient_step(state, buffer, rate, position == length - 1)
      return state, None

    return jax.lax.scan(cycle, state, length=cycles)[0]

  return jax.jit(learn, static_argnames="cycles", donate_argnums=0)


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
