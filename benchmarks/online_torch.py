"""Online training as a plain script writes it, with the eager PyTorch step: for comparison alone.

One process, one environment, a replay of NumPy arrays, one gradient step for each environment step.
"""

import dataclasses

import gymnasium
import numpy as np
import recorded_trace
import torch
import torch_step

from dmg_jax.types import Transitions


class Loop:
  """One agent that acts, stores and learns.

  Args:
    env: with a box of actions in [-1, 1].
    shared: rows that it begins with.
    rounds: for how many more rows there is room.
    settings: of the step.
    hidden_sizes: of all networks.
    noise: standard deviation of the exploration.
    threads: of PyTorch's products.
  """

  def __init__(
    self,
    env: gymnasium.Env,
    shared: Transitions,
    rounds: int,
    settings: recorded_trace.Settings,
    hidden_sizes: tuple[int, int],
    noise: float,
    threads: int,
  ):
    self._env, self._settings, self._noise, self._threads = env, settings, noise, threads
    self._generator = np.random.default_rng(0)
    torch.manual_seed(0)
    self._agent = torch_step.Agent(settings, hidden_sizes, torch.float32)
    self._size = len(shared.rewards)
    self._rows = {
      field.name: np.concatenate([leaf, np.zeros((rounds, *leaf.shape[1:]), np.float32)])
      for field in dataclasses.fields(shared)
      for leaf in [getattr(shared, field.name)]
    }
    self._observation = np.float32(env.reset(seed=0)[0])

  def advance(self, rounds: int) -> None:
    """Takes an environment and a gradient step, `rounds` times."""
    torch.set_num_threads(self._threads)
    settings, rows = self._settings, self._rows
    for _ in range(rounds):
      with torch.no_grad():
        action = self._agent.actor(torch.from_numpy(self._observation)[None])[0].numpy()
      action = np.clip(action + self._noise * self._generator.normal(size=settings.A), -1, 1)
      found, reward, terminated, truncated, _ = self._env.step(np.float32(action))
      new = (self._observation, action, float(reward) - 1, found, not terminated)
      for leaf, value in zip(rows.values(), new, strict=True):
        leaf[self._size] = value
      self._size += 1
      self._observation = np.float32(found)
      if terminated or truncated:
        self._observation = np.float32(self._env.reset()[0])
      chosen = self._generator.integers(self._size, size=settings.B)
      batch = [torch.from_numpy(leaf[chosen]) for leaf in rows.values()]
      self._agent.step(batch, torch.randn(settings.B, settings.A))
