"""Checks recorded episodes against the simulator."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dmg_jax.data import minari_files
from dmg_jax.envs.make import make


class Replayed(NamedTuple):
  """Episodes played again from their seeds.

  Attributes:
    episodes, steps: played again.
    deviation: largest difference of an observation or reward.
  """

  episodes: int
  steps: int
  deviation: float


def replay(folder: Path, env_id: str, count: int, seed: int = 0) -> Replayed | None:
  """Plays some recorded episodes again, from their seeds, options and actions.

  Args:
    folder: of a Minari data set.
    env_id: of its environment.
    count: episodes at most, drawn at random.
    seed: of the draw.

  Returns:
    What came of it; None where the data set keeps no seeds.
  """
  seeded = [e for e in minari_files.read(minari_files.open_path(folder)) if e.seed is not None]
  if not seeded:
    return None
  generator = np.random.default_rng(seed)
  chosen = generator.choice(len(seeded), min(count, len(seeded)), replace=False)
  env = make(env_id)
  steps, deviation = 0, 0.0
  for episode in (seeded[place] for place in sorted(chosen)):
    observation, _ = env.reset(seed=episode.seed, options=episode.options)
    deviation = max(deviation, _difference(observation, episode.observations[0]))
    for step, action in enumerate(episode.actions):
      observation, reward, terminated, _, _ = env.step(action)
      deviation = max(
        deviation,
        _difference(observation, episode.observations[step + 1]),
        _difference(reward, episode.rewards[step]),
      )
      steps += 1
      if terminated != episode.terminations[step]:
        deviation = np.inf
        break
  env.close()
  return Replayed(len(chosen), steps, deviation)


def _difference(one, other) -> float:
  """Between values as they are stored, in float32."""
  return float(np.max(np.abs(np.float32(one) - np.float32(other))))
