"""Episodes and transitions, back and forth."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.data import episodes
from dmg_jax.data.episodes import Episode


def make(start: float, length: int, terminated: bool) -> Episode:
  observations = np.arange(start, start + length + 1, dtype=np.float32)[:, None]
  last = np.arange(length) == length - 1
  return Episode(
    observations=observations,
    actions=observations[:-1] / 2,
    rewards=observations[:-1, 0],
    terminations=last & terminated,
    truncations=last & (not terminated),
  )


def test_ends_by_hand():
  made = [make(0, 2, True), make(10, 1, False), make(20, 3, False)]
  found = episodes.ends(episodes.flatten(made))
  np.testing.assert_array_equal(found, [False, True, True, False, False, True])


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=6))
def test_split_undoes_flatten(shapes):
  made = [make(100.0 * i, length, ended) for i, (length, ended) in enumerate(shapes)]
  found = episodes.split(episodes.flatten(made))
  assert len(found) == len(made)
  for one, other in zip(found, made, strict=True):
    for field in ("observations", "actions", "rewards", "terminations", "truncations"):
      np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
