"""The paper's settings, until `dmg_jax.tasks` has them."""

import re
from typing import Any

_EXPERT_TIER = re.compile(r"(^|[-_/])(medium[-_])?expert([-_]v\d+)?$")


def is_antmaze(name: str) -> bool:
  """Whether a data set's name says that it is one of AntMaze's."""
  return "antmaze" in name.lower()


def paper_point(name: str) -> dict[str, Any]:
  """DMG's lambda and nu on a data set."""
  return {
    "lam": 0.25,
    "nu": 0.5 if is_antmaze(name) else 10.0 if _EXPERT_TIER.search(name) else 0.1,
  }
