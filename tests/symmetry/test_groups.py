"""Groups: what is one, what is refused, and what their elements do."""

import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import groups

IDENTITY, QUARTER = np.eye(2), np.array([[0.0, -1.0], [1.0, 0.0]])


def test_quarter_turns_are_a_group_of_four():
  turns = groups.rotations(4, vectors=2, actions=3)
  assert turns.order == 4
  x = np.array([1.0, 2.0, 3.0, 4.0])
  np.testing.assert_allclose(np.asarray(turns.observations[1]) @ x, [-2, 1, -4, 3], atol=1e-12)
  np.testing.assert_array_equal(turns.actions[3], np.eye(3))


@pytest.mark.parametrize(
  ("observations", "actions", "message"),
  [
    ([IDENTITY, QUARTER], [IDENTITY, IDENTITY], "element 1 has no inverse"),
    (
      [IDENTITY, QUARTER, -QUARTER],
      [IDENTITY] * 3,
      "the product of elements 1 and 1 is missing",
    ),
    ([IDENTITY, 2 * IDENTITY], [IDENTITY] * 2, "not orthogonal"),
    ([-IDENTITY, IDENTITY], [IDENTITY] * 2, "the first element of a group is the identity"),
    ([IDENTITY], [IDENTITY] * 2, "1 matrices for observations and 2 for actions"),
    ([np.ones((2, 3))], [IDENTITY], "not square"),
  ],
)
def test_what_is_no_group_is_one_line(observations, actions, message):
  with pytest.raises(UserError, match=message):
    groups.group(observations, actions)


def test_observations_of_another_size_are_one_line():
  with pytest.raises(UserError, match="observations have 7 numbers, but the group acts on 4"):
    groups.check_size(groups.rotations(4, vectors=2, actions=3), 7)


def test_a_signed_permutation_is_a_matrix():
  matrix = groups.signed_permutation([1, 0, 2], [1, 1, -1])
  np.testing.assert_array_equal(matrix @ [1, 2, 3], [2, 1, -3])
  for places, signs in (([0, 0], [1, 1]), ([0, 1], [1, 2]), ([0, 1], [1])):
    with pytest.raises(UserError, match="no signed permutation"):
      groups.signed_permutation(places, signs)


def test_noise_picks_every_element_equally_often():
  noise = np.random.default_rng(0).normal(size=40_000).astype(np.float32)
  shares = np.bincount(groups.picks(noise, 4), minlength=4) / len(noise)
  np.testing.assert_allclose(shares, np.full(4, 0.25), atol=0.01)
  assert groups.picks(np.array([9.0, -9.0], np.float32), 4).tolist() == [3, 0]


def test_a_turner_applies_the_picked_element_and_is_one_object():
  of = groups.rotations(4, vectors=1, actions=1)
  turn = groups.turner(of)
  assert turn is groups.turner(groups.rotations(4, vectors=1, actions=1))
  observations = np.array([[1.0, 0.0]] * 4, np.float32)
  noise = np.array([-1.0, -0.3, 0.3, 1.0], np.float32)
  found = turn(observations, noise)
  np.testing.assert_allclose(found, [[1, 0], [0, 1], [-1, 0], [0, -1]], atol=1e-6)
