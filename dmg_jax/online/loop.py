"""The online loop: act, store, learn.

Its uses differ only in who learns and in what happens between rounds.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax import training
from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import spaces
from dmg_jax.errors import UserError
from dmg_jax.online import replay
from dmg_jax.online.exploration import Exploration
from dmg_jax.online.learners import OnlineLearner
from dmg_jax.online.rounds import rounds
from dmg_jax.types import Array, Parameters, Transitions

# A stream of its own for random actions, beside those of training and exploration.
_RANDOM_STEPS = np.uint32(2**32 - 3)
_LEARNING_RATE = "learning_rate"
_ADVICE = "lower --learning_rate, or try another --seed"


class Settings(NamedTuple):
  """How the online loop collects and learns.

  Attributes:
    random_steps: first environment steps, with uniform actions and without
      learning.
    batch_size: B, of a gradient step.
    annealed_steps: last environment steps, over which the learning rates fall
      linearly to 0; 0 keeps them.
    learn_every: rounds between calls of the training, each of as many gradient
      steps: several in one compiled call are much faster than one by one. A
      multiple of the agent's cycle.
  """

  random_steps: int
  batch_size: int
  annealed_steps: int = 0
  learn_every: int = 16


@functools.partial(jax.jit, donate_argnums=0)
def _store(buffer: replay.Replay, transitions: Transitions) -> replay.Replay:
  return replay.add(buffer, transitions)


@functools.partial(jax.jit, static_argnames="shape")
def _uniform(seed: Array, round_: Array, shape: tuple[int, int]) -> Array:
  key = jax.random.fold_in(jax.random.key(seed), _RANDOM_STEPS)
  return jax.random.uniform(jax.random.fold_in(key, round_), shape, minval=-1)


@functools.partial(jax.jit, static_argnames="exploration")
def _acting(states: Any, exploration: Exploration) -> Parameters:
  """What explores, of the one run of a population."""
  return exploration.parameters(jax.tree.map(lambda leaf: leaf[0], states))


_explore: Callable[..., Array] = jax.jit(
  lambda act, parameters, observations, seed, round_: act(parameters, observations, seed, round_),
  static_argnums=0,
)


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
  observation_size, action_size = stream.observations.shape[-1], stream.actions.shape[-1]
  return training.start(
    [stream.seed], learner.agent, replay.empty(1, observation_size, action_size).transitions
  )


def state_of(runs: training.Runs) -> Any:
  """The agent's state of a population of one run, without its run axis."""
  return jax.tree.map(lambda leaf: leaf[0], runs.states)


def train(
  environments: Sequence[gymnasium.Env],
  learner: OnlineLearner,
  settings: Settings,
  stream: Stream,
  runs: training.Runs | None = None,
) -> Iterator[training.Runs]:
  """Trains one agent online until its stream is full, and yields after each round.

  In a round each of the N environments takes a step; for every round after the
  random ones the agent takes one gradient step on the replay of all of them.
  With the stream and the runs of an earlier round it continues from there
  exactly: the environments are brought back by repeating the actions of their
  unfinished episodes.

  Args:
    environments: N of one kind.
    learner: see `OnlineLearner`.
    settings: see `Settings`.
    stream: of N environments; what happens is appended. Its seed decides
      everything random.
    runs: as yielded after the stream's last round; not given for an empty one.

  Yields:
    The population, of one run, which a later round donates.

  Raises:
    UserError: if repeated actions lead elsewhere, or the training diverges.
  """
  observation_size, low, high = spaces(environments[0])
  units = scaling.for_actions(observation_size, low, high)
  random_rounds = -(-settings.random_steps // len(environments))
  cycles, rest = divmod(settings.learn_every, learner.agent.cycle)
  assert not rest
  program = training.make_program(learner.agent, 1, settings.batch_size, jax.devices()[:1])
  buffer = replay.empty(stream.rewards.size, observation_size, len(low))
  runs = initial(learner, stream) if runs is None else runs
  runs, _, transitions = training.place(runs, _points(learner, 1.0), buffer.transitions, program)
  buffer = buffer.replace(transitions=transitions)
  acting = _acting(runs.states, learner.exploration)

  def store(start: int, stop: int) -> replay.Replay:
    return _store(buffer, units.apply(stream.transitions(start, stop)))

  def act(round_: int, observations: np.ndarray) -> np.ndarray:
    seed, number = np.uint32(stream.seed), np.uint32(round_)
    if round_ < random_rounds:
      actions = _uniform(seed, number, (len(environments), len(low)))
    else:
      actions = _explore(learner.exploration.act, acting, observations, seed, number)
      if not np.isfinite(actions).all():
        raise UserError(
          f"non-finite actions in round {round_}: the environment gave non-finite observations, "
          f"or the training diverged; {_ADVICE}"
        )
    return np.asarray(units.act(actions))

  stored = stream.size
  buffer = store(0, stored)
  for round_ in rounds(environments, stream, act):
    waiting = round_ + 1 - random_rounds
    if waiting > 0 and waiting % settings.learn_every == 0:
      buffer, stored = store(stored, round_ + 1), round_ + 1
      left = len(stream.rewards) - round_
      share = min(1.0, left * len(environments) / max(1, settings.annealed_steps))
      runs = runs.replace(sizes=buffer.size[None])
      points = _points(learner, share)
      runs, _ = training.advance(runs, points, buffer.transitions, program, cycles)
      if (frozen_at := int(runs.frozen_at[0])) != training.ACTIVE:
        raise UserError(f"the training diverged after {frozen_at} gradient steps; {_ADVICE}")
      acting = _acting(runs.states, learner.exploration)
    yield runs


def _points(learner: OnlineLearner, share: float) -> Any:
  """The hyperparameters of the one run, on an axis of runs."""
  return jax.tree.map(
    lambda value: np.full(1, value, np.float32), annealed(learner.hyperparameters, share)
  )
