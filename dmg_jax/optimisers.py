"""One step of Adam."""

from collections.abc import Callable
from typing import Any

import jax
import optax

from dmg_jax.types import Array, Learner, Parameters

# Learning rates multiply Adam's output outside of it, so that they can be data
# and the optimiser's state has one structure in every phase.
_ADAM = optax.scale_by_adam()


def learner(parameters: Parameters) -> Learner:
  """A network at given parameters, with a fresh optimiser."""
  return Learner(parameters, _ADAM.init(parameters))


def descend(moved: Learner, loss: Callable, learning_rate: Array) -> tuple[Learner, Array, Any]:
  """One Adam step on `loss`; also the loss and its auxiliary output before it.

  Args:
    moved: the network to move.
    loss: from its parameters to a scalar and an auxiliary output.
    learning_rate: scalar.
  """
  (loss_now, auxiliary), gradient = jax.value_and_grad(loss, has_aux=True)(moved.parameters)
  direction, optimiser = _ADAM.update(gradient, moved.optimiser)
  parameters = jax.tree.map(lambda p, d: p - learning_rate * d, moved.parameters, direction)
  return Learner(parameters, optimiser), loss_now, auxiliary
