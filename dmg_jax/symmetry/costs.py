"""What the long parts of the study take on the machine at hand, from short trainings."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dmg_jax.symmetry import learners, mild, offline, runs, walker
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Transitions

SETTINGS: dict[str, Any] = {"seeds": 2, "steps": 200}
_ROWS, _OBSERVED, _MOVED = 1000, 17, 6


def fill(seed: int, cells: Cells) -> None:
  """A cell for each part: its gradient steps, and how many of them are taken in a second."""
  for part, trained in _TRAINED.items():
    cells.fill(part, partial(_cell, part, trained, seed))


def updates() -> dict[str, int]:
  """Gradient steps of all runs of each part together, with the settings of the code."""
  count = {
    "offline": sum(len(one.sources) for one in offline.populations()),
    "mild": len(mild.USES) * len(mild.LAMS) * len(mild.NUS),
    "walker": len(walker.TIERS) * len(walker.SHARES) * len(learners.USES) * len(walker.NUS),
  }
  settings = {"offline": offline.SETTINGS, "mild": mild.SETTINGS, "walker": walker.SETTINGS}
  return {
    part: runs * settings[part]["seeds"] * settings[part]["steps"] for part, runs in count.items()
  }


def _cell(part: str, trained: Callable[[int], runs.Trained], seed: int) -> dict[str, Any]:
  rate = trained(seed).updates_per_processor_second
  return {"updates": updates()[part], "updates_per_processor_second": rate}


def _offline(seed: int) -> runs.Trained:
  """IQL without augmentation, on data of the teacher that plays fast."""
  population = offline.Population("iql", "actor", "none", {"": ("dqn", "expert")})
  seeds = tuple(range(seed, seed + SETTINGS["seeds"]))
  return offline.train(population, *offline.data_of(population, seeds), seeds, SETTINGS["steps"])


def _mild(seed: int) -> runs.Trained:
  """DMG without symmetry, at all lambda and nu."""
  seeds = tuple(range(seed, seed + SETTINGS["seeds"]))
  return mild.train("none", seeds, *mild.data_of(seeds), SETTINGS["steps"])


def _walker(seed: int) -> runs.Trained:
  """DMG without symmetry, at all nu, on made-up rows, on whose numbers the rate does not depend."""
  draws = np.random.default_rng(seed)

  def normal(*size: int) -> np.ndarray:
    return draws.normal(size=(_ROWS, *size)).astype(np.float32)

  data = Transitions(
    observations=normal(_OBSERVED),
    actions=np.tanh(normal(_MOVED)),
    rewards=normal(),
    next_observations=normal(_OBSERVED),
    not_dones=np.ones(_ROWS, np.float32),
  )
  return walker.train("none", [seed], data, [[(0, _ROWS)]], SETTINGS["steps"])


_TRAINED: Mapping[str, Callable[[int], runs.Trained]] = {
  "offline": _offline,
  "mild": _mild,
  "walker": _walker,
}
