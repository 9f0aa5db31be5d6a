"""The points of the family, as the design names them."""

import math

import pytest

from dmg_jax import methods
from dmg_jax.types import Hyperparameters


@pytest.mark.parametrize(
  ("method", "lam", "q_coefficient", "nu", "inverse_temperature", "weight_clip"),
  [
    ("dmg", 0.25, 1.0, 0.1, 3.0, 3.0),
    ("td3", 1.0, 1.0, 0.0, 3.0, 3.0),
    ("td3_bc", 1.0, 1.0, 0.4, 0.0, 1.0),
    ("iql", 0.0, 0.0, 1.0, 3.0, 100.0),
    ("bc", 0.25, 0.0, 1.0, 0.0, 1.0),
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


def test_every_method_is_described_and_no_other_is_known():
  for method in methods.DESCRIPTIONS:
    methods.point(method, Hyperparameters())
  with pytest.raises(KeyError):
    methods.point("sarsa", Hyperparameters())
