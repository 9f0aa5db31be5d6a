"""What the logs of runs say at their end: learned values, and whether they can be true."""

from collections.abc import Mapping

import numpy as np

from dmg_jax import methods
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import WINDOW

METRICS = ("q", "policy_q", "v", "policy_distance", "generalised_share")
# No policy earns more than the largest reward for ever, so any |Q| beyond that
# is wrong; half as much again leaves room for errors of regression that pass.
Q_BOUND_FACTOR = 1.5


def q_bound(results: Results, largest_reward: float) -> float:
  """The largest |Q| that any policy could have: max |r| / (1 - discount).

  Infinite for soft actor-critic, whose Q counts entropy, too.

  Args:
    results: of a group.
    largest_reward: max |r| over the data, as trained on.
  """
  discount = float(results.point.get("discount", 1.0))
  soft = results.method in methods.ONLINE
  return largest_reward / (1 - discount) if discount < 1 and not soft else np.inf


def peaks(metrics: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
  """The largest |Q| among the last `WINDOW` rows that have one, and its step.

  Of the policy's actions where the actor has a Q term, else of the data's. The last
  rows show where a diverged run was heading, and no initial networks' arbitrary values.

  Args:
    metrics: "step" (M,), and "policy_q" and "q", (R, M), NaN where nothing was logged.

  Returns:
    (R,) values, 0 where none was logged, and (R,) steps.
  """
  steps = np.asarray(metrics["step"])
  policy_q, q = (np.abs(np.asarray(metrics[name], np.float64)) for name in ("policy_q", "q"))
  values = np.zeros(len(q))
  places = np.zeros(len(q), np.int64)
  for run, logged in enumerate(np.where(np.isfinite(policy_q), policy_q, q)):
    rows = np.flatnonzero(np.isfinite(logged))[-WINDOW:]
    if rows.size:
      row = rows[np.argmax(logged[rows])]
      values[run], places[run] = logged[row], steps[row]
  return values, places


def at_the_end(
  results: Results, metrics: Mapping[str, np.ndarray], largest_reward: float
) -> dict[str, dict[str, float]]:
  """Id of a run -> the last finite number of each of `METRICS`, "largest_q" and "q_bound".

  Args:
    results: of a group.
    metrics: "step" (M,), and each of `METRICS`, (R, M), NaN where nothing was logged.
    largest_reward: max |r| over the data, as trained on.

  Returns:
    Without what was never logged, and without a bound that is infinite.
  """
  bound, (largest, _) = q_bound(results, largest_reward), peaks(metrics)
  found: dict[str, dict[str, float]] = {}
  for place, run in enumerate(results.runs):
    numbers = {}
    for name in METRICS:
      logged = np.asarray(metrics[name][place], np.float64)
      if (finite := logged[np.isfinite(logged)]).size:
        numbers[name] = float(finite[-1])
    numbers["largest_q"] = float(largest[place])
    if np.isfinite(bound):
      numbers["q_bound"] = float(bound)
    found[run] = numbers
  return found


def is_beyond_bound(numbers: Mapping[str, float]) -> bool:
  """Whether a run's |Q| at its end is more than `Q_BOUND_FACTOR` times what can be true.

  Args:
    numbers: of the run, from `at_the_end`; without a bound nothing is beyond it.
  """
  bound = numbers.get("q_bound", np.inf)
  return bool(numbers.get("largest_q", 0.0) > Q_BOUND_FACTOR * bound)
