"""DMG on the continuous reacher: amounts, lambda and nu, against structure, in one grid."""

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from dmg_jax import networks
from dmg_jax.envs import reacher
from dmg_jax.symmetry import contexts, groups, learners, offline, runs
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Agent, Hyperparameters, Transitions

LAMS, NUS = (0.0, 0.25, 1.0), (0.01, 0.1, 1.0)
CONSISTENCY_WEIGHT = 1.0
QUARTER_TURNS = groups.rotations(4, vectors=5, actions=2)
# A group, but no symmetry of the reacher: the two torques turn along, as if they were a vector.
FALSE_TURNS = groups.group(
  QUARTER_TURNS.observations, groups.rotations(4, vectors=1, actions=1).observations
)
USES = (*learners.USES, "false")
TEACHER = "dqn"
SETTINGS: dict[str, Any] = {
  "data": "mixed",
  "lams": LAMS,
  "nus": NUS,
  "hidden_sizes": (64, 64),
  "seeds": 10,
  "steps": 20_000,
  "batch_size": 32,
  "discount": 0.95,
  "learning_rate": 1e-3,
  "test_contexts": len(contexts.held_out()),
}


def fill(seed: int, cells: Cells) -> None:
  """One cell for each use of the symmetry: the whole grid."""
  for use in USES:
    cells.fill(use, partial(measure, use, seed))


def make_agent(use: str) -> Agent:
  """DMG that uses the quarter turns in one of `USES`; "false": batches augmented by false ones."""
  sizes = SETTINGS["hidden_sizes"]
  modules = networks.make(2, networks.Architecture(sizes, sizes, sizes))
  if use == "false":
    return learners.make("augmented", modules, FALSE_TURNS, CONSISTENCY_WEIGHT)
  return learners.make(use, modules, QUARTER_TURNS, CONSISTENCY_WEIGHT)


def continuous(data: Transitions) -> Transitions:
  """Data of the discrete reacher with torques in [-1, 1] as actions."""
  torques = reacher.torques_of(np.argmax(data.actions, axis=-1)) / reacher.MAX_TORQUE
  return data.replace(actions=np.asarray(torques, np.float32))


def data_of(seeds: tuple[int, ...]) -> tuple[Transitions, list[tuple[int, int]]]:
  """A data set for each seed, see `offline.join`."""
  sets = offline.data_sets(TEACHER, SETTINGS["data"], seeds)
  return offline.join([continuous(one) for one in sets])


def train(
  use: str,
  seeds: tuple[int, ...],
  data: Transitions,
  spans: list[tuple[int, int]],
  steps: int = SETTINGS["steps"],
) -> runs.Trained:
  """Trains DMG at every lambda and nu, in each of them all seeds, on what `data_of` gives."""
  points, rate = list(product(LAMS, NUS)), SETTINGS["learning_rate"]
  return runs.train(
    make_agent(use),
    seeds * len(points),
    Hyperparameters(
      lam=np.repeat([lam for lam, _ in points], len(seeds)),
      nu=np.repeat([nu for _, nu in points], len(seeds)),
      discount=SETTINGS["discount"],
      actor_learning_rate=rate,
      critic_learning_rate=rate,
      value_learning_rate=rate,
      actor_schedule_steps=np.inf,
    ),
    data,
    spans * len(points),
    batch_size=SETTINGS["batch_size"],
    steps=steps,
    side_by_side=True,
  )


def measure(
  use: str, seed: int, seeds: int = SETTINGS["seeds"], steps: int = SETTINGS["steps"]
) -> dict[str, Any]:
  """Trains DMG at every lambda and nu, each seed on a data set of its own.

  Returns:
    Of each "lambda nu": returns in context 0 and in the test contexts, of every seed.
  """
  numbers = tuple(range(seed, seed + seeds))
  data, spans = data_of(numbers)
  trained = train(use, numbers, data, spans, steps)
  training, test = contexts.returns(
    contexts.of_actor(make_agent(use)), trained.policies, offline.TRAINING, contexts.held_out()
  )
  found = {
    f"{lam:g} {nu:g}": {"training": mine[0].tolist(), "test": mine[1].tolist()}
    for (lam, nu), mine in zip(
      product(LAMS, NUS),
      zip(training.reshape(-1, seeds), test.reshape(-1, seeds), strict=True),
      strict=True,
    )
  }
  return {
    "points": found,
    "data_return": [
      float(data.rewards[start : start + size].sum() / offline.EPISODES) for start, size in spans
    ],
    "weight": CONSISTENCY_WEIGHT if use == "consistency" else None,
    "updates_per_second": trained.updates_per_second,
    "diverged": int(trained.diverged.sum()),
  }
