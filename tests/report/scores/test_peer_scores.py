import math
from collections import Counter

import numpy as np
import pytest

from dmg_jax.report.scores import statistics
from dmg_jax.report.scores.peer_scores import rebrac_scores

NINE = ("medium-v2", "medium-replay-v2", "medium-expert-v2")
BODIES = ("halfcheetah", "hopper", "walker2d")


def tasks(method, wanted):
  """dataset -> scores, of the data that `wanted` picks by body and tier."""
  found: dict[str, list[float]] = {}
  for score in rebrac_scores():
    if score.method == method and wanted(*score.dataset.split("-", 1)):
      found.setdefault(score.dataset, []).append(score.last)
  return found


@pytest.mark.parametrize(
  ("method", "nine", "eighteen", "mazes"),
  [
    ("ReBRAC", 88.3, 81.1, 76.9),
    ("SAC-RND (ReBRAC paper)", 90.1, 82.6, 49.2),
    ("IQL (ReBRAC paper)", 77.1, 72.9, 58.4),
    ("TD3+BC (ReBRAC paper)", 72.1, 70.4, 28.8),
  ],
)
def test_averages_are_those_computed_by_hand(method, nine, eighteen, mazes):
  for number, wanted, expected in (
    (9, lambda body, tier: body in BODIES and tier in NINE, nine),
    (18, lambda body, tier: body in BODIES, eighteen),
    (6, lambda body, tier: body == "antmaze", mazes),
  ):
    scores = tasks(method, wanted)
    assert len(scores) == number
    # Half a unit of the last printed digit: 49.25 and 28.75 lie on it.
    assert statistics.mean(scores) == pytest.approx(expected, abs=0.0501)


def test_every_dataset_has_ten_seeds():
  counts = Counter((score.method, score.dataset) for score in rebrac_scores())
  assert set(counts.values()) == {10}
  assert len(counts) == 28 + 3 * 36
  assert len({(score.method, score.dataset, score.seed) for score in rebrac_scores()}) == 1360


def test_versions_of_the_mazes_stay_apart():
  for score in rebrac_scores():
    if score.dataset.startswith("antmaze"):
      assert score.dataset.endswith("-v1" if score.method.startswith("SAC-RND") else "-v2")


def test_settings_are_those_chosen_for_the_data():
  settings = {(score.method, score.dataset): score.settings for score in rebrac_scores()}
  assert settings["ReBRAC", "hopper-medium-v2"] == {"beta_1": 0.01, "beta_2": 0.001}
  assert settings["IQL (ReBRAC paper)", "antmaze-umaze-v2"] == {
    "inverse_temperature": 10.0,
    "expectile": 0.7,
  }


def test_only_final_scores_are_claimed():
  for score in rebrac_scores():
    assert (score.steps, score.evaluation_steps, score.evaluation_scores) == (0, (), ())
    assert math.isnan(score.last_ten)
    assert np.isfinite(score.last)
