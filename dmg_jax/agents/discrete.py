"""What agents with A discrete actions share; an action is a one-hot vector (A,).

Also the four ways of data augmentation that arXiv 2607.02288 compares, see `USES`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dmg_jax.networks import Outputs
from dmg_jax.types import Array, Parameters, Transitions

# In its order: no augmentation. Aug-D: the batch and a turned copy, everywhere. Aug-D-Online:
# the learner sees both, its targets come from the batch alone. DAC-Latent and DAC-Output: the
# batch alone, and a penalty on how far the last hidden layer, or the output, differs between both.
USES = ("none", "aug_d", "aug_d_online", "dac_latent", "dac_output")
_SEEN_TWICE = ("aug_d", "aug_d_online")
_CONSISTENT = ("dac_latent", "dac_output")


class Augmentation(NamedTuple):
  """How a learner uses a symmetry under which actions stay as they are; static.

  Attributes:
    turn: (observations (B, S), noise (B,)) -> observations, each turned by an element
      of the group that its standard normal noise picks. None without augmentation.
    use: one of `USES`.
  """

  turn: Callable[[Array, Array], Array] | None = None
  use: str = "none"


NONE = Augmentation()


def view(batch: Transitions, noise: Array, augmentation: Augmentation) -> tuple[Array, Transitions]:
  """What a learner sees, and what its targets come from.

  Args:
    batch: B transitions.
    noise: (B,) standard normal.
    augmentation: static.

  Returns:
    Observations (B or 2 B, S), the batch's first; and the transitions, B or 2 B, of
    which the learner's loss takes its targets, in the order of the observations.
  """
  if augmentation.turn is None or augmentation.use == "none":
    return batch.observations, batch
  turned = batch.replace(
    observations=augmentation.turn(batch.observations, noise),
    next_observations=augmentation.turn(batch.next_observations, noise),
  )
  seen = jnp.concatenate([batch.observations, turned.observations])
  if augmentation.use not in _SEEN_TWICE:
    return seen, batch
  second = turned if augmentation.use == "aug_d" else batch
  return seen, jax.tree.map(lambda *leaves: jnp.concatenate(leaves), batch, second)


def inconsistency(hidden: Array, output: Array, augmentation: Augmentation) -> Array:
  """The mean squared difference between the two halves of what a learner saw; 0 without DAC.

  Args:
    hidden: (..., 2 B, H) the last hidden layer.
    output: (..., 2 B, A) the output.
    augmentation: static; decides which of the two.
  """
  if augmentation.use not in _CONSISTENT:
    return jnp.zeros(())
  compared = hidden if augmentation.use == "dac_latent" else output
  plain, turned = jnp.split(compared, 2, axis=-2)
  return jnp.mean(jnp.square(plain - turned))


def apply(network: Outputs, parameters: Parameters, observations: Array) -> tuple[Array, Array]:
  """The last hidden layer (..., H) and the output (..., A)."""
  both: Any = network.apply(parameters, observations)
  return both


def act(network: Outputs, parameters: Parameters, observations: Array) -> Array:
  """The action of the largest output: (..., S) -> (..., A)."""
  _, output = apply(network, parameters, observations)
  return jax.nn.one_hot(jnp.argmax(output, axis=-1), output.shape[-1], dtype=output.dtype)


def followed(step: Array, period: Array, online: Parameters, target: Parameters) -> Parameters:
  """Target parameters: a copy of the online ones at every `period`-th step, else as they were.

  Args:
    step: gradient steps taken so far, scalar.
    period: scalar, at least 1.
    online, target: trees of the same shapes.
  """
  copied = jnp.mod(step, jnp.asarray(period, jnp.int32)) == 0
  return jax.tree.map(lambda new, old: jnp.where(copied, new, old), online, target)


def taken(output: Array, actions: Array) -> Array:
  """(...): the output (..., A) of the actions that were taken."""
  return jnp.sum(output * actions, axis=-1)
