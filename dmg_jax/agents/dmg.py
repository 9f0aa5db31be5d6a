"""Doubly Mild Generalization: Algorithm 1 of arXiv 2411.07934.

`init` makes a `TrainState`, `update` takes one gradient step on a minibatch, `act`
evaluates the policy. All three are pure, and randomness comes in as arguments;
`make` bundles them for `dmg_jax.training`. Lambda, nu and all other numbers are
data; a `Form` says statically which parts of the algorithm there are, so that TD3,
TD3+BC, IQL, XQL, SQL and cloning are the same program without the parts that they do
not use (`dmg_jax.methods`).
"""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from dmg_jax import losses, schedules
from dmg_jax.agents.form import DMG, Form
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

# Metrics in units of return.
_VALUES = ("q", "policy_q", "v", "advantage")


@functools.cache
def make(networks: Networks, policy_delay: int = 2, form: Form = DMG) -> Agent:
  """DMG, or a method that has only some of its parts; equal arguments give the same object.

  Args:
    networks: from `dmg_jax.networks.make`.
    policy_delay: gradient steps of a cycle; the actor and the targets move in the last.
    form: see `Form`.
  """
  return Agent(
    init=functools.partial(init, networks=networks, form=form),
    update=functools.partial(update, form=form),
    policy=functools.partial(policy, form=form),
    act=functools.partial(act, networks),
    cycle=policy_delay,
    noise_shape=lambda batch_size, action_size: (batch_size, action_size),
  )


def init(
  key: Array,
  observation_size: int,
  action_size: int,
  dtype=jnp.float32,
  *,
  networks: Networks,
  form: Form = DMG,
) -> TrainState:
  """A fresh agent: random networks, targets equal to them, step 0.

  Args:
    key: typed PRNG key.
    observation_size, action_size: S and A.
    dtype: of all parameters, and hence of all computation.
    networks: from `dmg_jax.networks.make`.
    form: decides which networks there are; those that are have the same parameters
      in every form.
  """
  observations = jnp.zeros((1, observation_size), dtype)
  actions = jnp.zeros((1, action_size), dtype)
  actor_key, critic_key, value_key = (jax.random.fold_in(key, i) for i in range(3))
  actor = networks.actor.init(actor_key, observations)
  critic = networks.critic.init(critic_key, observations, actions) if form.critics else None
  value = networks.value.init(value_key, observations) if form.value else None
  return from_parameters(networks, actor, critic, value, form)


def from_parameters(
  networks: Networks,
  actor: Parameters,
  critic: Parameters | None,
  value: Parameters | None,
  form: Form = DMG,
) -> TrainState:
  """An agent at given parameters, with fresh optimisers and targets, at step 0."""
  return TrainState(
    actor=learner(actor),
    critic=learner(critic) if form.critics else None,
    value=learner(value) if form.value else None,
    target_actor=jax.tree.map(jnp.copy, actor) if form.target_actor else None,
    target_critic=jax.tree.map(jnp.copy, critic) if form.critics else None,
    step=jnp.zeros((), jnp.int32),
    networks=networks,
  )


def policy(state: TrainState, *, form: Form = DMG) -> Parameters:
  """Parameters of the policy that is evaluated: the actor's, or the target actor's."""
  return state.target_actor if form.averaged_policy else state.actor.parameters


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
  form: Form = DMG,
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
    form: which parts the method has; that of `state`. Static.

  Returns:
    The next state, and scalars to log: of the parts that there are, and of the
    actor only where it moved.
  """
  chex.assert_rank([batch.observations, batch.actions, batch.rewards], [2, 2, 1])
  chex.assert_equal_shape([batch.actions, noise])
  chex.assert_equal_shape([batch.rewards, batch.not_dones])
  chex.assert_equal_shape([batch.observations, batch.next_observations])
  dtype = jax.tree.leaves(state.actor.parameters)[0].dtype
  h = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), hyperparameters)
  metrics: Metrics = {"lam": h.lam, "nu": h.nu}
  target_q = None
  if form.value:
    target_q = _low_q(state.networks, state.target_critic, batch.observations, batch.actions, form)
    state, learned = _improve_value(state, batch, target_q, h, form)
    metrics |= learned
  if form.critics:
    state, learned = _improve_critics(state, batch, noise, h, form)
    metrics |= learned
  state = state.replace(step=state.step + 1)
  if update_actor:
    state, learned = _improve_actor(state, batch, target_q, h, form)
    state = _move_targets(state, h.target_rate)
    metrics |= learned
  if form.reward_scale != 1:
    metrics |= {name: metrics[name] / form.reward_scale for name in _VALUES if name in metrics}
  return state, metrics


def _improve_value(
  state: TrainState, batch: Transitions, target_q: Array, h: Any, form: Form
) -> tuple[TrainState, Metrics]:
  """V <- argmin E[L_tau(Q_target(s, a) - V(s))], Eq. 15, or another in-sample learner's loss."""

  def value_loss(parameters):
    values = _apply(state.networks.value, parameters, batch.observations)
    return form.learner.loss(target_q, values, h), values

  value, loss, values = descend(state.value, value_loss, h.value_learning_rate)
  return state.replace(value=value), {"value_loss": loss, "v": jnp.mean(values)}


def _improve_critics(
  state: TrainState, batch: Transitions, noise: Array, h: Any, form: Form
) -> tuple[TrainState, Metrics]:
  """Q <- argmin E[(target - Q(s, a))^2], summed over the critics, Eq. 16."""
  networks = state.networks
  generalised_values: Array = jnp.zeros_like(batch.rewards)
  in_sample_values: Array = generalised_values
  if form.generalises:
    smoothing = jnp.clip(h.smoothing_noise * noise, -h.smoothing_clip, h.smoothing_clip)
    next_actions = act(networks, state.target_actor, batch.next_observations)
    next_actions = jnp.clip(next_actions + smoothing, -1, 1)
    generalised_values = _low_q(
      networks, state.target_critic, batch.next_observations, next_actions, form
    )
  if form.bootstraps_in_sample:
    in_sample_values = _apply(networks.value, state.value.parameters, batch.next_observations)
  rewards = batch.rewards if form.reward_scale == 1 else form.reward_scale * batch.rewards
  q_target = losses.bellman_target(
    rewards, batch.not_dones, generalised_values, in_sample_values, h.lam, h.discount
  )

  def critic_loss(parameters):
    q_values = _apply(networks.critic, parameters, batch.observations, batch.actions)
    return jnp.sum(jnp.mean(jnp.square(q_values - q_target), axis=-1)), q_values

  critic, loss, q_values = descend(state.critic, critic_loss, h.critic_learning_rate)
  share = losses.generalised_share(generalised_values, in_sample_values, h.lam)
  metrics = {"critic_loss": loss, "q": jnp.mean(q_values), "generalised_share": share}
  return state.replace(critic=critic), metrics


def _improve_actor(
  state: TrainState, batch: Transitions, target_q: Any, h: Any, form: Form
) -> tuple[TrainState, Metrics]:
  """pi <- argmin -Q(s, pi(s)) / mean|Q| + nu * w * (pi(s) - a)^2, Eq. 14."""
  networks = state.networks
  climbed = _first_q if form.first_critic else functools.partial(_low_q, form=form)
  metrics: Metrics = {}
  weights: Array = jnp.ones_like(batch.rewards)
  if form.weighted:
    values = _apply(networks.value, state.value.parameters, batch.observations)
    advantages = target_q - values
    weights = form.learner.weights(advantages, h)
    clipped = jnp.mean((weights >= h.weight_clip).astype(weights.dtype))
    metrics |= {"advantage": jnp.mean(advantages), "clipped_weights": clipped}

  def actor_loss(parameters):
    policy_actions = act(networks, parameters, batch.observations)
    policy_q = None
    if form.maximises:
      policy_q = climbed(networks, state.critic.parameters, batch.observations, policy_actions)
    loss = losses.actor_loss(
      policy_q, policy_actions, batch.actions, weights, h.q_coefficient, h.nu
    )
    if form.penalty is not None:
      policy = functools.partial(act, networks, parameters)
      loss += form.penalty(policy, batch.observations, policy_actions)
    return loss, (policy_q, policy_actions)

  count = state.actor.optimiser.count
  learning_rate = h.actor_learning_rate * schedules.cosine(count, h.actor_schedule_steps)
  actor, loss, (policy_q, policy_actions) = descend(state.actor, actor_loss, learning_rate)
  if form.maximises:
    metrics["policy_q"] = jnp.mean(policy_q)
  metrics |= {
    "actor_loss": loss,
    "policy_distance": jnp.mean(jnp.square(policy_actions - batch.actions)),
    "actor_learning_rate": learning_rate,
  }
  return state.replace(actor=actor), metrics


def _move_targets(state: TrainState, target_rate: Array) -> TrainState:
  """Targets move towards the new parameters by the share xi."""

  def follow(new, old):
    return optax.incremental_update(new.parameters, old, target_rate)

  if state.target_actor is not None:
    state = state.replace(target_actor=follow(state.actor, state.target_actor))
  if state.target_critic is not None:
    state = state.replace(target_critic=follow(state.critic, state.target_critic))
  return state


def _apply(module: nn.Module, parameters: Parameters, *inputs: Array) -> Array:
  """A module's output; none of ours has mutable variables to return with it."""
  output: Any = module.apply(parameters, *inputs)
  return output


def _low_q(
  networks: Networks, critic: Parameters, observations: Array, actions: Array, form: Form
) -> Array:
  """(B,) the smallest value of all critics, or their lower confidence bound."""
  q_values = _apply(networks.critic, critic, observations, actions)
  if form.lower_confidence_bound:
    return losses.lower_confidence_bound(q_values)
  return jnp.min(q_values, axis=0)


def _first_q(networks: Networks, critic: Parameters, observations: Array, actions: Array) -> Array:
  """(B,) the first critic's values; the others are not computed."""
  first = jax.tree.map(lambda leaf: leaf[:1], critic)
  return _apply(networks.critic.first_alone(), first, observations, actions)[0]
