"""CQL for discrete actions (arXiv 2006.04779); with weight 0 it is double DQN.

The loss of Q is Huber's of the double-DQN error, plus a weight times
log sum exp Q(s, .) - Q(s, a). The policy is greedy in Q.
"""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax
from flax import struct

from dmg_jax.agents import discrete
from dmg_jax.networks import Outputs
from dmg_jax.optimisers import descend, learner
from dmg_jax.types import Agent, Array, Learner, Metrics, Parameters, Transitions


class State(struct.PyTreeNode):
  """One agent.

  Attributes:
    critic: a `Learner` of Q.
    target_critic: parameters of its slow copy.
    step: gradient steps taken so far, int32.
  """

  critic: Learner
  target_critic: Parameters
  step: Array


class CQLHyperparameters(struct.PyTreeNode):
  """Scalars.

  Attributes:
    learning_rate: Adam's.
    discount: gamma.
    conservatism: weight of the conservative term.
    target_period: gradient steps between copies to the target.
    consistency: weight of the penalty of DAC, see `discrete.USES`.
  """

  learning_rate: Array | float = 1e-4
  discount: Array | float = 0.95
  conservatism: Array | float = 5.0
  target_period: Array | float = 100.0
  consistency: Array | float = 0.0


@functools.cache
def make(
  hidden_sizes: tuple[int, ...],
  actions: int,
  augmentation: discrete.Augmentation = discrete.NONE,
  precision: str = "float32",
) -> Agent:
  """CQL with a ReLU perceptron; equal arguments give the same object.

  Args:
    hidden_sizes: widths of its hidden layers.
    actions: A.
    augmentation: of the critic.
    precision: of the matrix products, see `networks.Architecture`.
  """
  network = Outputs(hidden_sizes, actions, precision)
  return Agent(
    init=functools.partial(_init, network),
    update=functools.partial(_update, network, augmentation),
    policy=lambda state: state.critic.parameters,
    act=functools.partial(discrete.act, network),
    cycle=1,
    noise_shape=lambda batch_size, action_size: (batch_size,),
  )


def _init(
  network: Outputs, key: Any, observation_size: int, action_size: int, dtype=jnp.float32
) -> State:
  chex.assert_equal(action_size, network.outputs)
  critic = network.init(key, jnp.zeros((1, observation_size), dtype))
  return State(learner(critic), jax.tree.map(jnp.copy, critic), jnp.zeros((), jnp.int32))


def _update(
  network: Outputs,
  augmentation: discrete.Augmentation,
  state: State,
  batch: Transitions,
  noise: Array,
  h: Any,
  *,
  update_actor: bool,
) -> tuple[State, Metrics]:
  """One gradient step on Q; the target is copied before every `target_period`-th."""
  del update_actor  # the policy is greedy in Q
  chex.assert_rank([batch.observations, batch.actions, batch.rewards], [2, 2, 1])
  target_critic = discrete.followed(
    state.step, h.target_period, state.critic.parameters, state.target_critic
  )
  seen, source = discrete.view(batch, noise, augmentation)
  next_actions = discrete.act(network, state.critic.parameters, source.next_observations)
  _, next_values = discrete.apply(network, target_critic, source.next_observations)
  next_value = discrete.taken(next_values, next_actions)
  target = source.rewards + h.discount * source.not_dones * next_value

  def loss(parameters):
    hidden, values = discrete.apply(network, parameters, seen)
    penalty = discrete.inconsistency(hidden, values, augmentation)
    values = values[: len(target)]
    q = discrete.taken(values, source.actions)
    error = jnp.mean(optax.huber_loss(q, target))
    conservative = jnp.mean(jax.nn.logsumexp(values, axis=-1) - q)
    return error + h.conservatism * conservative + h.consistency * penalty, (error, q, penalty)

  critic, loss_now, (error, q, penalty) = descend(state.critic, loss, h.learning_rate)
  metrics = {"loss": loss_now, "error": error, "q": jnp.mean(q), "inconsistency": penalty}
  return State(critic, target_critic, state.step + 1), metrics
