import numpy as np
import pytest

from dmg_jax.report.intervals import mean_interval


def test_students_interval_of_two_and_of_five():
  # t(0.975, 1) = 12.706, deviation sqrt(2), over sqrt(2).
  assert mean_interval([1.0, 3.0]) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-3)
  # t(0.975, 4) = 2.7764, deviation sqrt(2.5), over sqrt(5).
  half = 2.7764 * np.sqrt(0.5)
  assert mean_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - half, 3 + half), abs=1e-3)


def test_a_single_run_has_no_width():
  assert mean_interval([7.0]) == (7.0, 7.0)


@pytest.mark.parametrize("scores", [[], [np.nan, 1.0], [[1.0], [2.0]]])
def test_other_arrays_are_refused(scores):
  with pytest.raises(ValueError, match="non-empty 1-D array"):
    mean_interval(scores)
