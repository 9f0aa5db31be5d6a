"""The rule that chooses dmg_plus, on scores made up."""

import beyond_choice
import pytest


def measures(**means: float) -> dict[str, dict[str, list[float]]]:
  """Two data sets and two seeds, one point from the mean each."""
  return {
    name: {"a": [mean - 1, mean + 1], "b": [mean - 1, mean + 1]} for name, mean in means.items()
  }


def test_a_gain_and_its_error_by_hand():
  found = beyond_choice.gain({"a": [1.0, 3.0], "b": [5.0, 5.0]}, {"a": [0.0, 0.0], "b": [1.0, 5.0]})
  # Means 2 - 0 and 5 - 3; variances over n 1, 0, 0 and 4, of a mean of two.
  assert found.mean == pytest.approx(2.0)
  assert found.error == pytest.approx(5**0.5 / 2)


def test_without_a_gain_of_layer_norm_nothing_is_chosen():
  assert beyond_choice.chosen(measures(dmg=50, norm=50, norm_depth=90)) == []


def test_the_two_clearest_gains_are_chosen_and_noise_is_not():
  # The error of a difference is 1 here.
  found = measures(
    dmg=50, norm=60, norm_depth=63, norm_discount=65, norm_scale=60.5, norm_average=62
  )
  assert beyond_choice.chosen(found) == ["norm", "norm_discount", "norm_depth"]


def test_the_target_rate_is_not_chosen():
  assert beyond_choice.chosen(measures(dmg=50, norm=60, norm_rate=90)) == ["norm"]


def test_of_two_forms_of_one_ingredient_the_better_is_chosen():
  found = measures(dmg=50, norm=60, norm_critics=63, norm_bound=65, norm_discount=62)
  assert beyond_choice.chosen(found) == ["norm", "norm_bound", "norm_discount"]


@pytest.mark.parametrize(
  ("both", "names"),
  [(66, ["norm", "norm_depth", "norm_critics"]), (64, ["norm", "norm_depth"])],
)
def test_two_that_are_measured_together_must_be_better_together(both, names):
  found = measures(dmg=50, norm=60, norm_critics=63, norm_depth=65, norm_depth_critics=both)
  assert beyond_choice.chosen(found) == names
