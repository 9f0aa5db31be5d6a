"""The projection in a data set's picture."""

import numpy as np

from dmg_jax.report.figures.data import principal_components


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
