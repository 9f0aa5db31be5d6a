"""Hints in plain language where a job shows the signs of a known trouble."""

from collections.abc import Iterator, Mapping

import numpy as np

from dmg_jax.report import learned
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import SCORE, WINDOW

# Below this many gradient steps nothing has been learned yet, and below this many
# evaluations or log rows their mean says little: no hint is built on them.
ENOUGH_STEPS = 5_000
ENOUGH_EVALUATIONS = 3
# A perfect imitator scatters about the data's mean: within 5 % is a tie, and so
# are two standard errors over seeds.
BELOW_DATA_FRACTION = 0.05
BELOW_DATA_ERRORS = 2.0
# In the paper's Table 2 the deviation over seeds is at most 0.11 of the mean
# wherever DMG scores above 25; episodes and seeds alone do not make a quarter.
UNSTABLE_FRACTION = 0.25
# Under ten points a policy has failed, and its relative swings say nothing.
UNSTABLE_SCORE_FLOOR = 10.0
# V is an expectile above the median, so fewer than half of the advantages are
# positive in health; with nine in ten weights equal they no longer tell actions apart.
CLIPPED_FRACTION = 0.9
# What brings a method's policy nearer to the data; the others have no such number.
_NEARER = {"dmg": "raise nu, or lower lambda", "td3_bc": "raise nu"}
_LESS_GENERALISATION = {"dmg": "lower lambda, or raise nu", "td3_bc": "raise nu"}
_RATES = "lower the learning rates or the target rate"


def diagnose(
  results: Results,
  metrics: Mapping[str, np.ndarray],
  *,
  largest_reward: float,
  bounded_actions: bool,
) -> dict[str, str]:
  """A sign of trouble -> one or two sentences about it; empty where there is none.

  The signs: "not_finite", "diverging_q", "below_data", "unstable", "clipped_weights".

  Except for diverged runs, nothing is said before `ENOUGH_STEPS` gradient steps, and
  nothing about scores before `ENOUGH_EVALUATIONS` evaluations.

  Args:
    results: of the evaluations; those without any are judged by the metrics alone.
    metrics: "step" (M,) and, each (R, M) and NaN where nothing was logged,
      "policy_q", "q" and "clipped_weights".
    largest_reward: max |r| over the data, as trained on.
    bounded_actions: whether the box of the data's actions is finite; in an infinite one
      actions cannot be scaled, and numbers say nothing about the method.
  """
  found = {
    "not_finite": _frozen(results, bounded_actions),
    "diverging_q": _diverging_q(results, metrics, largest_reward) if bounded_actions else (),
    "below_data": _below_data(results),
    "unstable": _unstable(results),
    "clipped_weights": _clipped(results, metrics),
  }
  return {sign: sentence for sign, sentences in found.items() for sentence in sentences}


def _frozen(results: Results, bounded_actions: bool) -> Iterator[str]:
  frozen = np.asarray(results.frozen_at)
  diverged = frozen >= 0
  if not diverged.any():
    return
  first = frozen[diverged].min()
  if not bounded_actions:
    advice = (
      "The bounds of the actions are infinite, so actions cannot be scaled to [-1, 1]: give the"
      " data finite bounds."
    )
  elif first < ENOUGH_STEPS:
    advice = (
      f"Before {ENOUGH_STEPS} steps the cause is more often the data than the method: look for"
      " extreme observations, rewards or actions."
    )
  else:
    remedy = _LESS_GENERALISATION.get(results.method, _RATES)
    advice = f"{_sentence(remedy)}; and look for extreme values in the data."
  yield (
    f"{_seeds(results, diverged)} diverged, first at step {first}: numbers stopped being finite,"
    f" and the last finite policy was kept. {advice}"
  )


def _diverging_q(
  results: Results, metrics: Mapping[str, np.ndarray], largest_reward: float
) -> Iterator[str]:
  if not _trained(metrics["step"]):
    return
  bound = learned.q_bound(results, largest_reward)
  peaks, steps = learned.peaks(metrics)
  if (beyond := peaks > learned.Q_BOUND_FACTOR * bound).any():
    run = int(np.argmax(peaks))
    remedy = _LESS_GENERALISATION.get(results.method, _RATES)
    yield (
      f"{_seeds(results, beyond)}: the learned |Q| is up to {peaks[run]:.4g} (step"
      f" {steps[run]}, of the last {WINDOW} rows logged), but no return can exceed"
      f" {bound:.4g}, the largest |reward| / (1 - discount). Q is diverging: {remedy}."
    )


def _below_data(results: Results) -> Iterator[str]:
  data = results.data_mean
  scores = {
    run: window
    for run, window in _last_scores(results).items()
    if window.size >= ENOUGH_EVALUATIONS
  }
  means = [window.mean() for window in scores.values()]
  if data is None or not means or not _trained(results.steps):
    return
  error = np.std(means, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
  margin = max(BELOW_DATA_FRACTION * abs(data), BELOW_DATA_ERRORS * error)
  if (mean := np.mean(means)) < data - margin:
    count = max(window.size for window in scores.values())
    remedy = _NEARER.get(results.method, "train longer")
    yield (
      f"The policies' {results.unit}, {mean:.4g} over the last {count} evaluations of"
      f" {len(means)} seed{'s' * (len(means) > 1)} up to step {int(results.steps[-1])}, is below"
      f" the data's own mean of {data:.4g}. {_sentence(remedy)}."
    )


def _unstable(results: Results) -> Iterator[str]:
  floor = UNSTABLE_SCORE_FLOOR if results.unit == SCORE else 0.0
  swings = {}
  for run, window in _last_scores(results).items():
    scale = max(abs(window.mean()), abs(results.data_mean or 0.0))
    if window.size == WINDOW and scale > floor and _trained(results.steps):
      swings[run] = _swing(window) / scale
  worst = max(swings, key=lambda run: swings[run], default=None)
  if worst is not None and swings[worst] > UNSTABLE_FRACTION:
    yield (
      f"Seed {results.seeds[worst]} is unstable: about their trend, its last {WINDOW} evaluations"
      f" deviate by {swings[worst]:.0%} of their size. Lower the target rate, or evaluate with more"
      f" episodes than {results.episodes}."
    )


def _clipped(results: Results, metrics: Mapping[str, np.ndarray]) -> Iterator[str]:
  if float(results.point.get("inverse_temperature", 0.0)) == 0 or not _trained(metrics["step"]):
    return  # at an inverse temperature of 0 all weights are alike on purpose
  clipped = np.asarray(metrics["clipped_weights"], np.float64)[results.active][:, -WINDOW:]
  logged = clipped[np.isfinite(clipped)]
  if logged.size and (share := logged.mean()) > CLIPPED_FRACTION:
    yield (
      f"{share:.0%} of the advantage weights are at their clip (mean of the last"
      f" {clipped.shape[1]} rows logged), so nearly all actions of the data are imitated alike."
      " Lower the inverse temperature, or raise the weight clip."
    )


def _trained(steps: np.ndarray) -> bool:
  """Whether the last of some ascending gradient steps is late enough to judge by."""
  return len(steps) > 0 and int(np.asarray(steps)[-1]) >= ENOUGH_STEPS


def _last_scores(results: Results) -> dict[int, np.ndarray]:
  """Each active run's finite scores among its last evaluations, if it has any."""
  windows = np.asarray(results.scores, np.float64)[:, -WINDOW:]
  finite = {
    int(run): windows[run][np.isfinite(windows[run])] for run in np.flatnonzero(results.active)
  }
  return {run: window for run, window in finite.items() if window.size}


def _swing(window: np.ndarray) -> float:
  """Standard deviation about a straight line, so that steady learning is no swing."""
  places = np.arange(window.size)
  residuals = window - np.polyval(np.polyfit(places, window, 1), places)
  return float(np.sqrt(np.sum(np.square(residuals)) / (window.size - 2)))


def _sentence(remedy: str) -> str:
  return remedy[0].upper() + remedy[1:]


def _seeds(results: Results, which: np.ndarray) -> str:
  seeds = np.asarray(results.seeds)[which]
  return f"Seed{'s' * (len(seeds) > 1)} {', '.join(str(seed) for seed in seeds)}"
