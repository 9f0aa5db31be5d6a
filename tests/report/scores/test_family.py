import numpy as np
import pytest
from made_scores import ablated, made

from dmg_jax.report.scores import family
from dmg_jax.report.scores.intervals import difference_interval

OWN, OTHER = "dmg/hopper/medium-v0", "dmg/walker2d/medium-v0"


def test_what_dmg_adds_on_each_data_set_and_over_all():
  scores = [
    *made("IQL", OWN, [10.0, 12.0]), *made("DMG", OWN, [15.0, 19.0]),
    *made("IQL", OTHER, [40.0, 40.0]), *made("DMG", OTHER, [38.0, 38.0]),
    *made("XQL", OWN, [1.0, 2.0]),
  ]  # fmt: skip
  here, there, both = family.differences(scores, "last")
  assert here[:5] == (OWN, "IQL", 11.0, 17.0, 6.0)
  assert here.interval == difference_interval([15.0, 19.0], [10.0, 12.0])
  assert there[:5] == (OTHER, "IQL", 40.0, 38.0, -2.0)
  assert there.interval == (-2.0, -2.0)
  assert both[:5] == ("", "IQL", 25.5, 27.5, 2.0)
  # The second data set has no spread: half the error of the first, the same freedom.
  half = (here.interval.high - here.interval.low) / 4
  assert both.interval == pytest.approx((2.0 - half, 2.0 + half))


def test_a_single_seed_has_a_difference_and_no_interval():
  (found,) = family.differences([*made("SQL", OWN, [1.0]), *made("SQL+DMG", OWN, [3.0])], "last")
  assert (found.difference, found.interval) == (2.0, None)


def test_a_grid_is_not_side_by_side():
  grid = [*ablated("lam", [0.0, 0.5], OWN), *made("IQL", OWN, [1.0])]
  assert family.side_by_side(grid) == {}
  assert family.differences(grid, "last") == []


def test_settings_alike_for_all_do_not_keep_methods_apart():
  scores = [*made("IQL (steps 5)", OWN, [1.0]), *made("DMG (steps 5)", OWN, [3.0])]
  assert [*family.side_by_side(scores)[OWN]] == ["DMG", "IQL"]


def test_places_are_roots_of_mean_squares_and_cloning_bootstraps_nothing():
  ends = {
    "DMG": {"policy_distance": 0.25, "generalised_share": 0.3},
    "BC": {"policy_distance": 0.0},
  }
  scores = [
    score._replace(learned=ends[method])
    for method in ends
    for score in made(method, OWN, [1.0, 3.0])
  ]
  dmg, bc = family.places(scores, "last")
  assert (dmg.method, bc.method) == ("DMG", "BC")
  np.testing.assert_array_equal(dmg.distance, [0.5, 0.5])
  np.testing.assert_array_equal(dmg.share, [0.3, 0.3])
  np.testing.assert_array_equal(bc.share, [0.0, 0.0])
  # Without such a log there is no place.
  assert family.places(made("DMG", OWN, [1.0]) + made("IQL", OWN, [1.0]), "last") == []
