import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dmg_jax.report.scores import population_statistics
from dmg_jax.report.scores.statistics import (
  Interval,
  bootstrap_interval,
  difference_interval,
  interquartile_mean,
  mean_and_deviation,
  mean_interval,
)

SCORES = arrays(np.float64, st.integers(1, 12), elements=st.floats(-1e3, 1e3))
FEW = settings(max_examples=50, deadline=None)


def close(value):
  return pytest.approx(value, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
  ("scores", "expected"),
  [
    ([7.0], 7.0),
    ([0.0, 3.0, 9.0], 4.0),  # Fewer than four: nothing is cut.
    ([100.0, 2.0, 4.0, -50.0], 3.0),  # One of four from each end.
    ([5.0, 1.0, 2.0, 3.0, 1000.0], 10 / 3),  # One of five.
    ([8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 0.0], 4.5),  # Two of eight.
  ],
)
def test_interquartile_mean_by_hand(scores, expected):
  assert interquartile_mean(scores) == pytest.approx(expected)


@FEW
@given(SCORES)
def test_interquartile_mean_is_the_trimmed_mean_of_scipy(scores):
  assert interquartile_mean(scores) == close(stats.trim_mean(scores, 0.25))


@FEW
@given(SCORES)
def test_interquartile_mean_is_that_of_a_population_of_one_task(scores):
  # Two ways to the same number: this one is eight times as fast, and bootstraps are of thousands.
  whole = population_statistics.interquartile_mean({"task": scores})
  assert interquartile_mean(scores) == close(float(whole))


@FEW
@given(SCORES, st.randoms(use_true_random=False))
def test_interquartile_mean_ignores_order(scores, random):
  shuffled = scores.tolist()
  random.shuffle(shuffled)
  assert interquartile_mean(shuffled) == close(interquartile_mean(scores))


@FEW
@given(SCORES, st.floats(-100, 100), st.floats(-10, 10))
def test_interquartile_mean_follows_shift_and_scale(scores, shift, scale):
  expected = scale * interquartile_mean(scores) + shift
  assert interquartile_mean(scale * scores + shift) == close(expected)


@FEW
@given(SCORES)
def test_interquartile_mean_lies_between_the_quartiles(scores):
  low, high = np.quantile(scores, [0.25, 0.75])
  assert low - 1e-6 <= interquartile_mean(scores) <= high + 1e-6


def test_deviation_divides_by_one_less_than_the_seeds():
  assert mean_and_deviation([1.0, 3.0, 5.0]) == (3.0, 2.0)


def test_deviation_of_one_seed_is_zero():
  assert mean_and_deviation([4.5]) == (4.5, 0.0)


def test_bootstrap_of_a_single_run_has_no_width():
  assert bootstrap_interval([3.5], interquartile_mean, seed=0) == Interval(3.5, 3.5)


def test_bootstrap_repeats_for_a_seed_only():
  scores = np.sqrt(np.arange(20))
  first = bootstrap_interval(scores, np.mean, seed=3)
  assert bootstrap_interval(scores, np.mean, seed=3) == first
  assert bootstrap_interval(scores, np.mean, seed=4) != first


def test_bootstrap_quantiles_of_two_runs():
  # The mean of two draws of {0, 1} is 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
  assert bootstrap_interval([0.0, 1.0], np.mean, seed=0) == Interval(0.0, 1.0)
  assert bootstrap_interval([0.0, 1.0], np.mean, seed=0, confidence=0.4) == Interval(0.5, 0.5)


def test_bootstrap_of_many_runs_agrees_with_the_normal_interval():
  scores = np.random.default_rng(0).normal(50, 10, 400)
  low, high = bootstrap_interval(scores, np.mean, seed=1)
  half = 1.96 * scores.std(ddof=1) / 20
  assert low == pytest.approx(scores.mean() - half, abs=0.1)
  assert high == pytest.approx(scores.mean() + half, abs=0.1)


@FEW
@given(SCORES)
def test_bootstrap_stays_within_the_scores(scores):
  low, high = bootstrap_interval(scores, np.max, seed=0, resamples=20)
  assert scores.min() <= low <= high <= scores.max()


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


@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf], [[1.0, 2.0]], 3.0])
def test_scores_that_are_none_are_refused(scores):
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    interquartile_mean(scores)
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    mean_and_deviation(scores)
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    bootstrap_interval(scores, np.mean, seed=0)
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    difference_interval([1.0, 2.0], scores)


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
