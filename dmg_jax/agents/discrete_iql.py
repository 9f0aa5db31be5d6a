"""IQL for discrete actions (arXiv 2110.06169), with data augmentation of actor or critics.

V by expectile regression on the smaller of two target Q; both Q on r + gamma V(s'); the
actor by advantage-weighted classification of the data's actions. The policy takes the
largest logit.
"""

import functools
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct

from dmg_jax.agents import discrete
from dmg_jax.in_sample import expectile_loss, exponential_weights
from dmg_jax.networks import Outputs
from dmg_jax.optimisers import descend, learner
from dmg_jax.types import Agent, Array, Learner, Metrics, Parameters, Transitions


class State(struct.PyTreeNode):
  """One agent.

  Attributes:
    actor, value, critic: `Learner`s; `critic` holds both critics on a leading axis.
    target_critic: parameters of their slow copies.
    step: gradient steps taken so far, int32.
  """

  actor: Learner
  value: Learner
  critic: Learner
  target_critic: Parameters
  step: Array


class IQLHyperparameters(struct.PyTreeNode):
  """Scalars.

  Attributes:
    learning_rate: Adam's, of all networks.
    discount: gamma.
    expectile: tau of V.
    inverse_temperature: of the actor's weights exp(alpha A).
    weight_clip: their upper bound.
    target_period: gradient steps between copies to the target.
    consistency: weight of the penalty of DAC, see `discrete.USES`.
  """

  learning_rate: Array | float = 1e-3
  discount: Array | float = 0.95
  expectile: Array | float = 0.8
  inverse_temperature: Array | float = 7.0
  weight_clip: Array | float = 100.0
  target_period: Array | float = 100.0
  consistency: Array | float = 0.0


class Modules(NamedTuple):
  """Networks, and how each of them is augmented; static."""

  actor: Outputs
  value: Outputs
  critic: nn.Module
  actor_augmentation: discrete.Augmentation
  critic_augmentation: discrete.Augmentation


@functools.cache
def make(
  hidden_sizes: tuple[int, ...],
  actions: int,
  actor_augmentation: discrete.Augmentation = discrete.NONE,
  critic_augmentation: discrete.Augmentation = discrete.NONE,
  precision: str = "float32",
) -> Agent:
  """IQL with ReLU perceptrons; equal arguments give the same object.

  Args:
    hidden_sizes: widths of the hidden layers of every network.
    actions: A.
    actor_augmentation: of the actor.
    critic_augmentation: of V and of both Q.
    precision: of the matrix products, see `networks.Architecture`.
  """
  both = nn.vmap(
    Outputs,
    variable_axes={"params": 0},
    split_rngs={"params": True},
    in_axes=None,
    out_axes=0,
    axis_size=2,
  )
  modules = Modules(
    Outputs(hidden_sizes, actions, precision),
    Outputs(hidden_sizes, 1, precision),
    both(hidden_sizes, actions, precision),
    actor_augmentation,
    critic_augmentation,
  )
  return Agent(
    init=functools.partial(_init, modules),
    update=functools.partial(_update, modules),
    policy=lambda state: state.actor.parameters,
    act=functools.partial(discrete.act, modules.actor),
    cycle=1,
    noise_shape=lambda batch_size, action_size: (batch_size,),
  )


def _init(
  modules: Modules, key: Any, observation_size: int, action_size: int, dtype=jnp.float32
) -> State:
  chex.assert_equal(action_size, modules.actor.outputs)
  observations = jnp.zeros((1, observation_size), dtype)
  actor, value, critic = (
    module.init(jax.random.fold_in(key, place), observations)
    for place, module in enumerate(modules[:3])
  )
  target = jax.tree.map(jnp.copy, critic)
  return State(learner(actor), learner(value), learner(critic), target, jnp.zeros((), jnp.int32))


def _update(
  modules: Modules,
  state: State,
  batch: Transitions,
  noise: Array,
  h: Any,
  *,
  update_actor: bool,
) -> tuple[State, Metrics]:
  """One gradient step on V, on both Q, which see the new V, and on the actor."""
  del update_actor  # every step moves the actor
  chex.assert_rank([batch.observations, batch.actions, batch.rewards], [2, 2, 1])
  target_critic = discrete.followed(
    state.step, h.target_period, state.critic.parameters, state.target_critic
  )
  value, critic, metrics = _improve_critics(modules, state, target_critic, batch, noise, h)
  augmentation = modules.actor_augmentation
  seen, source = discrete.view(batch, noise, augmentation)
  advantages = _smaller_q(modules, target_critic, source) - _value(
    modules, value.parameters, source.observations
  )
  weights = exponential_weights(advantages, h.inverse_temperature, h.weight_clip)

  def actor_loss(parameters):
    hidden, logits = discrete.apply(modules.actor, parameters, seen)
    penalty = discrete.inconsistency(hidden, logits, augmentation)
    chances = jax.nn.log_softmax(logits[: len(weights)])
    regression = -jnp.mean(weights * discrete.taken(chances, source.actions))
    return regression + h.consistency * penalty, penalty

  actor, loss, penalty = descend(state.actor, actor_loss, h.learning_rate)
  metrics |= {"actor_loss": loss, "inconsistency": penalty, "advantage": jnp.mean(advantages)}
  return State(actor, value, critic, target_critic, state.step + 1), metrics


def _improve_critics(
  modules: Modules, state: State, target_critic: Parameters, batch: Transitions, noise: Array, h
) -> tuple[Learner, Learner, Metrics]:
  augmentation = modules.critic_augmentation
  seen, source = discrete.view(batch, noise, augmentation)
  rows = len(source.rewards)
  target_q = _smaller_q(modules, target_critic, source)

  def value_loss(parameters):
    hidden, values = discrete.apply(modules.value, parameters, seen)
    penalty = discrete.inconsistency(hidden, values, augmentation)
    regression = jnp.mean(expectile_loss(target_q - values[:rows, 0], h.expectile))
    return regression + h.consistency * penalty, values

  value, loss, values = descend(state.value, value_loss, h.learning_rate)
  next_values = _value(modules, value.parameters, source.next_observations)
  target = source.rewards + h.discount * source.not_dones * next_values

  def critic_loss(parameters):
    hidden, values = _apply(modules.critic, parameters, seen)
    penalty = discrete.inconsistency(hidden, values, augmentation)
    q = discrete.taken(values[:, :rows], source.actions)
    # The penalty is a mean over both critics, the errors a sum.
    return jnp.sum(jnp.mean(jnp.square(q - target), axis=-1)) + 2 * h.consistency * penalty, q

  critic, critic_loss_now, q = descend(state.critic, critic_loss, h.learning_rate)
  metrics = {
    "value_loss": loss,
    "critic_loss": critic_loss_now,
    "v": jnp.mean(values),
    "q": jnp.mean(q),
  }
  return value, critic, metrics


def _apply(module: nn.Module, parameters: Parameters, observations: Array) -> tuple[Array, Array]:
  """The last hidden layers (2, ..., H) and outputs (2, ..., A) of both critics."""
  both: Any = module.apply(parameters, observations)
  return both


def _smaller_q(modules: Modules, critic: Parameters, batch: Transitions) -> Array:
  """(B,): of both critics, at the actions that were taken."""
  _, values = _apply(modules.critic, critic, batch.observations)
  return jnp.min(discrete.taken(values, batch.actions), axis=0)


def _value(modules: Modules, parameters: Parameters, observations: Array) -> Array:
  """(B,): V."""
  return discrete.apply(modules.value, parameters, observations)[1][..., 0]
