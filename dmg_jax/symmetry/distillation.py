"""Distillation of pessimistic targets, as in Table 1 of arXiv 2607.02288."""

from functools import partial
from typing import Any

import jax
import numpy as np

from dmg_jax.agents import distillation
from dmg_jax.envs import reacher
from dmg_jax.networks import Outputs
from dmg_jax.symmetry import contexts, planner, runs, targets, teachers
from dmg_jax.symmetry.cells import Cells

ETAS = (0.01, 0.1, 1.0, 10.0)
TARGETS = {"symmetric": targets.symmetric, "asymmetric": targets.asymmetric}
HIDDEN_SIZES, LARGER = (128, 64, 32), (256, 128, 64)
STEPS = 5000
# What is changed for the worst cell, to tell a failure to fit from one to generalise.
APART: dict[str, dict[str, Any]] = {
  "as in the table": {},
  "longer": {"steps": 4 * STEPS},
  "larger network": {"hidden_sizes": LARGER},
  "scaled targets": {"scaled": True},
  "scaled targets, longer": {"scaled": True, "steps": 4 * STEPS},
  "scaled targets, larger network": {"scaled": True, "hidden_sizes": LARGER},
}
# The target that both teachers' values are compared with.
COMPARED = ("symmetric", 1.0)
SETTINGS: dict[str, Any] = {
  "teacher": "planner",
  "horizon": planner.HORIZON,
  "aim": planner.AIM,
  "etas": ETAS,
  "hidden_sizes": HIDDEN_SIZES,
  "larger": LARGER,
  "seeds": 50,
  "seeds_apart": 10,
  "steps": STEPS,
  "longer": 4 * STEPS,
  "batch_size": 27,
  "learning_rate": 2e-3,
  "training_contexts": contexts.TRAINING,
  "test_contexts": len(contexts.held_out()),
}


def fill(seed: int, cells: Cells) -> None:
  """Both teachers, the table, the same of a teacher with an irregular plan, and what becomes
  of the table's worst cell with more steps, units, or scaled targets."""
  for kind in teachers.KINDS:
    cells.fill(f"teacher {kind}", partial(teachers.facts, kind))
  for name in TARGETS:
    for eta in ETAS:
      # There, both targets are the same.
      if (name, eta) != ("asymmetric", targets.SMALLEST):
        cells.fill(f"{name} {eta:g}", partial(measure, name, eta, seed))
  cells.fill(
    f"dqn {COMPARED[0]} {COMPARED[1]:g}", partial(measure, *COMPARED, seed, taught_by="dqn")
  )
  for name, changes in APART.items():
    worst = partial(measure, "asymmetric", ETAS[-1], seed, seeds=SETTINGS["seeds_apart"])
    cells.fill(f"apart: {name}", partial(worst, **changes))


def measure(
  name: str,
  eta: float,
  seed: int,
  *,
  seeds: int = SETTINGS["seeds"],
  steps: int = SETTINGS["steps"],
  hidden_sizes: tuple[int, ...] = HIDDEN_SIZES,
  scaled: bool = False,
  taught_by: str = SETTINGS["teacher"],
) -> dict[str, Any]:
  """Networks distilled from a target, as one population, and their greedy returns.

  Args:
    name: of the target.
    eta: its pessimism.
    seed: the first of the networks' seeds.
    seeds: how many networks.
    steps: gradient steps.
    hidden_sizes: of the networks.
    scaled: whether targets are shifted and divided to mean 0 and deviation 1, all
      actions by the same numbers, which leaves the greedy policy as it is.
    taught_by: a key of `teachers.KINDS`.

  Returns:
    Returns in training and in test of every seed; the share of training states at which
    the greedy action is the target's; and the mean squared error at the end, in the
    unit of the targets as trained.
  """
  taught = teachers.KINDS[taught_by].taught()
  observations = targets.rotated(taught.observations, contexts.TRAINING).reshape(-1, 10)
  made = TARGETS[name](taught.values, eta, len(contexts.TRAINING)).reshape(-1, reacher.ACTIONS)
  if scaled:
    made = (made - made.mean()) / made.std()
  agent = distillation.make(hidden_sizes, reacher.ACTIONS)
  trained = runs.train(
    agent,
    range(seed, seed + seeds),
    distillation.DistillationHyperparameters(SETTINGS["learning_rate"]),
    runs.supervised(observations, made),
    [(0, len(made))] * seeds,
    batch_size=SETTINGS["batch_size"],
    steps=steps,
    side_by_side=True,
  )
  chosen = jax.vmap(agent.act, in_axes=(0, None))(trained.policies, observations)
  right = np.argmax(chosen, axis=-1) == np.argmax(made, axis=-1)
  training, test = contexts.returns(
    contexts.of_largest_output(Outputs(hidden_sizes, reacher.ACTIONS, "float32")),
    trained.policies,
    contexts.TRAINING,
    contexts.held_out(),
  )
  return {
    "training": training.tolist(),
    "test": test.tolist(),
    "right_in_training": right.mean(axis=1).tolist(),
    "loss": float(trained.metrics["loss"].mean()),
    "updates_per_second": trained.updates_per_second,
    "diverged": int(trained.diverged.sum()),
  }
