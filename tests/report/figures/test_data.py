"""A data set's picture: what is drawn, and what the axes are called."""

import warnings

import numpy as np
import pytest

from dmg_jax.data import dataset
from dmg_jax.data.survey import survey
from dmg_jax.report.figures.data import draw, principal_components
from dmg_jax.types import Transitions


def test_directions_of_most_variance():
  generator = np.random.default_rng(0)
  hidden = generator.normal(size=(100, 2))
  hidden, _ = np.linalg.qr(hidden - hidden.mean(axis=0))
  # Four standardised dimensions that repeat one number, two that repeat another.
  observations = np.column_stack([hidden[:, [0]]] * 4 + [hidden[:, [1]]] * 2) * 7 + 3
  projected, shares = principal_components(observations)
  np.testing.assert_allclose(shares, [4 / 6, 2 / 6], atol=1e-12)
  correlation = np.corrcoef(np.column_stack([projected, hidden]).T)[:2, 2:]
  np.testing.assert_allclose(np.abs(correlation), np.eye(2), atol=1e-7)


def test_a_constant_dimension_is_no_error():
  observations = np.column_stack([np.arange(10.0), np.ones(10), -np.arange(10.0)])
  _, shares = principal_components(observations)
  np.testing.assert_allclose(shares, [1, 0], atol=1e-12)


def drawn(env_id=None, reference=None, observations=None):
  """The axes of the picture of three steps."""
  if observations is None:
    observations = np.float32([[1, 2, 50], [3, 4, 60], [5, 7, 80]])
  transitions = Transitions(
    observations=observations,
    actions=np.zeros((3, 1), np.float32),
    rewards=np.float32([0, 0, 1]),
    next_observations=observations,
    not_dones=np.float32([1, 1, 0]),
  )
  made = dataset.build(
    transitions,
    name="mine",
    kind="minari",
    episode_returns=np.array([1.0]),
    env_id=env_id,
    reference=reference,
  )
  return draw(made, survey(made)).axes[:2]


def test_constant_data_have_no_variance_and_no_nan():
  observations = np.ones((3, 2), np.float32)
  _, shares = principal_components(observations)
  np.testing.assert_array_equal(shares, [0, 0])
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    _, right = drawn(observations=observations)
  assert right.get_xlabel() == "component 1 (0 % of variance)"


@pytest.mark.parametrize("env_id", ["dmg_jax/PointMaze-UMaze-v0", "dmg_jax/AntMaze-Large-v0"])
def test_mazes_are_drawn_as_x_and_y(env_id):
  _, right = drawn(env_id)
  assert (right.get_xlabel(), right.get_ylabel()) == ("x (m)", "y (m)")
  np.testing.assert_array_equal(right.collections[0].get_offsets(), [[1, 2], [3, 4], [5, 7]])
  _, right = drawn("Hopper-v4")
  assert right.get_xlabel().startswith("component 1")


@pytest.mark.parametrize(
  ("env_id", "reference", "label"),
  [
    ("dmg_jax/PointMaze-UMaze-v0", (0.0, 1.0), "success rate (%) of an episode"),
    ("dmg_jax/AntMaze-UMaze-v0", (0.0, 1.0), "D4RL-normalised score of an episode"),
    ("Hopper-v4", (-20.272305, 3234.3), "D4RL-normalised score of an episode"),
    ("Hopper-v5", (-20.272305, 3234.3), "normalised score of an episode"),
    (None, None, "return of an episode"),
  ],
)
def test_returns_are_called_what_they_are(env_id, reference, label):
  left, _ = drawn(env_id, reference)
  assert left.get_xlabel() == label
