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
    threads: of PyTorch's products on a CPU.
    device: of the networks, by PyTorch's name; the simulator's rows stay on the host.
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
    device: str,
  ):
    self._env, self._settings, self._noise, self._threads = env, settings, noise, threads
    self._generator = np.random.default_rng(0)
    torch.manual_seed(0)
    self._device = torch.device(device)
    with self._device:
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
    settings, rows, device = self._settings, self._rows, self._device
    for _ in range(rounds):
      with torch.no_grad():
        observation = torch.from_numpy(self._observation).to(device)
        action = self._agent.actor(observation[None])[0].cpu().numpy()
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
      batch = [torch.from_numpy(leaf[chosen]).to(device) for leaf in rows.values()]
      self._agent.step(batch, torch.randn(settings.B, settings.A, device=device))
    if device.type != "cpu":
      torch.cuda.synchronize(device)
