"""The Gymnasium ids of environments of our own."""

from typing import Any

import gymnasium

# Each id's entry point, step limit and arguments.
_ENVIRONMENTS: dict[str, tuple[str, int, dict[str, Any]]] = {
  "dmg_jax/AntDirections-v0": ("dmg_jax.envs.ant_directions:AntDirections", 500, {}),
}


def register() -> None:
  """Makes the ids known to Gymnasium."""
  for env_id, (entry_point, steps, arguments) in _ENVIRONMENTS.items():
    gymnasium.register(env_id, entry_point, max_episode_steps=steps, kwargs=arguments)
