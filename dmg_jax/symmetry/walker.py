"""Symmetric DMG on Walker2d-v5, whose legs exchange: uses of the symmetry against nu."""

from functools import partial
from itertools import product
from typing import Any

import jax
import numpy as np

from dmg_jax import evaluation, networks
from dmg_jax.data import catalog
from dmg_jax.errors import UserError
from dmg_jax.symmetry import learners, robots, runs, walker_sets
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Hyperparameters

TIERS, SHARES = ("medium", "medium-replay"), (1.0, 0.1, 0.01)
NUS = (0.1, 1.0, 10.0)
SETTINGS: dict[str, Any] = {
  "env": "Walker2d-v5",
  "tiers": TIERS,
  "shares": SHARES,
  "uses": learners.USES,
  "nus": NUS,
  "lam": 0.25,
  "consistency_weight": 1.0,
  "hidden_sizes": (64, 64),
  "seeds": 4,
  "steps": 10_000,
  "batch_size": 64,
  "learning_rate": 1e-3,
  "target_rate": 0.05,
  "episodes": 10,
}
_EVALUATION_SEED = 0


def fill(seed: int, cells: Cells) -> None:
  """One cell for each set and use: all nu and seeds.

  Raises:
    UserError: where the exchange of legs is no symmetry of the simulator, or the data are
      missing, or others than those of the cells that are there.
  """
  env_id, legs = SETTINGS["env"], robots.exchange_of_legs()
  verified = robots.verify(env_id, legs)
  cells.fill("symmetry", verified._asdict)
  tiers = {tier: walker_sets.stored(env_id, tier) for tier in TIERS}
  facts = {tier: walker_sets.facts(dataset) for tier, dataset in tiers.items()}
  cells.fill("data", lambda: facts)
  for tier, fact in facts.items():
    if cells["data"][tier]["sha256"] != fact["sha256"]:
      raise UserError(
        f"{fact['name']} is not the data set of the stored numbers; collect it by its command "
        "there, or name another --out"
      )
  cells.fill(
    "asymmetry",
    lambda: {tier: walker_sets.asymmetry(dataset, legs) for tier, dataset in tiers.items()},
  )
  seeds = list(range(seed, seed + SETTINGS["seeds"]))
  sets = walker_sets.make(tiers, SHARES, seeds, legs)
  simulators = evaluation.Simulators(env_id)
  try:
    for tier, share, use in product(TIERS, SHARES, learners.USES):
      compute = partial(measure, use, seeds, sets, (tier, share), facts[tier], simulators)
      cells.fill(f"{tier} {share:g} {use}", compute)
  finally:
    simulators.close()


def measure(
  use: str,
  seeds: list[int],
  sets: walker_sets.Sets,
  of: tuple[str, float],
  facts: dict[str, Any],
  simulators: evaluation.Simulators,
  steps: int = SETTINGS["steps"],
) -> dict[str, Any]:
  """Trains DMG at every nu on a set, and plays the last policies.

  Args:
    use: of the symmetry.
    seeds: of the runs.
    sets: data of all.
    of: tier and share.
    facts: of the tier; its reference returns give the scores.
    simulators: of the robot.
    steps: gradient steps.

  Returns:
    Of each nu: every seed's score; None where a run diverged.
  """
  rows = sets.rows[of]
  sizes, rate = SETTINGS["hidden_sizes"], SETTINGS["learning_rate"]
  action_size = sets.data.actions.shape[1]
  agent = learners.make(
    use,
    networks.make(action_size, networks.Architecture(sizes, sizes, sizes)),
    robots.exchange_of_legs(),
    SETTINGS["consistency_weight"],
  )
  trained = runs.train(
    agent,
    seeds * len(NUS),
    Hyperparameters(
      lam=SETTINGS["lam"],
      nu=np.repeat(NUS, len(seeds)),
      target_rate=SETTINGS["target_rate"],
      actor_learning_rate=rate,
      critic_learning_rate=rate,
      value_learning_rate=rate,
      actor_schedule_steps=steps / agent.cycle,
    ),
    sets.data,
    [part.span for part in rows] * len(NUS),
    batch_size=SETTINGS["batch_size"],
    steps=steps,
    side_by_side=True,
  )
  scalings = jax.tree.map(lambda *leaves: np.stack(leaves), *[part.scaling for part in rows])
  played = evaluation.evaluate(
    simulators,
    evaluation.Policies(
      agent.act,
      trained.policies,
      jax.tree.map(lambda leaf: np.concatenate([leaf] * len(NUS)), scalings),
    ),
    evaluation.episode_seeds(_EVALUATION_SEED, seeds * len(NUS), steps, SETTINGS["episodes"]),
  )
  reference = tuple(facts["reference"])
  scores = catalog.normalised_score(played.returns.mean(axis=1), reference)
  scores = np.where(trained.diverged, np.nan, scores).reshape(len(NUS), len(seeds))
  return {
    "transitions": [part.span[1] for part in rows],
    "episodes": [part.episodes for part in rows],
    "data_score": [float(catalog.normalised_score(part.mean_return, reference)) for part in rows],
    "scores": {
      f"{nu:g}": [float(score) if np.isfinite(score) else None for score in mine]
      for nu, mine in zip(NUS, scores, strict=True)
    },
    "updates_per_second": trained.updates_per_second,
    "diverged": int(trained.diverged.sum()),
  }
