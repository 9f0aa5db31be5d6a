"""The second search's rule and its contrasts, by hand."""

import json

import beyond
import beyond_scores
import beyond_second
import pytest
from beyond_jobs import BASE, FACTORS, VARIANTS

from dmg_jax import methods

ROBOT, OTHER, MAZE = "dmg/hopper/medium-v0", "dmg/hopper/expert-v0", "dmg/pointmaze/diverse-v0"


def measures(**means):
  """Of each setting its mean on two sets of a robot, and in the maze; seeds one point off it."""
  return {
    name: {
      task: [mean - 1, mean + 1]
      for task, mean in ((ROBOT, robot), (OTHER, robot + 2), (MAZE, maze))
    }
    for name, (robot, maze) in means.items()
  }


def test_environments_count_alike():
  assert beyond_second.weights([ROBOT, OTHER, MAZE]) == {ROBOT: 0.25, OTHER: 0.25, MAZE: 0.5}
  found = beyond_second.gain(measures(dmg=(10, 100), norm=(30, 90)), "norm")
  # Half of +20 and half of -10.
  assert found.mean == pytest.approx(5)
  # Variances over n are 1: (1/16 + 1/16 + 1/4) of each of the two settings.
  assert found.error == pytest.approx(0.75**0.5)


def test_the_interval_is_student_s_with_welch_s_degrees_of_freedom():
  found = beyond_second.gain({"dmg": {ROBOT: [0.0, 2.0]}, "norm": {ROBOT: [10.0, 12.0]}}, "norm")
  # Two groups of two with equal variances: 2 degrees of freedom, whose quantile is 4.3027.
  assert found.freedom == pytest.approx(2)
  assert found.interval == pytest.approx((10 - 4.3027 * 2**0.5, 10 + 4.3027 * 2**0.5), abs=1e-3)


def test_seeds_that_agree_have_an_interval_of_no_width():
  found = beyond_second.gain({"dmg": {ROBOT: [1.0, 1.0]}, "norm": {ROBOT: [4.0, 4.0]}}, "norm")
  assert found.interval == (3.0, 3.0)


def test_the_largest_mean_is_chosen_if_it_is_clear():
  found = measures(dmg=(10, 100), norm=(40, 60), scale=(20, 100), depth=(12, 90))
  assert beyond_second.chosen(found) == "scale"  # -5, +5 and -4
  assert beyond_second.chosen(measures(dmg=(10, 100), scale=(10.5, 100.5))) is None
  assert beyond_second.chosen(measures(dmg=(10, 100), norm=(40, 50))) is None
  assert beyond_second.chosen(measures(dmg=(10, 100))) is None


def test_an_effect_is_the_mean_over_all_sets_of_the_others():
  """LayerNorm brings 8, the third layer -4, and both together 2 more."""
  means = {}
  for name, has in FACTORS.items():
    value = 50 + 8 * ("norm" in has) - 4 * ("depth" in has) + 2 * ({"norm", "depth"} <= has)
    means[name] = (value, value)
  found = measures(**means)
  assert beyond_second.effect(found, "norm").mean == pytest.approx(9)
  assert beyond_second.effect(found, "depth").mean == pytest.approx(-3)
  assert beyond_second.effect(found, "scale").mean == pytest.approx(0)
  # Eight settings of 3/8 each, by 1/4.
  assert beyond_second.effect(found, "norm").error == pytest.approx((8 * 0.375) ** 0.5 / 4)


def test_each_setting_has_the_fields_of_its_ingredients_and_lacks_one_where_it_is_left_out():
  for name, has in FACTORS.items():
    parts = [VARIANTS[ingredient].items() for ingredient in has]
    assert dict(VARIANTS[name]) == dict(pair for part in parts for pair in part)
    for ingredient, other in beyond_second.without(name).items():
      assert FACTORS[other] | {ingredient} == has
  assert VARIANTS[BASE] == {}


def test_dmg_plus_is_what_the_rule_takes_of_the_stored_scores():
  found = beyond_scores.searched_measures(json.loads(beyond.RESULT.read_text()))
  assert dict(methods.find("dmg_plus").usual) == dict(VARIANTS[beyond_second.chosen(found)])
