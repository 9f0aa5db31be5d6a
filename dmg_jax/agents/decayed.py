"""An agent whose lambda and nu decay online, inside its own step (paper App. C.2)."""

import functools
from collections.abc import Callable
from typing import Any

from flax import struct

from dmg_jax import schedules
from dmg_jax.types import Agent, Array, Hyperparameters, Metrics, Transitions


class Decay(struct.PyTreeNode):
  """What the online phase of a run is trained with; scalars.

  Attributes:
    start: the hyperparameters with which the phase begins.
    lam_end, nu_end: what lambda and nu approach; those of `start` keep them.
    first_step: int32, gradient steps that the agent had taken before the phase.
  """

  start: Hyperparameters
  lam_end: Array | float
  nu_end: Array | float
  first_step: Array | int


@functools.cache
def make(agent: Agent) -> Agent:
  """The agent with `Decay` in place of its hyperparameters; equal agents give the same object."""
  return agent._replace(update=functools.partial(update, agent.update))


def update(
  step: Callable[..., tuple[Any, Metrics]],
  state: Any,
  batch: Transitions,
  noise: Array,
  decay: Decay,
  *,
  update_actor: bool,
) -> tuple[Any, Metrics]:
  """One gradient step at the lambda and nu of its number, see `schedules.decay_online`.

  Args:
    step: of the agent that is trained, such as `dmg.update`.
    state, batch, noise, update_actor: of that step.
    decay: see `Decay`.
  """
  number = state.step + 1 - decay.first_step
  now = schedules.decay_online(decay.start, decay.lam_end, decay.nu_end, number)
  return step(state, batch, noise, now, update_actor=update_actor)
