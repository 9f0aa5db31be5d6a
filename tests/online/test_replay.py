"""The replay on the device."""

import jax.numpy as jnp
import numpy as np

from dmg_jax.online import replay
from dmg_jax.types import Transitions


def rows(*values: float) -> Transitions:
  column = jnp.array(values)
  return Transitions(
    observations=jnp.stack([column, column], axis=1),
    actions=column[:, None],
    rewards=column,
    next_observations=jnp.stack([column, column], axis=1) + 1,
    not_dones=jnp.ones_like(column),
  )


def test_it_keeps_the_order_of_arrival():
  buffer = replay.add(replay.add(replay.empty(4, 2, 1), rows(1.0, 2.0)), rows(3.0))
  assert buffer.size == 3
  np.testing.assert_array_equal(buffer.transitions.rewards, [1, 2, 3, 0])
  np.testing.assert_array_equal(buffer.transitions.next_observations[2], [4, 4])
