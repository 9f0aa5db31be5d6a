"""One agent that learns online in several environments, from what it collects itself."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax import experience, training
from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import spaces
from dmg_jax.errors import UserError
from dmg_jax.online.learners import OnlineLearner
from dmg_jax.online.loop import Loop
from dmg_jax.online.loop import Settings as LoopSettings
from dmg_jax.online.playing import Playing, none_shared

_LEARNING_RATE = "learning_rate"


class Settings(NamedTuple):
  """How the agent collects and learns.

  Attributes:
    random_steps: first environment steps, with uniform actions and without
      learning.
    batch_size: B, of a gradient step.
    annealed_steps: last environment steps, over which the learning rates fall
      linearly to 0; 0 keeps them.
    learn_every: rounds between calls of the training, see `loop.Settings`. A
      multiple of the agent's cycle.
  """

  random_steps: int
  batch_size: int
  annealed_steps: int = 0
  learn_every: int = 16


def annealed(hyperparameters: Any, share: float) -> Any:
  """Hyperparameters whose learning rates are a share of what they were.

  Args:
    hyperparameters: a dataclass of numbers; those whose names end in
      `learning_rate` change.
    share: from 0 to 1.
  """
  rates = {
    name: share * value
    for name, value in vars(hyperparameters).items()
    if name.endswith(_LEARNING_RATE)
  }
  return hyperparameters.replace(**rates)


def initial(learner: OnlineLearner, stream: Stream) -> training.Runs:
  """The population, of one run, with which a training on an empty stream begins."""
  shared = none_shared(stream.observations.shape[-1], stream.actions.shape[-1])
  nothing = np.zeros(1, np.int32)
  return training.start([stream.seed], learner.agent, shared).replace(
    own=experience.Region(nothing, nothing)
  )


def train(
  environments: Sequence[gymnasium.Env],
  learner: OnlineLearner,
  settings: Settings,
  stream: Stream,
  runs: training.Runs | None = None,
) -> Iterator[Loop]:
  """Trains one agent online until its stream is full, and yields its loop after each round.

  In a round each of the N environments takes a step; for every round after the
  random ones the agent takes one gradient step on what all of them collected.
  With the stream and the runs of an earlier round it continues from there
  exactly.

  Args:
    environments: N of one kind.
    learner: see `OnlineLearner`.
    settings: see `Settings`.
    stream: of N environments; what happens is appended. Its seed decides
      everything random.
    runs: of `Loop.runs` after the stream's last round; not given for an empty one.

  Raises:
    UserError: if repeated actions lead elsewhere, or the training diverges.
  """
  observation_size, low, high = spaces(environments[0])
  count, total = len(environments), len(stream.rewards)
  loop = Loop(
    training.make_program(learner.agent, 1, settings.batch_size, jax.devices()[:1]),
    initial(learner, stream) if runs is None else runs,
    _points(learner, 1.0),
    learner.exploration,
    [Playing(environments, stream, scaling.for_actions(observation_size, low, high))],
    none_shared(observation_size, len(low)),
    LoopSettings(-(-settings.random_steps // count), settings.learn_every),
  )
  for round_ in range(stream.size, total):
    if settings.annealed_steps:
      share = min(1.0, (total - round_) * count / settings.annealed_steps)
      loop.learn_with(_points(learner, share))
    loop.advance(1)
    if not loop.active().all():
      raise UserError(
        f"the training diverged after {loop.frozen_at()[0]} gradient steps, or the environment "
        "gave observations that are not finite; lower --learning_rate, or try another --seed"
      )
    yield loop


def _points(learner: OnlineLearner, share: float) -> Any:
  """The hyperparameters of the one run, on an axis of runs."""
  return jax.tree.map(
    lambda value: np.full(1, value, np.float32), annealed(learner.hyperparameters, share)
  )
