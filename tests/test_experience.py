"""What a run learns from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import make_transitions

from dmg_jax import experience


def drawn(span, symmetric=False, batch=2_000):
  rows, _ = experience.draw(jnp.uint32(3), jnp.int32(7), span, batch, (1,), jnp.float32, symmetric)
  return np.asarray(rows)


def span(shared, own):
  region = experience.Region(jnp.int32(100), jnp.int32(own))
  return experience.Span(jnp.int32(10), jnp.int32(shared), region)


@pytest.mark.parametrize(("shared", "own"), [(6, 2), (0, 5), (3, 0)])
def test_shared_rows_and_a_runs_own_are_drawn_alike(shared, own):
  rows, counts = np.unique(drawn(span(shared, own)), return_counts=True)
  assert rows.tolist() == [*range(10, 10 + shared), *range(100, 100 + own)]
  np.testing.assert_allclose(counts, 2_000 / (shared + own), rtol=0.25)


def test_symmetric_sampling_takes_half_from_each():
  rows = drawn(span(6, 2), symmetric=True, batch=501)
  assert (rows < 100).sum() == 250
  assert {*rows[rows < 100]} == {*range(10, 16)}
  assert {*rows[rows >= 100]} == {100, 101}


def test_without_rows_of_its_own_a_run_draws_as_offline():
  offline = experience.Span(jnp.int32(10), jnp.int32(6))
  np.testing.assert_array_equal(drawn(offline), drawn(span(6, 0)))


def test_new_rows_go_to_each_runs_region_and_a_frozen_runs_stay():
  data, new = jax.tree.map(jnp.asarray, (make_transitions(12), make_transitions(4, seed=1)))
  new = experience.take(new, jnp.arange(4).reshape(2, 2))
  own = experience.Region(jnp.array([4, 8], jnp.int32), jnp.array([1, 2], jnp.int32))
  joined, grown = experience.append(data, own, new, jnp.array([True, False]))
  assert grown.sizes.tolist() == [3, 2]
  np.testing.assert_array_equal(joined.rewards[5:7], new.rewards[0])
  kept = np.array([row for row in range(12) if row not in (5, 6)])
  np.testing.assert_array_equal(joined.observations[kept], data.observations[kept])
