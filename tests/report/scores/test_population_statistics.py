from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dmg_jax.report.scores import statistics
from dmg_jax.report.scores.population_statistics import (
  estimate,
  estimate_improvement,
  interquartile_mean,
  mean,
  optimality_gap,
  performance_profile,
  probability_of_improvement,
)

UNEQUAL = {"a": [0.0, 10.0], "b": [20.0, 30.0, 40.0, 110.0]}
TABLES = arrays(
  np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)
)
# Few values, so that ties are common.
TIED = arrays(np.float64, (4, 2), elements=st.integers(0, 3).map(float))


def close(value):
  return pytest.approx(value, rel=1e-9, abs=1e-6)


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


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(-1e3, 1e3)))
def test_a_single_task_has_the_interquartile_mean_of_its_seeds(scores):
  assert interquartile_mean({"a": scores}) == close(statistics.interquartile_mean(scores))


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


@pytest.mark.parametrize(
  "scores", [{"a": []}, {"a": [1.0], "b": [np.nan]}, {"a": [np.inf]}, {"a": 3.0}]
)
def test_tasks_without_numbers_are_named(scores):
  task = max(scores)
  for statistic in (mean, interquartile_mean, optimality_gap):
    with pytest.raises(ValueError, match=f"task '{task}' must be finite"):
      statistic(scores)
  with pytest.raises(ValueError, match=f"task '{task}' must be finite"):
    estimate(scores, mean, seed=0)


def test_no_tasks_are_refused():
  with pytest.raises(ValueError, match="no tasks"):
    mean({})


def test_an_array_of_one_axis_is_refused():
  with pytest.raises(ValueError, match=r"\(seeds, tasks\), not \(3,\)"):
    mean(np.array([1.0, 2.0, 3.0]))


def test_methods_on_different_tasks_are_not_compared():
  with pytest.raises(ValueError, match="scores on b, c"):
    probability_of_improvement({"a": [1.0], "b": [1.0]}, {"a": [1.0], "c": [1.0]})
  with pytest.raises(ValueError, match="scores on b"):
    estimate_improvement({"a": [1.0], "b": [1.0]}, {"a": [1.0]}, seed=0)
