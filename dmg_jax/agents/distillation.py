"""Distillation of values: a fresh network is fitted to given values, and acts greedily.

The device of arXiv 2607.02288 to see what a pessimistic target alone does to
generalisation. There is no bootstrap: `Transitions.actions` holds the target values
of all A actions, and of the other fields only the observations are read.
"""

import functools
from typing import Any

import chex
import jax.numpy as jnp
from flax import struct

from dmg_jax.agents import discrete
from dmg_jax.networks import Outputs
from dmg_jax.optimisers import descend, learner
from dmg_jax.types import Agent, Array, Learner, Metrics, Transitions


class DistillationState(struct.PyTreeNode):
  """A network in training.

  Attributes:
    values: a `Learner`.
    step: gradient steps taken so far, int32.
  """

  values: Learner
  step: Array


class DistillationHyperparameters(struct.PyTreeNode):
  """Scalars; the default is the paper's.

  Attributes:
    learning_rate: Adam's.
  """

  learning_rate: Array | float = 5e-4


@functools.cache
def make(hidden_sizes: tuple[int, ...], actions: int, precision: str = "float32") -> Agent:
  """Distillation into a ReLU perceptron; equal arguments give the same object.

  Args:
    hidden_sizes: widths of its hidden layers.
    actions: A.
    precision: of the matrix products, see `networks.Architecture`.
  """
  network = Outputs(hidden_sizes, actions, precision)
  return Agent(
    init=functools.partial(_init, network),
    update=functools.partial(_update, network),
    policy=lambda state: state.values.parameters,
    act=functools.partial(discrete.act, network),
    cycle=1,
    noise_shape=lambda batch_size, action_size: (),
  )


def _init(
  network: Outputs, key: Any, observation_size: int, action_size: int, dtype=jnp.float32
) -> DistillationState:
  chex.assert_equal(action_size, network.outputs)
  parameters = network.init(key, jnp.zeros((1, observation_size), dtype))
  return DistillationState(learner(parameters), jnp.zeros((), jnp.int32))


def _update(
  network: Outputs,
  state: DistillationState,
  batch: Transitions,
  noise: Array,
  hyperparameters: Any,
  *,
  update_actor: bool,
) -> tuple[DistillationState, Metrics]:
  """One step on the mean over samples and actions of (q(s) - target)^2."""
  del noise, update_actor  # there is neither chance nor an actor
  chex.assert_rank([batch.observations, batch.actions], [2, 2])

  def loss(parameters):
    _, values = discrete.apply(network, parameters, batch.observations)
    return jnp.mean(jnp.square(values - batch.actions)), None

  values, loss_now, _ = descend(state.values, loss, hyperparameters.learning_rate)
  return DistillationState(values, state.step + 1), {"loss": loss_now}
