import dataclasses
import math

import pytest

from configs import antmaze, mujoco
from dmg_jax import methods
from dmg_jax.data import catalog
from dmg_jax.report.method_names import HYPERPARAMETERS, method_name, usual_settings
from dmg_jax.types import Hyperparameters

CLONING = {"lam": 0.0, "q_coefficient": 0.0, "nu": 1.0, "inverse_temperature": 0.0}


def name(dataset="hopper-medium-v2", **changes):
  return method_name({"dataset": dataset, **usual_settings(dataset), **changes})


def test_usual_settings_are_the_defaults_of_the_method_and_of_the_launcher():
  usual = usual_settings("hopper-medium-v2")
  assert dataclasses.asdict(Hyperparameters()) == {field: usual[field] for field in HYPERPARAMETERS}
  config = mujoco.get_config().to_dict()
  for field, value in usual.items():
    if field not in ("nu", "target_rate"):
      assert list(config[field]) == value if isinstance(value, list) else config[field] == value


@pytest.mark.parametrize(
  ("dataset", "nu"),
  [
    ("hopper-medium-v2", 0.1),
    ("hopper-random-v2", 0.1),
    ("hopper-medium-replay-v2", 0.1),
    ("hopper-expert-v2", 10.0),
    ("hopper-medium-expert-v2", 10.0),
    ("mujoco/hopper/expert-v0", 10.0),
    ("antmaze-large-play-v2", 0.5),
    ("somebody/else-v0", 0.1),
  ],
)
def test_nu_is_the_papers_for_the_data(dataset, nu):
  assert usual_settings(dataset)["nu"] == nu
  assert name(dataset) == "DMG"
  assert name(dataset, nu=3.0) == "DMG (nu 3)"


def test_mazes_have_settings_of_their_own():
  usual = usual_settings("antmaze-umaze-v2")
  config = antmaze.get_config().to_dict()
  for field, value in usual.items():
    assert list(config[field]) == value if isinstance(value, list) else config[field] == value
  assert (usual["expectile"], usual["inverse_temperature"], usual["weight_clip"]) == (0.9, 10, 100)
  assert name("antmaze-umaze-v2", expectile=0.7) == "DMG (expectile 0.7)"


def test_the_embedded_data_have_a_target_rate_of_their_own():
  assert name(catalog.EMBEDDED, target_rate=0.05) == "DMG"
  assert name(catalog.EMBEDDED, target_rate=0.005) == "DMG (target_rate 0.005)"
  assert name("dmg/hopper/medium-v0", target_rate=0.05) == "DMG (target_rate 0.05)"


@pytest.mark.parametrize(
  ("method", "label"),
  [("dmg", "DMG"), ("td3", "TD3"), ("td3_bc", "TD3+BC"), ("iql", "IQL"), ("bc", "BC")],
)
def test_members_are_called_as_their_points(method, label):
  point = dataclasses.asdict(methods.point(method, Hyperparameters()))
  assert name(**point) == label
  assert name(**point, batch_size=512) == f"{label} (batch_size 512)"


def test_every_point_of_the_family_has_a_label():
  assert set(methods.DESCRIPTIONS) == {"dmg", "td3", "td3_bc", "iql", "bc"}


@pytest.mark.parametrize(
  ("changes", "expected"),
  [
    ({"lam": 0.5}, "DMG (lam 0.5)"),
    ({"lam": 1.0}, "DMG (lam 1)"),
    ({"lam": 0.0, "nu": 0.01}, "DMG (lam 0, nu 0.01)"),
    ({"nu": 0.0}, "DMG (nu 0)"),
    ({"q_coefficient": 0.0}, "DMG (q_coefficient 0)"),
    ({"hidden_sizes": [256, 256, 256]}, "DMG (hidden_sizes 256x256x256)"),
    (
      {"precision": "bfloat16", "clip_actions": True},
      "DMG (precision bfloat16, clip_actions True)",
    ),
    (CLONING, "BC"),
    (CLONING | {"lam": 0.7, "expectile": 0.9, "nu": 2.0, "weight_clip": 1.0}, "BC"),
    (CLONING | {"actor_learning_rate": 1e-3}, "BC (actor_learning_rate 0.001)"),
    (
      {"lam": 1.0, "inverse_temperature": 0.0, "actor_schedule_steps": math.inf, "nu": 0.2},
      "TD3+BC (nu 0.2)",
    ),
    (CLONING | {"weight_clip": 0.5}, "BC"),
    # A clip below 1 shrinks the imitation that Q is added to.
    (
      {"lam": 1.0, "nu": 0.4, "inverse_temperature": 0.0, "weight_clip": 0.5},
      "DMG (lam 1, nu 0.4, inverse_temperature 0, weight_clip 0.5)",
    ),
  ],
)
def test_names_say_what_is_unusual_and_has_an_effect(changes, expected):
  assert name(**changes) == expected


def test_settings_that_a_config_does_not_hold_count_as_usual():
  assert method_name({"dataset": "hopper-medium-v2", "lam": 0.5}) == "DMG (lam 0.5)"
