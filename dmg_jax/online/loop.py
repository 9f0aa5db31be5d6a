"""The online loop: act, store, learn.

Its uses differ only in who learns and in what happens between rounds.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gymnasium
import jax
import numpy as np

from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.envs.make import spaces
from dmg_jax.errors import UserError
from dmg_jax.online import replay
from dmg_jax.online.learners import OnlineLearner
from dmg_jax.online.rounds import rounds
from dmg_jax.types import Array, Transitions

# A stream of its own for random actions, beside those of the learners.
_RANDOM_STEPS = np.uint32(2**32 - 3)


class Settings(NamedTuple):
  """How the online loop collects and learns.

  Attributes:
    random_steps: first environment steps, with uniform actions and without
      learning.
    annealed_steps: last environment steps, over which the learning rates fall
      linearly to 0; 0 keeps them.
    learn_every: rounds between calls of the learner, each of as many gradient
      steps: several in one compiled call are much faster than one by one. A
      multiple of the learner's cycle.
  """

  random_steps: int
  annealed_steps: int = 0
  learn_every: int = 16


@functools.partial(jax.jit, donate_argnums=0)
def _store(buffer: replay.Replay, transitions: Transitions) -> replay.Replay:
  return replay.add(buffer, transitions)


@functools.partial(jax.jit, static_argnames="shape")
def _uniform(seed: Array, round_: Array, shape: tuple[int, int]) -> Array:
  key = jax.random.fold_in(jax.random.key(seed), _RANDOM_STEPS)
  return jax.random.uniform(jax.random.fold_in(key, round_), shape, minval=-1)


def train(
  environments: Sequence[gymnasium.Env],
  learner: OnlineLearner,
  settings: Settings,
  stream: Stream,
  state: Any = None,
) -> Iterator[Any]:
  """Trains one agent online until its stream is full, and yields after each round.

  In a round each of the N environments takes a step; for every round after the
  random ones the agent takes one gradient step on the replay of all of them.
  With the stream and the state of an earlier round it goes on from there,
  exactly: the environments are brought back by repeating the actions of their
  unfinished episodes.

  Args:
    environments: N of one kind.
    learner: who learns.
    settings: see `Settings`.
    stream: of N environments; what happens is appended. Its seed also decides
      the random actions.
    state: of the agent after the stream's last round; not given for an empty one.

  Yields:
    The agent's state, which a later round donates.

  Raises:
    UserError: if repeated actions lead elsewhere, or actions are not finite.
  """
  observation_size, low, high = spaces(environments[0])
  units = scaling.for_actions(observation_size, low, high)
  random_rounds = -(-settings.random_steps // len(environments))
  assert settings.learn_every % learner.cycle == 0
  cycles = settings.learn_every // learner.cycle
  agent = learner.initial() if state is None else state
  buffer = replay.empty(stream.rewards.size, observation_size, len(low))

  def store(start: int, stop: int) -> replay.Replay:
    return _store(buffer, units.apply(stream.transitions(start, stop)))

  def act(round_: int, observations: np.ndarray) -> np.ndarray:
    number = np.uint32(round_)
    if round_ < random_rounds:
      actions = _uniform(np.uint32(stream.seed), number, (len(environments), len(low)))
    else:
      actions = learner.explore(agent.actor.parameters, observations, number)
      if not np.isfinite(actions).all():
        raise UserError(
          f"the training diverged: its actions are not finite in round {round_}; "
          "lower --learning_rate, or try another --seed"
        )
    return np.asarray(units.act(actions))

  stored = stream.size
  buffer = store(0, stored)
  for round_ in rounds(environments, stream, act):
    waiting = round_ + 1 - random_rounds
    if waiting > 0 and waiting % settings.learn_every == 0:
      buffer, stored = store(stored, round_ + 1), round_ + 1
      left = len(stream.rewards) - round_
      rate = min(1.0, left * len(environments) / max(1, settings.annealed_steps))
      agent = learner.learn(agent, buffer, np.float32(rate), cycles)
    yield agent
