"""Small environments whose episodes can be computed by hand.

Importing this module registers them with Gymnasium. Worker processes import it
by name.
"""

import gymnasium
import numpy as np
from gymnasium.spaces import Box

COUNTDOWN = "toy/Countdown-v0"


class Countdown(gymnasium.Env):
  """Counts down from 1 + seed % 5; ends at 0. The reward is the action.

  Observations are the (1,) count, as it stands before the action.

  Args:
    log: a file that gets one line for each environment made, if given.
    fails_at: the count at which a step raises.
  """

  def __init__(self, log: str | None = None, fails_at: int | None = None):
    self.observation_space = Box(0, 10, (1,), np.float32)
    self.action_space = Box(-100, 100, (1,), np.float32)
    self.fails_at = fails_at
    if log is not None:
      with open(log, "a") as file:
        file.write("made\n")

  def reset(self, *, seed=None, options=None):
    super().reset(seed=seed)
    assert seed is not None
    self.count = 1 + seed % 5
    return np.float32([self.count]), {}

  def step(self, action):
    if self.count == self.fails_at:
      raise RuntimeError("the toy\nbroke")
    self.count -= 1
    return np.float32([self.count]), float(action[0]), self.count == 0, False, {}


class Endless(Countdown):
  """Never ends."""

  def step(self, action):
    return np.float32([self.count]), 0.0, False, False, {}


gymnasium.register(COUNTDOWN, "toy_environments:Countdown")
gymnasium.register("toy/Endless-v0", "toy_environments:Endless")
gymnasium.register("toy/ByClass-v0", Countdown)
