"""Symmetric DMG on Walker2d-v5, whose legs exchange: uses of the symmetry against nu."""

from collections.abc import Mapping, Sequence
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
from dmg_jax.types import Agent, Hyperparameters, Transitions

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
# All episodes of a population play at once.
_SIMULATORS = 1024


def fill(seed: int, cells: Cells) -> None:
  """One cell for each set and use: all nu and seeds. A tier's cells of a use are one population.

  Raises:
    UserError: where the exchange of legs is no symmetry of the simulator, or the data are
      missing, or others than those of the cells that are there.
  """
  env_id, legs = SETTINGS["env"], robots.exchange_of_legs()
  verified = robots.verify(env_id, legs)
  cells.fill_for_all("symmetry", verified._asdict)
  tiers = {tier: walker_sets.stored(env_id, tier) for tier in TIERS}
  facts = {tier: walker_sets.facts(dataset) for tier, dataset in tiers.items()}
  cells.fill_for_all("data", lambda: facts)
  for tier, fact in facts.items():
    if cells["data"][tier]["sha256"] != fact["sha256"]:
      raise UserError(
        f"{fact['name']} is not the data set of the stored numbers; collect it by its command "
        "there, or name another --out"
      )
  cells.fill_for_all(
    "asymmetry",
    lambda: {tier: walker_sets.asymmetry(dataset, legs) for tier, dataset in tiers.items()},
  )
  seeds = list(range(seed, seed + SETTINGS["seeds"]))
  sets = walker_sets.make(tiers, SHARES, seeds, legs)
  simulators = evaluation.Simulators(env_id, concurrent=_SIMULATORS)
  try:
    for tier, use in product(TIERS, learners.USES):
      names = {f"{tier} {share:g} {use}": sets.rows[tier, share] for share in SHARES}
      names = {name: rows for name, rows in names.items() if name not in cells}
      compute = partial(measure, use, seeds, sets.data, names, facts[tier], simulators)
      cells.fill_together(list(names), compute)
  finally:
    simulators.close()


def train(
  use: str,
  seeds: Sequence[int],
  data: Transitions,
  spans: Sequence[Sequence[tuple[int, int]]],
  steps: int = SETTINGS["steps"],
) -> runs.Trained:
  """Trains DMG: a set after another, in each a nu after another, in each of these all seeds.

  Args:
    use: of the symmetry.
    seeds: of the runs.
    data: of all sets.
    spans: of each set, those of every seed.
    steps: gradient steps.
  """
  rate = SETTINGS["learning_rate"]
  agent = make_agent(use, data.actions.shape[1])
  return runs.train(
    agent,
    [*seeds] * (len(spans) * len(NUS)),
    Hyperparameters(
      lam=SETTINGS["lam"],
      nu=np.tile(np.repeat(NUS, len(seeds)), len(spans)),
      target_rate=SETTINGS["target_rate"],
      actor_learning_rate=rate,
      critic_learning_rate=rate,
      value_learning_rate=rate,
      actor_schedule_steps=steps / agent.cycle,
    ),
    data,
    [span for own in spans for span in [*own] * len(NUS)],
    batch_size=SETTINGS["batch_size"],
    steps=steps,
    side_by_side=True,
  )


def make_agent(use: str, action_size: int) -> Agent:
  """DMG that uses the exchange of legs in one of `learners.USES`."""
  sizes = SETTINGS["hidden_sizes"]
  modules = networks.make(action_size, networks.Architecture(sizes, sizes, sizes))
  return learners.make(use, modules, robots.exchange_of_legs(), SETTINGS["consistency_weight"])


def measure(
  use: str,
  seeds: Sequence[int],
  data: Transitions,
  rows: Mapping[str, Sequence[walker_sets.Rows]],
  facts: Mapping[str, Any],
  simulators: evaluation.Simulators,
  steps: int = SETTINGS["steps"],
) -> dict[str, dict[str, Any]]:
  """Trains DMG at every nu on several sets of a tier, and plays the last policies.

  Args:
    use, seeds, data, steps: as of `train`.
    rows: of each cell, those of every seed.
    facts: of the tier; its reference returns give the scores.
    simulators: of the robot.

  Returns:
    Of each cell and nu: every seed's score; None where a run diverged.
  """
  trained = train(use, seeds, data, [[part.span for part in own] for own in rows.values()], steps)
  parts = [part for own in rows.values() for part in [*own] * len(NUS)]
  run_seeds = [*seeds] * (len(rows) * len(NUS))
  act = make_agent(use, data.actions.shape[1]).act
  scalings = jax.tree.map(lambda *leaves: np.stack(leaves), *[part.scaling for part in parts])
  played = evaluation.evaluate(
    simulators,
    evaluation.Policies(act, trained.policies, scalings),
    evaluation.episode_seeds(_EVALUATION_SEED, run_seeds, steps, SETTINGS["episodes"]),
  )
  reference = tuple(facts["reference"])
  scores = catalog.normalised_score(played.returns.mean(axis=1), reference)
  scores = np.where(trained.diverged, np.nan, scores).reshape(len(rows), len(NUS), len(seeds))
  diverged = trained.diverged.reshape(len(rows), -1).sum(axis=1)
  return {
    name: {
      "transitions": [part.span[1] for part in own],
      "episodes": [part.episodes for part in own],
      "data_score": [float(catalog.normalised_score(part.mean_return, reference)) for part in own],
      "scores": {
        f"{nu:g}": [float(score) if np.isfinite(score) else None for score in mine]
        for nu, mine in zip(NUS, scores[place], strict=True)
      },
      "updates_per_second": trained.updates_per_second,
      "diverged": int(diverged[place]),
    }
    for place, (name, own) in enumerate(rows.items())
  }
