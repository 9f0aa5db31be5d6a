from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dmg_jax.report.scores.statistics import (
  interquartile_mean,
  mean,
  mean_and_deviation,
  optimality_gap,
  performance_profile,
  probability_of_improvement,
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


@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf], 3.0])
def test_scores_that_are_none_are_refused(scores):
  with pytest.raises(ValueError, match=r"must be finite|\(seeds,\)"):
    interquartile_mean(scores)
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    mean_and_deviation(scores)


def test_a_mean_over_seeds_is_of_one_task():
  with pytest.raises(ValueError, match="1-D array of finite numbers"):
    mean_and_deviation([[1.0, 2.0]])


UNEQUAL = {"a": [0.0, 10.0], "b": [20.0, 30.0, 40.0, 110.0]}
TABLES = arrays(
  np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)
)
# Few values, so that ties are common.
TIED = arrays(np.float64, (4, 2), elements=st.integers(0, 3).map(float))


def test_every_task_counts_alike_however_many_seeds_it_has():
  assert mean(UNEQUAL) == (5 + 50) / 2
  assert optimality_gap(UNEQUAL) == (95 + (80 + 70 + 60 + 0) / 4) / 2


def test_optimality_gap_of_another_target():
  assert optimality_gap({"a": [1.0, 4.0], "b": [3.0]}, target=3.0) == (1.0 + 0.0) / 2


def test_unequal_tasks_have_the_interquartile_mean_of_repeated_runs():
  # Of 0 0 10 10 20 30 40 110, two go from each end.
  assert interquartile_mean(UNEQUAL) == pytest.approx((10 + 10 + 20 + 30) / 4)
  # Repeated to six runs on each of two tasks: 0 x3, 1 x2, 2 x5 (3 + 2), 5 x2; three go.
  scores = {"a": [0.0, 2.0], "b": [1.0, 2.0, 5.0]}
  assert interquartile_mean(scores) == pytest.approx((1 + 1 + 2 * 4) / 6)


def test_profile_by_hand():
  profile = performance_profile(UNEQUAL, [-1.0, 0.0, 10.0, 30.0, 110.0])
  # A score at a threshold is not above it.
  assert profile.tolist() == [1.0, (1 / 2 + 1) / 2, 1 / 2, (0 + 2 / 4) / 2, 0.0]


def test_improvement_by_hand():
  first = {"a": [1.0, 3.0], "b": [5.0]}
  second = {"b": [5.0, 6.0], "a": [0.0, 1.0, 2.0]}
  # On a: 1 wins once, ties once; 3 wins thrice: 4.5 of 6. On b: a tie of 2.
  assert probability_of_improvement(first, second) == pytest.approx((4.5 / 6 + 0.5 / 2) / 2)


def test_arrays_are_seeds_by_tasks():
  table = np.array([[0.0, 50.0], [10.0, 60.0], [20.0, 100.0]])
  tasks = {"a": [0.0, 10.0, 20.0], "b": [50.0, 60.0, 100.0]}
  assert mean(table) == mean(tasks) == 40.0
  assert probability_of_improvement(table, table[:1] + 5) == (2 / 3 + 2 / 3) / 2


@given(TABLES)
def test_equal_tasks_are_averaged_as_in_the_paper(table):
  assert interquartile_mean(table) == close(stats.trim_mean(table, 0.25, axis=None))
  assert mean(table) == close(table.mean())
  assert optimality_gap(table) == close(100 - np.minimum(table, 100).mean())


@given(TIED, TIED)
def test_improvement_is_the_mann_whitney_statistic(first, second):
  shares = [
    stats.mannwhitneyu(a, b, method="asymptotic").statistic / 16 if np.ptp([*a, *b]) else 0.5
    for a, b in zip(first.T, second.T, strict=True)
  ]
  assert probability_of_improvement(first, second) == close(np.mean(shares))


@given(TIED, TIED)
def test_one_of_two_methods_improves_on_the_other(first, second):
  forth = probability_of_improvement(first, second)
  assert forth + probability_of_improvement(second, first) == close(1.0)
  assert probability_of_improvement(first, first) == close(0.5)


@given(TABLES)
def test_profile_falls_from_one_to_zero(table):
  levels = np.concatenate([[table.min() - 1], np.sort(table.ravel()), [table.max()]])
  profile = performance_profile(table, levels)
  assert profile[0] == 1.0
  assert profile[-1] == 0.0
  assert (np.diff(profile) <= 0).all()


@given(TABLES.filter(lambda table: np.ptp(table) > 1))
def test_area_above_zero_under_the_profile_is_the_mean(table):
  table = table - table.min()
  edges = np.unique(np.concatenate([[0.0], table.ravel()]))
  area = np.sum(performance_profile(table, edges[:-1]) * np.diff(edges))
  assert area == close(table.mean())


@pytest.mark.parametrize(
  "statistic",
  [mean, interquartile_mean, optimality_gap, partial(performance_profile, thresholds=[5.0, 25.0])],
)
def test_resamples_are_summarised_one_by_one(statistic):
  first = {"a": np.array([0.0, 10.0]), "b": np.array([20.0, 30.0, 40.0, 110.0])}
  second = {"a": np.array([10.0, 10.0]), "b": np.array([40.0, 20.0, 20.0, 20.0])}
  both = statistic({task: np.stack([first[task], second[task]]) for task in first})
  np.testing.assert_allclose(both, [statistic(first), statistic(second)])


def test_improvement_of_resamples_is_one_by_one():
  first = {"a": np.array([[1.0, 3.0], [0.0, 0.0]])}
  second = {"a": np.array([[2.0], [0.0]])}
  assert probability_of_improvement(first, second).tolist() == [0.5, 0.5]
  assert probability_of_improvement(second, {"a": [1.0]}).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
  "scores", [{"a": []}, {"a": [1.0], "b": [np.nan]}, {"a": [np.inf]}, {"a": 3.0}]
)
def test_tasks_without_numbers_are_named(scores):
  task = max(scores)
  for statistic in (mean, interquartile_mean, optimality_gap):
    with pytest.raises(ValueError, match=f"task '{task}' must be finite"):
      statistic(scores)


def test_no_tasks_are_refused():
  with pytest.raises(ValueError, match="no tasks"):
    mean({})


def test_an_array_of_three_axes_is_refused():
  with pytest.raises(ValueError, match=r"\(seeds, tasks\), not \(3, 1, 1\)"):
    mean(np.ones((3, 1, 1)))


def test_methods_on_different_tasks_are_not_compared():
  with pytest.raises(ValueError, match="scores on b, c"):
    probability_of_improvement({"a": [1.0], "b": [1.0]}, {"a": [1.0], "c": [1.0]})
