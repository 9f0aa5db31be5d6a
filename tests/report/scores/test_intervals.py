from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dmg_jax.report.scores.intervals import (
  Interval,
  difference_interval,
  estimate,
  estimate_difference,
  estimate_improvement,
  mean_interval,
)
from dmg_jax.report.scores.statistics import interquartile_mean, mean, performance_profile

TABLES = arrays(
  np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)
)


def close(value):
  return pytest.approx(value, rel=1e-9, abs=1e-6)


def test_bootstrap_of_a_single_run_has_no_width():
  assert estimate([3.5], interquartile_mean, seed=0) == (3.5, 3.5, 3.5)


def test_bootstrap_quantiles_of_two_runs():
  # The mean of two draws of {0, 1} is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
  assert estimate([0.0, 1.0], mean, seed=0) == (0.5, 0.0, 1.0)
  assert estimate([0.0, 1.0], mean, seed=0, confidence=0.4) == (0.5, 0.5, 0.5)


def test_difference_of_means_by_hand():
  # Means 3 and 1, both of variance 4 and size 3: error sqrt(8/3), 4 degrees of
  # freedom, whose 97.5 % quantile is 2.776445.
  half = 2.776445 * np.sqrt(8 / 3)
  interval = difference_interval([1.0, 3.0, 5.0], [-1.0, 1.0, 3.0])
  assert interval == pytest.approx((2 - half, 2 + half), rel=1e-6)


def test_difference_lets_the_variances_differ():
  # Error^2 = 4/3 + 0, and Welch leaves the 2 degrees of freedom of the first group.
  half = 4.302653 * np.sqrt(4 / 3)
  interval = difference_interval([1.0, 3.0, 5.0], [2.0, 2.0])
  assert interval == pytest.approx((1 - half, 1 + half), rel=1e-6)


def test_difference_is_that_of_scipy():
  first, second = [1.0, 4.0, 9.0, 11.0], [3.0, 3.5, 8.0]
  expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
  assert difference_interval(first, second, confidence=0.9) == pytest.approx(tuple(expected))


def test_difference_narrows_with_less_confidence():
  wide = difference_interval([1.0, 3.0, 5.0], [0.0, 1.0])
  narrow = difference_interval([1.0, 3.0, 5.0], [0.0, 1.0], confidence=0.5)
  assert wide.low < narrow.low < narrow.high < wide.high


def test_difference_without_spread_has_no_width():
  assert difference_interval([2.0, 2.0], [0.5, 0.5, 0.5]) == Interval(1.5, 1.5)


def test_difference_needs_two_runs_in_each_group():
  with pytest.raises(ValueError, match="at least two runs"):
    difference_interval([1.0, 2.0], [3.0])


def test_students_interval_of_two_and_of_five():
  # t(0.975, 1) = 12.706, deviation sqrt(2), over sqrt(2).
  assert mean_interval([1.0, 3.0]) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
  # t(0.975, 4) = 2.7764, deviation sqrt(2.5), over sqrt(5).
  half = 2.7764 * np.sqrt(0.5)
  assert mean_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - half, 3 + half), abs=1e-3)


def test_the_mean_of_a_single_run_has_no_width():
  assert mean_interval([7.0]) == (7.0, 7.0)


@pytest.mark.parametrize("scores", [[], [np.nan, 1.0], [[1.0], [2.0]]])
def test_a_mean_of_other_arrays_is_refused(scores):
  with pytest.raises(ValueError, match="non-empty 1-D array"):
    mean_interval(scores)


def test_bootstrap_draws_within_tasks_and_keeps_the_tasks():
  # Tasks far apart, each without spread: nothing but the same scores can be drawn.
  assert estimate({"a": [1.0, 1.0], "b": [99.0] * 5}, mean, seed=0) == (50.0, 50.0, 50.0)
  # One task has spread: its mean is 0, 1/2 or 1, the other's 10.
  value, low, high = estimate({"a": [0.0, 1.0], "b": [10.0]}, mean, seed=0)
  assert (value, low, high) == (5.25, 5.0, 5.5)
  middle = estimate({"a": [0.0, 1.0], "b": [10.0]}, mean, seed=0, confidence=0.4)
  assert middle == (5.25, 5.25, 5.25)


def test_bootstrap_repeats_for_a_seed_only():
  table = np.sqrt(np.arange(30.0)).reshape(10, 3)
  first = estimate(table, interquartile_mean, seed=3)
  assert estimate(table, interquartile_mean, seed=3) == first
  assert estimate(table, interquartile_mean, seed=4) != first


def test_bootstrap_of_many_seeds_agrees_with_the_normal_interval():
  table = np.random.default_rng(0).normal([20.0, 70.0], [5.0, 10.0], (200, 2))
  _, low, high = estimate(table, mean, seed=1)
  half = 1.96 * np.sqrt(np.sum(table.var(axis=0, ddof=1) / 200)) / 2
  assert low == pytest.approx(table.mean() - half, abs=0.06)
  assert high == pytest.approx(table.mean() + half, abs=0.06)


@given(st.floats(-100, 100), st.floats(0.1, 10))
def test_interval_follows_shift_and_scale(shift, scale):
  table = np.array([[1.0, 40.0], [4.0, 60.0], [9.0, 10.0], [16.0, 30.0], [2.0, 35.0]])
  plain = estimate(table, interquartile_mean, seed=0, resamples=50)
  moved = estimate(scale * table + shift, interquartile_mean, seed=0, resamples=50)
  assert moved == close(tuple(scale * np.array(plain) + shift))


@given(TABLES)
def test_interval_stays_within_the_scores(table):
  _, low, high = estimate(table, interquartile_mean, seed=0, resamples=20)
  assert table.min() - 1e-6 <= low <= high <= table.max() + 1e-6


def test_profile_has_a_band():
  profile = partial(performance_profile, thresholds=[-1.0, 0.5, 2.0])
  value, low, high = estimate({"a": [0.0, 1.0]}, profile, seed=0)
  assert value.tolist() == [1.0, 0.5, 0.0]
  assert low.tolist() == [1.0, 0.0, 0.0]
  assert high.tolist() == [1.0, 1.0, 0.0]


def test_improvement_has_an_interval():
  apart = estimate_improvement({"a": [5.0, 6.0]}, {"a": [1.0, 2.0, 3.0]}, seed=0)
  assert apart == (1.0, 1.0, 1.0)
  value, low, high = estimate_improvement({"a": [0.0, 2.0]}, {"a": [1.0, 1.0]}, seed=0)
  assert (value, low, high) == (0.5, 0.0, 1.0)
  narrow = estimate_improvement({"a": [0.0, 2.0]}, {"a": [1.0]}, seed=0, confidence=0.4)
  assert narrow == (0.5, 0.5, 0.5)


def test_methods_on_different_tasks_are_not_compared():
  with pytest.raises(ValueError, match="scores on b"):
    estimate_improvement({"a": [1.0], "b": [1.0]}, {"a": [1.0]}, seed=0)


def test_tasks_without_numbers_have_no_interval():
  with pytest.raises(ValueError, match="task 'b' must be finite"):
    estimate({"a": [1.0], "b": [np.nan]}, mean, seed=0)


def test_the_difference_of_a_statistic_draws_both_methods_seeds():
  """First 0 or 2, second 1 or 5, each drawn twice: means 0, 1, 2 and 1, 3, 5."""
  found = estimate_difference({"a": [0.0, 2.0]}, {"a": [1.0, 5.0]}, mean, seed=0)
  assert [float(one) for one in found] == [-2.0, -5.0, 1.0]
  apart = estimate_difference({"a": [5.0], "b": [7.0]}, {"b": [1.0], "a": [1.0]}, mean, seed=0)
  assert [float(one) for one in apart] == [5.0, 5.0, 5.0]
  with pytest.raises(ValueError, match="scores on"):
    estimate_difference({"a": [1.0]}, {"b": [1.0]}, mean, seed=0)
