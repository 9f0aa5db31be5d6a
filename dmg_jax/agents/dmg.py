"""Doubly Mild Generalization: Algorithm 1 of arXiv 2411.07934.

`init` makes a `TrainState`, `update` takes one gradient step on a minibatch, `act`
evaluates the policy. All three are pure, and randomness comes in as arguments;
`make` bundles them for `dmg_jax.training`. With lambda and the actor's two coefficients as data,
TD3, TD3+BC, IQL and behaviour cloning are points of the same program
(`dmg_jax.methods`).
"""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from dmg_jax import losses, schedules
from dmg_jax.optimisers import descend, learner
from dmg_jax.types import (
  Agent,
  Array,
  Hyperparameters,
  Metrics,
  Networks,
  Parameters,
  TrainState,
  Transitions,
)


@functools.cache
def make(networks: Networks, policy_delay: int = 2) -> Agent:
  """DMG with given networks; equal arguments give the same object.

  Args:
    networks: from `dmg_jax.networks.make`.
    policy_delay: gradient steps of a cycle; the actor and the targets move in the last.
  """
  return Agent(
    init=functools.partial(init, networks=networks),
    update=update,
    policy=lambda state: state.actor.parameters,
    act=functools.partial(act, networks),
    cycle=policy_delay,
    noise_shape=lambda batch_size, action_size: (batch_size, action_size),
  )


def init(
  key: Array, observation_size: int, action_size: int, dtype=jnp.float32, *, networks: Networks
) -> TrainState:
  """A fresh agent: random networks, targets equal to them, step 0.

  Args:
    key: typed PRNG key.
    observation_size, action_size: S and A.
    dtype: of all parameters, and hence of all computation.
    networks: from `dmg_jax.networks.make`.
  """
  observations = jnp.zeros((1, observation_size), dtype)
  actions = jnp.zeros((1, action_size), dtype)
  actor_key, critic_key, value_key = (jax.random.fold_in(key, i) for i in range(3))
  actor = networks.actor.init(actor_key, observations)
  critic = networks.critic.init(critic_key, observations, actions)
  value = networks.value.init(value_key, observations)
  return from_parameters(networks, actor, critic, value)


def from_parameters(
  networks: Networks, actor: Parameters, critic: Parameters, value: Parameters
) -> TrainState:
  """An agent at given parameters, with fresh optimisers and targets, at step 0."""
  return TrainState(
    actor=learner(actor),
    critic=learner(critic),
    value=learner(value),
    target_actor=jax.tree.map(jnp.copy, actor),
    target_critic=jax.tree.map(jnp.copy, critic),
    step=jnp.zeros((), jnp.int32),
    networks=networks,
  )


def act(networks: Networks, actor: Parameters, observations: Array) -> Array:
  """The deterministic policy pi(s): (..., S) -> (..., A) in [-1, 1]."""
  return _apply(networks.actor, actor, observations)


def update(
  state: TrainState,
  batch: Transitions,
  noise: Array,
  hyperparameters: Hyperparameters,
  *,
  update_actor: bool,
) -> tuple[TrainState, Metrics]:
  """One gradient step of Algorithm 1, in the order of the authors' code.

  Value, then critics (which bootstrap from the new value), then, if
  `update_actor`, the actor (which sees the new value and critics) and the
  target networks (which move towards the new parameters).

  Args:
    state: the agent.
    batch: B transitions.
    noise: (B, A) standard normal draws for the target policy's smoothing.
    hyperparameters: scalars, cast to the parameters' dtype.
    update_actor: whether this step, the last of a cycle of `policy_delay`, also
      moves the actor and the targets. Static.

  Returns:
    The next state, and scalars to log (those of the actor only where it moved).
  """
  chex.assert_rank([batch.observations, batch.actions, batch.rewards], [2, 2, 1])
  chex.assert_equal_shape([batch.actions, noise])
  chex.assert_equal_shape([batch.rewards, batch.not_dones])
  chex.assert_equal_shape([batch.observations, batch.next_observations])
  networks = state.networks
  dtype = jax.tree.leaves(state.actor.parameters)[0].dtype
  h = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), hyperparameters)
  target_q = _min_q(networks, state.target_critic, batch.observations, batch.actions)

  # V <- argmin E[L_tau(Q_target(s, a) - V(s))], Eq. 15.
  def value_loss(parameters):
    values = _apply(networks.value, parameters, batch.observations)
    return jnp.mean(losses.expectile_loss(target_q - values, h.expectile)), values

  value, value_loss_now, values = descend(state.value, value_loss, h.value_learning_rate)

  # Q <- argmin E[(target - Q(s, a))^2], summed over the critics, Eq. 16.
  smoothing = jnp.clip(h.smoothing_noise * noise, -h.smoothing_clip, h.smoothing_clip)
  next_actions = act(networks, state.target_actor, batch.next_observations)
  next_actions = jnp.clip(next_actions + smoothing, -1, 1)
  q_target = losses.bellman_target(
    batch.rewards,
    batch.not_dones,
    _min_q(networks, state.target_critic, batch.next_observations, next_actions),
    _apply(networks.value, value.parameters, batch.next_observations),
    h.lam,
    h.discount,
  )

  def critic_loss(parameters):
    q_values = _apply(networks.critic, parameters, batch.observations, batch.actions)
    return jnp.sum(jnp.mean(jnp.square(q_values - q_target), axis=-1)), q_values

  critic, critic_loss_now, q_values = descend(state.critic, critic_loss, h.critic_learning_rate)

  metrics = {
    "value_loss": value_loss_now,
    "critic_loss": critic_loss_now,
    "q": jnp.mean(q_values),
    "v": jnp.mean(values),
    "lam": h.lam,
    "nu": h.nu,
  }
  state = state.replace(value=value, critic=critic, step=state.step + 1)
  if not update_actor:
    return state, metrics

  # pi <- argmin -Q(s, pi(s)) / mean|Q| + nu * w * (pi(s) - a)^2, Eq. 14.
  advantages = target_q - _apply(networks.value, value.parameters, batch.observations)
  weights = losses.advantage_weights(advantages, h.inverse_temperature, h.weight_clip)

  def actor_loss(parameters):
    policy_actions = act(networks, parameters, batch.observations)
    policy_q = _min_q(networks, critic.parameters, batch.observations, policy_actions)
    loss = losses.actor_loss(
      policy_q, policy_actions, batch.actions, weights, h.q_coefficient, h.nu
    )
    return loss, (policy_q, policy_actions)

  count = state.actor.optimiser.count
  learning_rate = h.actor_learning_rate * schedules.cosine(count, h.actor_schedule_steps)
  actor, actor_loss_now, (policy_q, policy_actions) = descend(
    state.actor, actor_loss, learning_rate
  )
  metrics |= {
    "actor_loss": actor_loss_now,
    "policy_q": jnp.mean(policy_q),
    "policy_distance": jnp.mean(jnp.square(policy_actions - batch.actions)),
    "advantage": jnp.mean(advantages),
    "clipped_weights": jnp.mean((weights >= h.weight_clip).astype(dtype)),
    "actor_learning_rate": learning_rate,
  }

  # Targets move only here, with the new parameters.
  def follow(new, old):
    return optax.incremental_update(new, old, h.target_rate)

  state = state.replace(
    actor=actor,
    target_actor=follow(actor.parameters, state.target_actor),
    target_critic=follow(critic.parameters, state.target_critic),
  )
  return state, metrics


def _apply(module: nn.Module, parameters: Parameters, *inputs: Array) -> Array:
  """A module's output; none of ours has mutable variables to return with it."""
  output: Any = module.apply(parameters, *inputs)
  return output


def _min_q(networks: Networks, critic: Parameters, observations: Array, actions: Array) -> Array:
  """(B,) the smallest value of all critics."""
  return jnp.min(_apply(networks.critic, critic, observations, actions), axis=0)
