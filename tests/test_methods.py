"""The points of the family, as the design names them."""

import math

import pytest

from dmg_jax import methods, tasks
from dmg_jax.errors import UserError
from dmg_jax.types import Hyperparameters


@pytest.mark.parametrize(
  ("method", "lam", "q_coefficient", "nu", "inverse_temperature", "weight_clip"),
  [
    ("dmg", 0.25, 1.0, 0.1, 3.0, 3.0),
    ("td3", 1.0, 1.0, 0.0, 3.0, 3.0),
    ("td3_bc", 1.0, 1.0, 0.4, 0.0, 1.0),
    ("awac", 1.0, 0.0, 1.0, 3.0, 100.0),
    ("iql", 0.0, 0.0, 1.0, 3.0, 100.0),
    ("xql", 0.0, 0.0, 1.0, 3.0, 100.0),
    ("sql", 0.0, 0.0, 1.0, 3.0, 100.0),
    ("eql", 0.0, 0.0, 1.0, 3.0, 100.0),
    ("xql_dmg", 0.25, 1.0, 0.1, 3.0, 3.0),
    ("sql_dmg", 0.25, 1.0, 0.1, 3.0, 3.0),
    ("eql_dmg", 0.25, 1.0, 0.1, 3.0, 3.0),
    ("bc", 0.0, 0.0, 1.0, 0.0, 1.0),
  ],
)
def test_points(method, lam, q_coefficient, nu, inverse_temperature, weight_clip):
  point = methods.point(method, Hyperparameters())
  assert point.lam == lam
  assert point.q_coefficient == q_coefficient
  assert point.nu == nu
  assert point.inverse_temperature == inverse_temperature
  assert point.weight_clip == weight_clip


def test_methods_published_without_a_cosine_have_none():
  for method in ("td3", "td3_bc"):
    assert math.isinf(methods.point(method, Hyperparameters()).actor_schedule_steps)


def test_every_method_names_fields_that_exist():
  for method in methods.METHODS.values():
    assert {*method.fixed, *method.usual, *method.unused} <= {*tasks.FIELDS}
    assert not {*method.fixed} & {*method.usual}


def test_an_unknown_method_is_refused_with_near_names():
  with pytest.raises(UserError, match="no method 'TD3\\+BC'; name one or several of td3_bc"):
    methods.point("TD3+BC", Hyperparameters())


def test_equal_points_give_one_agent_and_other_sizes_another():
  point = tasks.paper_point("hopper-medium-v2")
  assert methods.agent("dmg", point, 3) is methods.agent("dmg", dict(point), 3)
  assert methods.agent("dmg", point | {"critics": 4}, 3) is not methods.agent("dmg", point, 3)


@pytest.mark.parametrize(
  ("method", "unused"),
  [
    ("dmg", {"value_temperature"}),
    ("xql_dmg", {"expectile"}),
    ("sql_dmg", {"expectile", "inverse_temperature"}),
    ("iql", {"value_temperature", "smoothing_noise", "smoothing_clip", "averaged_policy"}),
    (
      "sql",
      {
        "expectile", "inverse_temperature", "smoothing_noise", "smoothing_clip",
        "averaged_policy",
      },
    ),
    (
      "td3_bc",
      {
        "expectile", "value_temperature", "inverse_temperature", "weight_clip",
        "value_learning_rate", "value_hidden_sizes", "value_layer_norm",
      },
    ),
  ],
)  # fmt: skip
def test_what_a_method_does_not_use(method, unused):
  assert methods.find(method).unused == unused


def test_dmg_plus_is_dmg_with_other_networks_and_rewards():
  plus, dmg = methods.find("dmg_plus"), methods.find("dmg")
  assert plus.form == dmg.form
  assert plus.unused == dmg.unused
  assert methods.point("dmg_plus", Hyperparameters()) == Hyperparameters()


def test_cloning_uses_the_actors_fields_alone():
  used = {*tasks.FIELDS} - methods.find("bc").unused - {*methods.find("bc").fixed}
  assert used == {
    "actor_learning_rate", "actor_schedule_steps", "batch_size", "policy_delay",
    "actor_hidden_sizes", "actor_layer_norm",
  }  # fmt: skip
