"""The practical objective: its parts by hand, and a short training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax.theory import generators, practice
from dmg_jax.theory.mdp import FiniteMDP


def test_the_expectile_fixed_point_by_hand():
  mdp = FiniteMDP(
    actions=jnp.array([[[0.0], [1.0]]]),
    transitions=jnp.ones((1, 2, 1)),
    rewards=jnp.array([[0.0, 1.0]]),
    discount=0.5,
    initial=jnp.ones(1),
  )
  # The expectile 0.7 of {x, x + 1} is x + 0.7; x = 0.5 (x + 0.7), so x = 0.7.
  np.testing.assert_allclose(practice.expectile_fixed_point(mdp), [[0.7, 1.7]], atol=1e-9)


def test_in_sample_training_finds_the_expectile_fixed_point():
  problems = generators.draw_many(practice.problem, 0, 1)
  functions, mdp = jax.tree.map(lambda leaf: leaf[0], problems)
  setting = practice.Setting(jnp.array(0.0), jnp.array(10.0))
  agent = jax.jit(lambda key: practice.train(key, setting, mdp, 2500))(jax.random.key(1))
  judged = jax.jit(practice.judge)(agent, setting, functions, mdp)
  expected = practice.expectile_fixed_point(mdp)
  np.testing.assert_allclose(judged["q"], expected, atol=0.1)
  # Strong regularisation keeps the policy in the data's window, with points 0.1 apart.
  assert judged["radius"] <= 0.05 + 1e-9
  assert judged["limit"] == 0
  assert 0 < judged["true_return"] < 10


def test_sweeps_hold_one_of_the_two():
  points = practice.sweeps()
  assert points.lam.tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1] + [0.25] * 7)
  assert points.nu.tolist() == pytest.approx([0.1] * 5 + [10, 1, 0.5, 0.1, 0.05, 0.01, 0.001])
