"""The paper's settings, until `dmg_jax.tasks` has them."""

from typing import Any


def is_antmaze(dataset: str) -> bool:
  """Whether a data set's name says that it is one of AntMaze's, whoever's it is."""
  return "antmaze" in dataset


def preparation(dataset: str) -> dict[str, Any]:
  """How the paper's code prepares a data set."""
  mazes = is_antmaze(dataset)
  return {
    "normalise_observations": not mazes,
    "clip_actions": False,
    "reward_shift": -1.0 if mazes else 0.0,
  }
