"""Environments that fail, or that keep what they are given."""

import gymnasium
import numpy as np
import pytest

from dmg_jax.data.stream import Stream
from dmg_jax.errors import SimulatorError
from dmg_jax.online import rounds


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
