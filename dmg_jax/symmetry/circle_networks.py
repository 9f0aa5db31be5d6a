"""Counter-example 1 with networks: 50 seeds, a sweep of eta and of the width."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.agents import distillation
from dmg_jax.symmetry import circle, runs
from dmg_jax.symmetry.cells import Cells

WIDTHS = (4, 16, 64)
# As multiples of the exact threshold.
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
SEEDS, STEPS, LEARNING_RATE = 50, 2000, 1e-3
TARGETS = {"symmetric": circle.symmetric_target, "rotated": circle.rotated_target}


SETTINGS: dict[str, Any] = {
  "reward": circle.REWARD,
  "discount": circle.DISCOUNT,
  "multiples": MULTIPLES,
  "seeds": SEEDS,
  "steps": STEPS,
  "learning_rate": LEARNING_RATE,
}


def fill(seed: int, cells: Cells) -> None:
  """The exact case, and networks of each width."""
  cells.fill("exact", exact)
  for width in WIDTHS:
    cells.fill(f"width {width}", partial(of_width, width, seed))


def exact() -> dict[str, Any]:
  """The counter-example in float64: thresholds, and both targets at twice the threshold."""
  with jax.enable_x64(True):
    limit = circle.threshold()
    return {
      "threshold": limit,
      "crossing": circle.crossing(),
      "difference": abs(circle.crossing() - limit),
      "table_eta": 2 * limit,
      "table": circle.table(2 * limit),
    }


def of_width(
  width: int,
  seed: int,
  seeds: int = SEEDS,
  multiples: Sequence[float] = MULTIPLES,
  steps: int = STEPS,
) -> dict[str, Any]:
  """Networks with two hidden layers of a width, distilled from both targets at every eta.

  Args:
    width: of both hidden layers.
    seed: the first of the networks' seeds.
    seeds: networks of each target and eta.
    multiples: of the exact threshold, rising: the etas.
    steps: gradient steps, each on four angles drawn with replacement.

  Returns:
    For each target and eta the share of networks that act optimally at the test angle,
    and at the training angles; and where half of the networks of the rotated target fail
    at the test angle, as a multiple of the exact threshold.
  """
  etas = np.array(multiples) * circle.threshold()
  angles = np.array(circle.TRAINING_ANGLES)
  blocks = [np.asarray(target(angles, eta)) for target in TARGETS.values() for eta in etas]
  observations = np.tile(np.asarray(circle.position(angles)), (len(blocks), 1))
  data = runs.supervised(observations, np.concatenate(blocks))
  points = [(block * len(angles), len(angles)) for block in range(len(blocks))]
  agent = distillation.make((width, width), circle.ACTIONS)
  trained = runs.train(
    agent,
    list(range(seed, seed + seeds)) * len(points),
    distillation.DistillationHyperparameters(LEARNING_RATE),
    data,
    [span for span in points for _ in range(seeds)],
    batch_size=len(angles),
    steps=steps,
    side_by_side=True,
  )
  act = jax.jit(jax.vmap(agent.act, in_axes=(0, None)))

  def optimal(where: np.ndarray) -> np.ndarray:
    """(targets, etas, seeds): the share of these angles at which the greedy action is right."""
    chosen = act(trained.policies, circle.position(jnp.asarray(where)))
    return np.asarray(chosen)[..., 0].mean(axis=1).reshape(len(TARGETS), len(etas), seeds)

  at_test, at_training = optimal(np.array([circle.TEST_ANGLE])), optimal(angles)
  curves = {
    name: {
      "test": at_test[place].mean(axis=-1).tolist(),
      "training": at_training[place].mean(axis=-1).tolist(),
    }
    for place, name in enumerate(TARGETS)
  }
  return {
    **curves,
    "crossing": half_way(multiples, curves["rotated"]["test"]),
    "updates_per_second": trained.updates_per_second,
    "diverged": int(trained.diverged.sum()),
  }


def half_way(multiples: Sequence[float], shares: Sequence[float]) -> float | None:
  """Where a share falls through one half, by linear interpolation; None if it does not."""
  for place in range(1, len(shares)):
    before, after = shares[place - 1], shares[place]
    if before >= 0.5 > after:
      part = (before - 0.5) / (before - after)
      return float(multiples[place - 1] + part * (multiples[place] - multiples[place - 1]))
  return None
