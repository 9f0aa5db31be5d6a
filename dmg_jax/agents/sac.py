"""Soft actor-critic, for training online: a stochastic policy of DMG's parts.

Haarnoja et al. 2018, arXiv 1812.05905. It differs from the paper in this: the
networks are DMG's, with layer normalisation in the critics (which allows larger
learning rates); the actor and the temperature move only in the last step of a
cycle; and the policy that is evaluated is a running average of the actor.
"""

import functools
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import struct

from dmg_jax.networks import Actor, Critic, Perceptron
from dmg_jax.optimisers import descend, learner
from dmg_jax.types import Agent, Array, Learner, Metrics, Parameters, Transitions

_LOG_DEVIATIONS = (-5.0, 2.0)
_LOG_2 = float(np.log(2))
_LOG_ROOT_2_PI = float(np.log(2 * np.pi) / 2)


class Gaussian(nn.Module):
  """Observations (..., S) -> mean and log deviation (..., A), before squashing."""

  hidden_sizes: tuple[int, ...]
  action_size: int
  precision: str

  @nn.compact
  def __call__(self, observations: Array) -> tuple[Array, Array]:
    outputs = Perceptron(self.hidden_sizes, 2 * self.action_size, self.precision, name="policy")(
      observations
    )
    mean, raw = jnp.split(outputs, 2, axis=-1)
    low, high = _LOG_DEVIATIONS
    return mean, low + (high - low) * (jnp.tanh(raw) + 1) / 2


class SoftNetworks(NamedTuple):
  """The modules of an agent; hashable, hence static under `jax.jit`.

  Attributes:
    actor: the stochastic policy.
    critic: two critics.
    mode: the deterministic policy that `mode` takes from the stochastic one.
  """

  actor: Gaussian
  critic: Critic
  mode: Actor


class SoftState(struct.PyTreeNode):
  """One agent.

  Attributes:
    actor, critic: learners; `critic` holds both critics.
    temperature: learner of log alpha, a scalar.
    target_critic, average_actor: parameters of the slow copies.
    step: gradient steps taken so far, int32.
    networks: the modules that the parameters belong to (static).
  """

  actor: Learner
  critic: Learner
  temperature: Learner
  target_critic: Parameters
  average_actor: Parameters
  step: Array
  networks: SoftNetworks = struct.field(pytree_node=False)


class SoftHyperparameters(struct.PyTreeNode):
  """Scalars.

  Attributes:
    discount: gamma.
    target_rate: share of the new critics in their slow copy, at each step.
    averaging_rate: share of the new actor in its slow copy, at each of its steps.
    actor_learning_rate: Adam's, for the policy and the temperature.
    critic_learning_rate: Adam's, for the critics.
    target_entropy: nats for each action dimension, of the squashed policy.
  """

  discount: Array | float = 0.99
  target_rate: Array | float = 0.005
  averaging_rate: Array | float = 0.002
  actor_learning_rate: Array | float = 3e-4
  critic_learning_rate: Array | float = 3e-4
  target_entropy: Array | float = -1.0


@functools.cache
def make_networks(
  action_size: int,
  actor_hidden_sizes: tuple[int, ...] = (256, 256),
  critic_hidden_sizes: tuple[int, ...] = (256, 256),
  precision: str = "float32",
) -> SoftNetworks:
  """Networks of DMG's sizes; equal arguments give the same object.

  Args:
    action_size: A.
    actor_hidden_sizes, critic_hidden_sizes: widths of their hidden layers.
    precision: of the matrix products, see `networks.Architecture`.
  """
  return SoftNetworks(
    Gaussian(actor_hidden_sizes, action_size, precision),
    Critic(critic_hidden_sizes, precision, normalised=True),
    Actor(actor_hidden_sizes, action_size, precision),
  )


@functools.cache
def make(networks: SoftNetworks, actor_delay: int = 2) -> Agent:
  """Soft actor-critic with given networks; equal arguments give the same object.

  Args:
    networks: from `make_networks`.
    actor_delay: gradient steps of a cycle; the actor and the temperature move in the last.
  """
  return Agent(
    init=functools.partial(init, networks=networks),
    update=update,
    policy=lambda state: mode(state.average_actor),
    act=functools.partial(_apply, networks.mode),
    cycle=actor_delay,
    noise_shape=lambda batch_size, action_size: (2, batch_size, action_size),
  )


def init(
  key: Array, observation_size: int, action_size: int, dtype=jnp.float32, *, networks: SoftNetworks
) -> SoftState:
  """A fresh agent: random networks, target critics equal to them, temperature 1, step 0.

  Args:
    key: typed PRNG key.
    observation_size, action_size: S and A.
    dtype: of all parameters, and hence of all computation.
    networks: from `make_networks`.
  """
  observations = jnp.zeros((1, observation_size), dtype)
  actions = jnp.zeros((1, action_size), dtype)
  actor = networks.actor.init(jax.random.fold_in(key, 0), observations)
  critic = networks.critic.init(jax.random.fold_in(key, 1), observations, actions)
  return SoftState(
    actor=learner(actor),
    critic=learner(critic),
    temperature=learner(jnp.zeros((), dtype)),
    target_critic=jax.tree.map(jnp.copy, critic),
    average_actor=jax.tree.map(jnp.copy, actor),
    step=jnp.zeros((), jnp.int32),
    networks=networks,
  )


def sample(normal: tuple[Array, Array], noise: Array) -> tuple[Array, Array]:
  """Squashed Gaussian actions tanh(mean + deviation * noise), and their log densities.

  Args:
    normal: mean and log deviation, (..., A) each.
    noise: (..., A) standard normal.

  Returns:
    (..., A) in [-1, 1] and (...).
  """
  mean, log_deviation = normal
  raw = mean + jnp.exp(log_deviation) * noise
  # log(1 - tanh(x)^2), without the loss of digits where tanh is flat.
  log_slope = 2 * (_LOG_2 - raw - jax.nn.softplus(-2 * raw))
  log_density = -jnp.square(noise) / 2 - log_deviation - _LOG_ROOT_2_PI - log_slope
  return jnp.tanh(raw), jnp.sum(log_density, axis=-1)


def explore(networks: SoftNetworks, actor: Parameters, observations: Array, noise: Array) -> Array:
  """(..., A) actions of the stochastic policy, for (..., A) standard normal noise."""
  return sample(_apply(networks.actor, actor, observations), noise)[0]


def mode(actor: Parameters) -> Parameters:
  """The deterministic policy tanh(mean), as parameters of `networks.Actor`."""
  layers = dict(actor["params"]["policy"])
  last = f"layer_{len(layers) - 1}"
  layers[last] = {
    name: values[..., : values.shape[-1] // 2] for name, values in layers[last].items()
  }
  return {"params": {"policy": layers}}


def update(
  state: SoftState,
  batch: Transitions,
  noise: Array,
  hyperparameters: SoftHyperparameters,
  *,
  update_actor: bool,
) -> tuple[SoftState, Metrics]:
  """One gradient step: the critics and their slow copy, then the actor, its average, and alpha.

  Args:
    state: the agent.
    batch: B transitions.
    noise: (2, B, A) standard normal draws, for the policy's actions at
      next_observations and at observations.
    hyperparameters: scalars, cast to the parameters' dtype.
    update_actor: whether the actor, its average and the temperature move too. Static.

  Returns:
    The next state, and scalars to log (those of the actor only where it moved).
  """
  chex.assert_rank([batch.observations, batch.actions, batch.rewards], [2, 2, 1])
  chex.assert_shape(noise, (2, *batch.actions.shape))
  networks, dtype = state.networks, state.temperature.parameters.dtype
  h = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), hyperparameters)
  alpha = jnp.exp(state.temperature.parameters)

  # Q <- argmin E[(r + gamma * (min Q_target(s', a') - alpha * log pi(a'|s')) - Q(s, a))^2].
  next_actions, next_log_densities = sample(
    _apply(networks.actor, state.actor.parameters, batch.next_observations), noise[0]
  )
  next_q = _apply(networks.critic, state.target_critic, batch.next_observations, next_actions)
  soft_value = jnp.min(next_q, axis=0) - alpha * next_log_densities
  q_target = batch.rewards + h.discount * batch.not_dones * soft_value

  def critic_loss(parameters):
    q_values = _apply(networks.critic, parameters, batch.observations, batch.actions)
    return jnp.sum(jnp.mean(jnp.square(q_values - q_target), axis=-1)), q_values

  critic, critic_loss_now, q_values = descend(state.critic, critic_loss, h.critic_learning_rate)
  metrics = {"critic_loss": critic_loss_now, "q": jnp.mean(q_values), "alpha": alpha}
  state = state.replace(
    critic=critic,
    target_critic=optax.incremental_update(critic.parameters, state.target_critic, h.target_rate),
    step=state.step + 1,
  )
  if not update_actor:
    return state, metrics

  # pi <- argmin E[alpha * log pi(a|s) - min Q(s, a)], with a from pi.
  def actor_loss(parameters):
    actions, log_densities = sample(
      _apply(networks.actor, parameters, batch.observations), noise[1]
    )
    q_values = _apply(networks.critic, critic.parameters, batch.observations, actions)
    return jnp.mean(alpha * log_densities - jnp.min(q_values, axis=0)), jnp.mean(log_densities)

  actor, actor_loss_now, log_density = descend(state.actor, actor_loss, h.actor_learning_rate)
  metrics |= {"actor_loss": actor_loss_now, "entropy": -log_density}

  # alpha grows where the policy's entropy is below its target, and shrinks above.
  def temperature_loss(log_alpha):
    excess = -log_density - h.target_entropy * batch.actions.shape[-1]
    return jnp.exp(log_alpha) * excess, None

  temperature, _, _ = descend(state.temperature, temperature_loss, h.actor_learning_rate)
  average_actor = optax.incremental_update(actor.parameters, state.average_actor, h.averaging_rate)
  state = state.replace(actor=actor, temperature=temperature, average_actor=average_actor)
  return state, metrics


def _apply(module: nn.Module, parameters: Parameters, *inputs: Array) -> Any:
  return module.apply(parameters, *inputs)
