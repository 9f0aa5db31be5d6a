import re

import numpy as np
import pytest

from dmg_jax.data.dataset import (
  action_box,
  build,
  check_actions,
  check_columns,
  complete_returns,
  validate,
)
from dmg_jax.errors import UserError
from dmg_jax.types import Transitions

LOW, HIGH = np.array([-1.0, -1.0]), np.array([1.0, 1.0])


def transitions(**changed):
  fields = {
    "observations": np.array([[0.0], [1.0], [2.0]], np.float32),
    "actions": np.array([[0.0, 0.5], [0.25, -0.5], [-0.25, 1.0]], np.float32),
    "rewards": np.array([1.0, 2.0, 3.0], np.float32),
    "next_observations": np.array([[1.0], [2.0], [3.0]], np.float32),
    "not_dones": np.array([1.0, 1.0, 0.0], np.float32),
  }
  return Transitions(**(fields | changed))


def dataset(**changed):
  return build(transitions(**changed), name="mine", kind="npz", episode_returns=np.array([6.0]))


def test_returns_are_of_complete_episodes_alone():
  rewards = np.array([1, 2, 4, 8, 16, 32], np.float32)
  ends = np.array([0, 1, 1, 0, 1, 0], bool)
  np.testing.assert_array_equal(complete_returns(rewards, ends), [3, 4, 24])


def test_no_end_is_no_return():
  assert complete_returns(np.ones(3), np.zeros(3, bool)).shape == (0,)


def test_build_keeps_what_it_is_given():
  built = build(
    transitions(),
    name="mine",
    kind="npz",
    episode_returns=np.array([6.0]),
    env_id="Hopper-v4",
    action_bounds=(LOW, HIGH),
    reference=(0.0, 2.0),
    notices=["look"],
  )
  assert (built.name, built.kind, built.env_id) == ("mine", "npz", "Hopper-v4")
  assert built.action_low is LOW
  assert built.action_high is HIGH
  assert built.reference == (0.0, 2.0)
  assert built.notices == ("look",)


def test_missing_returns_are_noticed():
  built = build(transitions(), name="mine", kind="npz", episode_returns=np.zeros(0))
  assert built.notices == ("no complete episode: the data's own return is unknown",)


def test_hash_sees_values_and_shapes_alone():
  same = dataset(actions=np.asfortranarray(transitions().actions))
  assert dataset().sha256 == same.sha256
  assert re.fullmatch("[0-9a-f]{64}", dataset().sha256)
  changed = transitions().rewards.copy()
  changed[2] = np.nextafter(changed[2], np.float32(4))
  others = {
    dataset(rewards=changed).sha256,
    dataset(actions=transitions().actions[:, ::-1]).sha256,
    # The same bytes, parted otherwise.
    dataset(
      observations=np.zeros((3, 2), np.float32), next_observations=np.zeros((3, 2), np.float32)
    ).sha256,
    dataset(
      observations=np.zeros((3, 1), np.float32), next_observations=np.zeros((3, 1), np.float32)
    ).sha256,
    dataset().sha256,
  }
  assert len(others) == 5


@pytest.mark.parametrize(
  ("changed", "message"),
  [
    ({"rewards": np.ones(2)}, r"mine: fields differ in length \(.*rewards 2.*\)"),
    ({"rewards": np.ones((3, 2))}, r"mine: rewards have shape \(3, 2\); reshape them to \(N,\)"),
    ({"actions": np.ones(3)}, r"mine: actions have shape \(3,\)"),
    ({"observations": np.ones((3, 1, 1))}, r"mine: observations have shape \(3, 1, 1\)"),
    ({"rewards": np.array([1, np.nan, np.nan])}, "rewards hold 2 NaN or infinite.*in row 1"),
    ({"actions": np.array([[0, 0], [0, 0], [0, np.inf]])}, "actions hold 1 NaN.*in row 2"),
    ({"next_observations": np.array([[1e39], [1], [1]])}, "next_observations hold 1 .*in row 0"),
    ({"rewards": np.array(["a", "b", "c"])}, "mine: rewards are not numeric"),
    ({"rewards": np.array(["1", "2", "3"])}, "mine: rewards are not numeric"),
    ({"rewards": [[1.0], [2.0, 3.0], [4.0]]}, "mine: rewards are not numeric"),
    ({"rewards": np.array([1, 2, 3 + 0j])}, "mine: rewards are complex numbers"),
    ({"actions": np.full((3, 2), 1j)}, "mine: actions are complex numbers"),
    ({"next_observations": np.ones((3, 2))}, "observations have 1 dimensions, next_obs.* 2"),
  ],
)
def test_invalid_transitions_are_refused_by_field(changed, message):
  with pytest.raises(UserError, match=message) as caught:
    validate(transitions(**changed), "mine")
  assert "\n" not in str(caught.value)


def test_empty_transitions_are_refused():
  empty = {field: array[:0] for field, array in vars(transitions()).items()}
  with pytest.raises(UserError, match="mine: there are no transitions"):
    validate(Transitions(**empty), "mine")


def test_columns_become_float32_and_flat():
  columns = check_columns({"rewards": [[1.0], [2.0]], "terminals": [False, True]}, "mine")
  np.testing.assert_array_equal(columns["rewards"], np.array([1, 2], np.float32), strict=True)
  np.testing.assert_array_equal(columns["terminals"], np.array([0, 1], np.float32), strict=True)


def test_actions_inside_are_left_alone():
  given = dataset()
  assert check_actions(given, LOW, HIGH, clip=False) is given


def test_float_rounding_is_clipped_in_silence():
  given = dataset(actions=np.array([[1.000005, 0], [0, 0], [0, -1.000005]], np.float32))
  checked = check_actions(given, LOW, HIGH, clip=False)
  expected = np.array([[1, 0], [0, 0], [0, -1]], np.float32)
  np.testing.assert_array_equal(checked.transitions.actions, expected, strict=True)
  assert checked.notices == ()
  assert checked.sha256 == given.sha256


def test_actions_outside_are_refused_with_the_way_out():
  given = dataset(actions=np.array([[1.25, 0], [0, -1.5], [0, 0]], np.float32))
  message = (
    r"mine: actions leave the environment's box in 2 of 3 rows, furthest in dimension 1 by 0\.5 "
    r"\(-1\.5 in row 1, box \[-1, 1\]\); allow clipping \(setting clip_actions\)"
  )
  with pytest.raises(UserError, match=message):
    check_actions(given, LOW, HIGH, clip=False)


def test_actions_outside_are_clipped_on_demand():
  given = dataset(actions=np.array([[1.25, 0], [0, -1.5], [0, 0]], np.float32))
  checked = check_actions(given, LOW, HIGH, clip=True)
  expected = np.array([[1, 0], [0, -1], [0, 0]], np.float32)
  np.testing.assert_array_equal(checked.transitions.actions, expected, strict=True)
  np.testing.assert_array_equal(given.transitions.actions[0], [1.25, 0])
  assert len(checked.notices) == 1
  assert "2 of 3 rows" in checked.notices[0]


def test_a_box_of_another_size_is_refused():
  with pytest.raises(UserError, match="actions have 2 dimensions, the environment's have 3"):
    check_actions(dataset(), -np.ones(3), np.ones(3), clip=True)


def test_without_simulator_and_bounds_the_message_names_the_box_that_is_assumed():
  given = dataset(actions=np.array([[1.25, 0], [0, -1.5], [0, 0]], np.float32))
  low, high = action_box(given)
  np.testing.assert_array_equal(low, [-1, -1])
  np.testing.assert_array_equal(high, [1, 1])
  message = (
    r"actions leave the box \[-1, 1\], which is assumed without a simulator and without bounds, in "
    r"2 of 3 rows.*; state the bounds in the data \(action_low and action_high in an \.npz file\), "
    r"or allow clipping"
  )
  with pytest.raises(UserError, match=message):
    check_actions(given, low, high, clip=False, simulator=False)


def test_without_a_simulator_the_datas_bounds_are_named():
  given = dataset(actions=np.array([[1.25, 0], [0, 0], [0, 0]], np.float32))
  given = given._replace(action_low=LOW, action_high=HIGH)
  assert action_box(given) == (LOW, HIGH)
  with pytest.raises(UserError, match=r"leave the data's own box \(action_low, action_high\) in 1"):
    check_actions(given, LOW, HIGH, clip=False, simulator=False)
