"""The figures of a data set, by hand."""

import numpy as np

from dmg_jax.data import dataset, survey
from dmg_jax.types import Transitions

# Two steps to a terminal, one that is cut, two to the end of the file.
TRANSITIONS = Transitions(
  observations=np.float32([[0], [1], [5], [7], [8]]),
  actions=np.float32([[-1], [0], [0.9995], [0.5], [1]]),
  rewards=np.float32([1, 2, 3, 4, 5]),
  next_observations=np.float32([[1], [2], [6], [8], [9]]),
  not_dones=np.float32([1, 0, 1, 1, 1]),
)


def make(**changes):
  return dataset.build(
    TRANSITIONS, name="mine", kind="npz", episode_returns=np.array([3.0, 9.0]), **changes
  )


def test_figures():
  found = survey.survey(make(action_bounds=(-np.ones(1), np.ones(1)), reference=(1.0, 5.0)))
  assert (found.transitions, found.trajectories, found.terminals, found.cuts) == (5, 3, 1, 2)
  np.testing.assert_array_equal(found.lengths, [2, 1, 2])
  np.testing.assert_array_equal(found.scores, [50, 200])
  assert found.saturated == 3 / 5


def test_what_is_not_known_is_left_out():
  found = survey.survey(make())
  assert found.scores is None
  assert found.saturated is None
