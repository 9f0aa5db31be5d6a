"""Bias, spread and rank correlation of known numbers, and what their intervals cover."""

import numpy as np
import pytest
from scipy import stats

from dmg_jax.probe import measures, nearest

VALUES = np.array([[1.0, 2.0, 4.0, 3.0], [2.0, 0.0, 7.0, 7.0]])
RETURNS = np.array([[1.0, 1.0, 1.0, 1.0], [5.0, 0.0, 9.0, 8.0]])


def test_by_hand():
  np.testing.assert_allclose(measures.bias(VALUES, RETURNS), [1.5, -1.5])
  np.testing.assert_allclose(
    measures.deviation(VALUES, RETURNS),
    [np.std([0, 1, 3, 2], ddof=1), np.std([3, 0, 2, 1], ddof=1)],
  )


def test_rank_correlations_are_spearmans():
  """With ties; constant returns have none, and count as 0."""
  expected = stats.spearmanr(VALUES[1], RETURNS[1]).statistic
  np.testing.assert_allclose(measures.rank_of_values(VALUES, RETURNS), [0, expected])
  effects = stats.spearmanr(VALUES[1] - VALUES[0], RETURNS[1] - RETURNS[0]).statistic
  np.testing.assert_allclose(measures.rank_of_effects(VALUES, RETURNS), [0, effects])


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
  generator = np.random.default_rng(0)
  covered = 0
  for _ in range(100):
    values = generator.normal(3.0, 1.0, size=(1, 1, 40))
    found = measures.intervals(measures.bias, values, np.zeros_like(values))[0]
    covered += found.low <= 3.0 <= found.high
  assert 86 <= covered <= 99


def test_seeds_that_differ_widen_the_interval():
  states = np.random.default_rng(0).normal(size=(1, 1, 20))
  alike = np.concatenate([states, states])
  apart = np.concatenate([states - 5, states + 5])
  width = [
    np.diff(measures.mean_interval(samples[:, 0])[1:])[0] for samples in (states, alike, apart)
  ]
  assert width[0] == pytest.approx(width[1])
  assert width[2] > 5


def test_a_difference_is_paired_by_state():
  """What states have in common does not count."""
  states = 100 * np.random.default_rng(0).normal(size=(1, 2, 30))
  zero = np.zeros_like(states)
  found = measures.difference(measures.bias, (states + 1, zero), (states, zero))
  for interval in found:
    np.testing.assert_allclose(interval, 1.0)
    assert interval.sign == 1


def test_the_nearest_action_is_that_of_a_near_observation():
  observations = np.array([[0.0, 0.0], [0.0, 4.0], [1.0, 0.0], [0.0, 100.0]])
  found = nearest.neighbours(observations, np.array([0, 3]), 2)
  assert [set(rows) for rows in found.tolist()] == [{0, 1}, {3, 1}]  # the first number varies less
  actions = np.array([[0.0], [0.5], [1.0], [0.0]])
  acted = np.array([[0.7], [0.2]])
  np.testing.assert_allclose(nearest.distances(acted, actions[found]), [0.2, 0.2])
