"""What becomes of a data set whose policies share too few steps."""

import pytest

from dmg_jax.collect import tiers
from dmg_jax.errors import UserError


def test_too_few_steps_are_told_with_a_policys_share_of_them():
  message = r"Pendulum-v1 ended in a policy's share of the 400 steps: 200, in 10 env.*raise --keep"
  with pytest.raises(UserError, match=message):
    tiers.behaviour_episodes("Pendulum-v1", [None, None], 400, seed=0)
