"""Rollouts: fixed numbers of episodes, seeds of their own, raw observations."""

import gymnasium
import jax
import numpy as np
import pytest
from conftest import small_architecture

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.data import scaling
from dmg_jax.errors import UserError
from dmg_jax.evaluation import Policies, Simulators, episode_seeds, evaluate


@pytest.fixture(scope="module")
def policies() -> Policies:
  """Two random Pendulum policies, whose actions reach [-2, 2]."""
  modules = networks.make(1, small_architecture(8))
  actors = [dmg.init(jax.random.key(i), 3, 1, networks=modules).actor.parameters for i in range(2)]
  units = scaling.for_actions(3, np.array([-2.0]), np.array([2.0]))
  units = units.replace(observation_mean=np.float32([0.1, 0.2, 0.3]))
  stack = lambda *leaves: np.stack(leaves)  # noqa: E731
  return Policies(modules, jax.tree.map(stack, *actors), jax.tree.map(stack, units, units))


def by_hand(policies: Policies, run: int, seed: int) -> tuple[float, int]:
  """One episode, one step at a time, in plain Gymnasium."""
  env = gymnasium.make("Pendulum-v1")
  actor, units = jax.tree.map(lambda leaf: leaf[run], (policies.actors, policies.scalings))
  observation, _ = env.reset(seed=seed)
  total, length, done = 0.0, 0, False
  while not done:
    raw = np.asarray(observation, np.float32)
    action = 2 * dmg.act(policies.networks, actor, raw - units.observation_mean)
    observation, reward, terminated, truncated, _ = env.step(np.asarray(action))
    total, length, done = total + float(reward), length + 1, terminated or truncated
  return total, length


def test_equals_episodes_played_by_hand(policies):
  seeds = np.array([[3, 4], [5, 6]])
  result = evaluate(Simulators("Pendulum-v1"), policies, seeds)
  for run, episode in np.ndindex(2, 2):
    total, length = by_hand(policies, run, int(seeds[run, episode]))
    np.testing.assert_allclose(result.returns[run, episode], total, rtol=1e-3)
    assert result.lengths[run, episode] == length


def test_concurrency_and_what_ran_before_change_nothing(policies):
  seeds = episode_seeds(0, [0, 1], 100, 3)
  simulators = Simulators("Pendulum-v1")
  first = evaluate(simulators, policies, seeds)
  again = evaluate(simulators, policies, seeds)
  np.testing.assert_array_equal(first.returns, again.returns)
  narrow = evaluate(Simulators("Pendulum-v1", concurrent=4), policies, seeds)
  np.testing.assert_allclose(narrow.returns, first.returns, rtol=1e-4)
  simulators.close()


def test_an_action_that_is_no_number_ends_its_policy_alone(policies):
  actors = jax.tree.map(np.array, policies.actors)
  actors["params"]["policy"]["layer_2"]["bias"][0] = np.nan
  seeds = episode_seeds(0, [0, 1], 100, 2)
  result = evaluate(Simulators("Pendulum-v1"), policies._replace(actors=actors), seeds)
  assert np.isnan(result.returns[0]).all()
  assert (result.lengths[0] == 0).all()
  assert np.isfinite(result.returns[1]).all()


def test_seeds_depend_on_all_four_and_on_nothing_else():
  base = episode_seeds(0, [0, 1], 100, 2)
  np.testing.assert_array_equal(base, episode_seeds(0, [0, 1], 100, 2))
  np.testing.assert_array_equal(base[1:, :1], episode_seeds(0, [1], 100, 1))
  others = [base, episode_seeds(1, [0, 1], 100, 2), episode_seeds(0, [0, 1], 101, 2)]
  assert len({int(seed) for seeds in others for seed in seeds.flat}) == 12


def test_an_unknown_environment_is_the_users_mistake():
  with pytest.raises(UserError, match="NoSuch-v0"):
    Simulators("NoSuch-v0").take(1)
