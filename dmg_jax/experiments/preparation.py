"""A task's data as they will train, checked against its simulator."""

from typing import NamedTuple

import jax
import numpy as np

from dmg_jax.data import scaling
from dmg_jax.data.dataset import Dataset, action_box, check_actions
from dmg_jax.data.scaling import Scaling
from dmg_jax.envs.make import limited, make, spaces
from dmg_jax.errors import UserError
from dmg_jax.tasks import NO_ENVIRONMENT, Task
from dmg_jax.types import Transitions


class Prepared(NamedTuple):
  """Data ready to train on.

  Attributes:
    dataset: with shifted rewards and clipped actions, in the environment's units;
      returns stay in the file's rewards.
    scaling: between those units and the networks'.
    notices: lines on what was done.
  """

  dataset: Dataset
  scaling: Scaling
  notices: tuple[str, ...]

  def transitions(self) -> Transitions:
    """(N, ...) float32, as the networks see them."""
    return jax.tree.map(np.float32, self.scaling.apply(self.dataset.transitions))


def prepare(task: Task, dataset: Dataset) -> Prepared:
  """Applies a task's settings to its data.

  Raises:
    UserError: if observations or actions do not fit the simulator or its box, or the
      simulator's episodes might never end.
  """
  before = len(dataset.notices)
  observation_size = dataset.transitions.observations.shape[1]
  action_size = dataset.transitions.actions.shape[1]
  low, high = action_box(dataset)
  simulator = task.env != NO_ENVIRONMENT
  if simulator:
    env = make(task.env, limited(task.env, task.env_kwargs, task.step_limit))
    their_size, low, high = spaces(env)
    env.close()
    for field, ours, theirs in (
      ("observations", observation_size, their_size),
      ("actions", action_size, len(low)),
    ):
      if ours != theirs:
        raise UserError(
          f"{dataset.name}: {field} have {ours} numbers, but those of {task.env} have {theirs}; "
          "name the right --config.env (and --config.env_kwargs), or none"
        )
  dataset = check_actions(dataset, low, high, task.clip_actions, simulator)
  if task.reward_shift:
    rewards = dataset.transitions.rewards + np.float32(task.reward_shift)
    notice = (
      f"rewards moved by {task.reward_shift:g}, to between {rewards.min():g} and {rewards.max():g}"
    )
    dataset = dataset._replace(
      transitions=dataset.transitions.replace(rewards=rewards),
      notices=(*dataset.notices, notice),
    )
  units = scaling.for_actions(observation_size, low, high)
  if task.normalise_observations:
    units = scaling.with_statistics(units, dataset.transitions.observations)
  return Prepared(dataset, units, dataset.notices[before:])
