"""Who learns online: how an agent begins, explores and learns."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax import dmg, methods, networks, sac, training
from dmg_jax.data import replay
from dmg_jax.types import Array, Hyperparameters, Parameters

# Streams of their own for exploration and initialisation: steps count up from 0.
_EXPLORATION, _INITIALISATION = np.uint32(2**32 - 2), np.uint32(2**32 - 1)
_MEMORY = 32


class OnlineLearner(NamedTuple):
  """Functions of an agent's state, whatever that is; it has the actor in `actor.parameters`.

  Attributes:
    description: what learns, for provenance.
    cycle: gradient steps in a cycle, of which the last moves the actor.
    initial: () -> state.
    explore: (actor's parameters, (N, S) observations, round) -> (N, A) actions in [-1, 1].
    learn: (state, replay, cycles) -> state; donates the state, compiles for each
      number of cycles.
    policy: state -> parameters of a `networks.Actor`, which acts without noise.
  """

  description: str
  cycle: int
  initial: Callable[[], Any]
  explore: Callable[[Parameters, np.ndarray, np.uint32], Array]
  learn: Callable[[Any, replay.Replay, int], Any]
  policy: Callable[[Any], Parameters]


def td3(
  observation_size: int,
  action_size: int,
  seed: int,
  batch_size: int,
  learning_rate: float,
  target_rate: float,
  exploration_noise: Sequence[float],
  noise_correlation: float,
) -> OnlineLearner:
  """DMG's step at lambda = 1 and nu = 0; it explores with correlated Gaussian noise.

  Args:
    observation_size, action_size: S and A.
    seed: of everything.
    batch_size: B.
    learning_rate: of all networks.
    target_rate: of the target networks.
    exploration_noise: for each of N environments, the standard deviation of the
      noise on actions in [-1, 1].
    noise_correlation: of the noise from one round to the next, in [0, 1).
  """
  hyperparameters = methods.point("td3", Hyperparameters()).replace(
    actor_learning_rate=learning_rate,
    critic_learning_rate=learning_rate,
    value_learning_rate=learning_rate,
    target_rate=target_rate,
  )
  modules, run_seed = networks.make(action_size), jnp.uint32(seed)
  deviations = np.array(exploration_noise, np.float32)[:, None]

  @jax.jit
  def explore(actor, observations, round_):
    key = jax.random.fold_in(jax.random.key(run_seed), _EXPLORATION)
    actions = dmg.act(modules, actor, observations)
    noise = correlated_noise(key, round_, actions.shape, noise_correlation)
    return jnp.clip(actions + deviations * noise, -1, 1)

  def gradient_step(state, buffer, update_actor):
    new, _ = training.gradient_step(
      state,
      run_seed,
      (jnp.zeros((), jnp.int32), buffer.size),
      hyperparameters,
      buffer.transitions,
      batch_size=batch_size,
      update_actor=update_actor,
    )
    return new

  return OnlineLearner(
    description=f"DMG's step at lambda 1, nu 0: {methods.DESCRIPTIONS['td3']}",
    cycle=2,
    initial=lambda: training.initial_state(run_seed, modules, observation_size, action_size),
    explore=explore,
    learn=_cycles(gradient_step, 2),
    policy=lambda state: state.actor.parameters,
  )


def soft(
  observation_size: int,
  action_size: int,
  seed: int,
  batch_size: int,
  learning_rate: float,
  target_rate: float,
) -> OnlineLearner:
  """Soft actor-critic, which explores by its own policy's randomness.

  Args: as those of `td3`.
  """
  hyperparameters = sac.SoftHyperparameters(target_rate=target_rate, learning_rate=learning_rate)
  modules, run_seed = sac.make(action_size), jnp.uint32(seed)

  def initial():
    key = jax.random.fold_in(jax.random.key(run_seed), _INITIALISATION)
    return sac.init(key, modules, observation_size, action_size)

  @jax.jit
  def explore(actor, observations, round_):
    key = jax.random.fold_in(jax.random.key(run_seed), _EXPLORATION)
    shape = (*observations.shape[:-1], action_size)
    noise = jax.random.normal(jax.random.fold_in(key, round_), shape)
    return sac.explore(modules, actor, observations, noise)

  def gradient_step(state, buffer, update_actor):
    key = jax.random.fold_in(jax.random.key(run_seed), state.step)
    rows = jax.random.randint(jax.random.fold_in(key, 0), (batch_size,), 0, buffer.size)
    noise = jax.random.normal(jax.random.fold_in(key, 1), (2, batch_size, action_size))
    batch = jax.tree.map(
      lambda leaf: leaf.at[rows].get(mode="promise_in_bounds"), buffer.transitions
    )
    return sac.update(state, batch, noise, hyperparameters, update_actor=update_actor)

  return OnlineLearner(
    description="soft actor-critic (arXiv 1812.05905), critics' layers normalised, actor averaged",
    cycle=2,
    initial=initial,
    explore=explore,
    learn=_cycles(gradient_step, 2),
    policy=lambda state: sac.mode(state.average_actor),
  )


def _cycles(gradient_step: Callable, length: int) -> Callable[[Any, replay.Replay, int], Any]:
  """Many cycles of gradient steps in one compiled call."""

  def learn(state, buffer, cycles):
    def cycle(state, _):
      for position in range(length):
        state = gradient_step(state, buffer, position == length - 1)
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
