"""Environments that fail, or that keep what they are given."""

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit

from dmg_jax.data import scaling
from dmg_jax.data.stream import Stream
from dmg_jax.errors import SimulatorError
from dmg_jax.online import rounds
from dmg_jax.online.playing import Playing


class Failing(gymnasium.Env):
  """Fails as it is told, at its third step or at its reset."""

  observation_space = gymnasium.spaces.Box(-100, 100, (2,))
  action_space = gymnasium.spaces.Box(-1, 1, (1,))

  def __init__(self, how):
    self.how, self.steps = how, 0

  def reset(self, *, seed=None, options=None):
    if self.how == "reset":
      raise ValueError("no\nreset")
    return np.zeros(2), {}

  def step(self, action):
    self.steps += 1
    action *= 0
    observation, reward = np.full(2, self.steps), 1.0
    if self.steps == 3:
      if self.how == "raises":
        raise RuntimeError("it\nbroke")
      observation = np.zeros(5) if self.how == "shape" else observation
      reward = None if self.how == "reward" else reward
    return observation, reward, False, False, {}


def play(how, count):
  environments, stream = [Failing(how)], Stream(9, 1, 2, 1, 0)
  observations = rounds.begin(environments, stream)
  for _ in range(count):
    rounds.take(environments, stream, observations, np.ones((1, 1), np.float32))
    observations = rounds.go_on(environments, stream)
  return stream


@pytest.mark.parametrize(
  ("how", "message"),
  [
    ("raises", "failed in step, in the episode of seed {seed}: RuntimeError: it broke ("),
    ("shape", "ValueError: cannot reshape array of size 5 into shape (2,) ("),
    ("reward", "TypeError: float() argument must be a string or a real number, not 'NoneType' ("),
    ("reset", "failed in reset, in the episode of seed {seed}: ValueError: no reset ("),
  ],
)
def test_an_environments_own_error_is_told_in_one_line(how, message):
  with pytest.raises(SimulatorError) as caught:
    play(how, 3)
  seed = Stream(9, 1, 2, 1, 0).episode_seed(0, 0)
  assert message.format(seed=seed) in str(caught.value)
  assert "\n" not in str(caught.value)


def test_what_is_stored_is_the_action_that_was_taken():
  """This environment changes the array that it gets; repeated actions would lead elsewhere."""
  stream = play("", 2)
  assert stream.actions[:2].ravel().tolist() == [1.0, 1.0]


class Goal(gymnasium.Env):
  """Reaches its goal at the third step; observes its steps."""

  observation_space = gymnasium.spaces.Box(-100, 100, (2,))
  action_space = gymnasium.spaces.Box(-1, 1, (1,))

  def reset(self, *, seed=None, options=None):
    self.steps = 0
    return np.zeros(2), {}

  def step(self, action):
    self.steps += 1
    reached = self.steps == 3
    return np.full(2, self.steps), float(reached), reached, False, {}


@pytest.mark.parametrize(
  ("limit", "not_dones", "rewards"), [(3, [1, 1, 0, 1], [-1, -1, 0, -1]), (2, [1] * 4, [-1] * 4)]
)
def test_success_on_the_last_allowed_step_is_terminal_and_a_cut_is_not(limit, not_dones, rewards):
  """The released code stores such a success as a failure."""
  env = TimeLimit(Goal(), limit)
  playing = Playing([env], Stream(4, 1, 2, 1, 0), scaling.for_actions(2, [-1], [1]), -1.0)
  observations = rounds.begin([env], playing.stream)
  for _ in range(4):
    rounds.take([env], playing.stream, observations, np.ones((1, 1), np.float32))
    observations = rounds.go_on([env], playing.stream)
  found = playing.transitions(0, 4)
  assert found.not_dones.tolist() == not_dones
  assert found.rewards.tolist() == rewards
  # Behind a cut stands the observation that it cut off, not the next episode's first.
  steps = np.arange(4) % limit
  np.testing.assert_array_equal(found.observations[:, 0], steps)
  np.testing.assert_array_equal(found.next_observations[:, 0], steps + 1)
