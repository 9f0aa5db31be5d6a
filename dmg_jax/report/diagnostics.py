"""Hints in plain language where a job shows the signs of a known trouble."""

from collections.abc import Iterator, Mapping

import numpy as np

from dmg_jax.report.tables.job_table import SCORE, WINDOW, Results

# No policy earns more than the largest reward for ever, so any |Q| beyond that
# is wrong; half as much again leaves room for errors of regression that pass.
Q_BOUND_FACTOR = 1.5
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


def diagnose(
  results: Results,
  metrics: Mapping[str, np.ndarray],
  *,
  largest_reward: float,
  discount: float,
  inverse_temperature: float,
) -> list[str]:
  """One or two sentences for each sign of trouble; an empty list where there is none.

  Args:
    results: of the evaluations; those without any are judged by the metrics alone.
    metrics: "step" (M,) and, each (R, M) and NaN where nothing was logged,
      "policy_q" and "clipped_weights".
    largest_reward: max |r| over the data, as trained on.
    discount: gamma, below 1.
    inverse_temperature: alpha; at 0 all weights are alike on purpose.
  """
  return [
    *_frozen(results),
    *_diverging_q(results, metrics, largest_reward / (1 - discount)),
    *_below_data(results),
    *_unstable(results),
    *(_clipped(results, metrics) if inverse_temperature > 0 else ()),
  ]


def _frozen(results: Results) -> Iterator[str]:
  frozen = np.asarray(results.frozen_at)
  diverged = frozen >= 0
  if diverged.any():
    yield (
      f"{_seeds(results, diverged)} diverged, first at step {frozen[diverged].min()}: numbers"
      " stopped being finite, and the last finite policy was kept. Lower lambda or the learning"
      " rates, and look for extreme values in the data."
    )


def _diverging_q(
  results: Results, metrics: Mapping[str, np.ndarray], bound: float
) -> Iterator[str]:
  steps = np.asarray(metrics["step"])
  peaks = np.zeros(len(results.seeds))
  peak_steps = np.zeros(len(results.seeds), np.int64)
  for run, policy_q in enumerate(np.abs(np.asarray(metrics["policy_q"], np.float64))):
    # The last rows that are numbers: where a diverged run was heading, and no
    # trace of the initial networks' arbitrary values.
    rows = np.flatnonzero(np.isfinite(policy_q))[-WINDOW:]
    if rows.size:
      row = rows[np.argmax(policy_q[rows])]
      peaks[run], peak_steps[run] = policy_q[row], steps[row]
  if (beyond := peaks > Q_BOUND_FACTOR * bound).any():
    run = int(np.argmax(peaks))
    yield (
      f"{_seeds(results, beyond)}: the learned |Q| is up to {peaks[run]:.4g} (step"
      f" {peak_steps[run]}), but no return can exceed {bound:.4g}, the largest |reward| /"
      " (1 - discount). Q is diverging: lower lambda, or raise nu."
    )


def _below_data(results: Results) -> Iterator[str]:
  data, scores = results.data_mean, _last_scores(results)
  means = [window.mean() for window in scores.values()]
  if data is None or not means:
    return
  error = np.std(means, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
  margin = max(BELOW_DATA_FRACTION * abs(data), BELOW_DATA_ERRORS * error)
  if (mean := np.mean(means)) < data - margin:
    yield (
      f"The policies' {results.unit}, {mean:.4g} over the last evaluations, is below the data's own"
      f" mean of {data:.4g}: they leave the data where that does not pay. Raise nu, or lower"
      " lambda."
    )


def _unstable(results: Results) -> Iterator[str]:
  floor = UNSTABLE_SCORE_FLOOR if results.unit == SCORE else 0.0
  swings = {}
  for run, window in _last_scores(results).items():
    scale = max(abs(window.mean()), abs(results.data_mean or 0.0))
    if window.size == WINDOW and scale > floor:
      swings[run] = _swing(window) / scale
  worst = max(swings, key=lambda run: swings[run], default=None)
  if worst is not None and swings[worst] > UNSTABLE_FRACTION:
    yield (
      f"Seed {results.seeds[worst]} is unstable: about their trend, its last {WINDOW} evaluations"
      f" deviate by {swings[worst]:.0%} of their size. Lower the target rate, or evaluate with more"
      " episodes."
    )


def _clipped(results: Results, metrics: Mapping[str, np.ndarray]) -> Iterator[str]:
  clipped = np.asarray(metrics["clipped_weights"], np.float64)[results.active][:, -WINDOW:]
  logged = clipped[np.isfinite(clipped)]
  if logged.size and (share := logged.mean()) > CLIPPED_FRACTION:
    yield (
      f"{share:.0%} of the advantage weights are at their clip, so nearly all actions of the data"
      " are imitated alike. Lower the inverse temperature, or raise the weight clip."
    )


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


def _seeds(results: Results, which: np.ndarray) -> str:
  seeds = np.asarray(results.seeds)[which]
  return f"Seed{'s' * (len(seeds) > 1)} {', '.join(str(seed) for seed in seeds)}"
