"""The online loop: what it records, and that its replay is what happened."""

import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax import methods, networks
from dmg_jax.data import episodes, replay
from dmg_jax.experiments import online
from dmg_jax.types import Hyperparameters, Transitions

SETTINGS = online.Settings(steps=60, random_steps=20, exploration_noise=0.1, batch_size=8)


class Counter(gymnasium.Env):
  """Observes the steps since the reset; ends after 7, or is cut at 5, in turn."""

  observation_space = gymnasium.spaces.Box(-100, 100, (1,), np.float64)
  action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
  resets = 0

  def reset(self, *, seed=None, options=None):
    self.resets, self.count = self.resets + 1, 0
    return np.zeros(1), {}

  def step(self, action):
    self.count += 1
    truncated = self.resets % 2 == 0 and self.count == 5
    return np.full(1, float(self.count)), float(action[0]), self.count == 7, truncated, {}


@pytest.fixture(scope="module")
def progress() -> list[online.Progress]:
  point = methods.point("td3", Hyperparameters())
  return list(online.train(Counter(), networks.make(1, (8, 8)), point, SETTINGS, seed=0))


def test_every_step_belongs_to_one_episode(progress):
  lengths = [len(now.episode.rewards) for now in progress]
  assert lengths == [7, 5] * 5
  assert [now.step for now in progress] == list(np.cumsum(lengths))
  for now in progress:
    episode = now.episode
    np.testing.assert_array_equal(episode.observations[:, 0], np.arange(len(episode.rewards) + 1))
    np.testing.assert_array_equal(episode.rewards, episode.actions[:, 0])
    assert episode.terminations[-1] == (len(episode.rewards) == 7)
    assert episode.truncations[-1] == (len(episode.rewards) == 5)
    assert not episode.terminations[:-1].any()


def test_one_gradient_step_for_each_step_after_the_random_ones(progress):
  assert int(progress[-1].state.step) == SETTINGS.steps - SETTINGS.random_steps


def test_the_same_seed_gives_the_same_run(progress):
  point = methods.point("td3", Hyperparameters())
  again = list(online.train(Counter(), networks.make(1, (8, 8)), point, SETTINGS, seed=0))
  for first, second in zip(progress, again, strict=True):
    np.testing.assert_array_equal(first.episode.actions, second.episode.actions)
  other = next(online.train(Counter(), networks.make(1, (8, 8)), point, SETTINGS, seed=1))
  assert not np.array_equal(other.episode.actions, progress[0].episode.actions)


def test_flattening_ends_at_terminations_only(progress):
  flat = episodes.flatten(now.episode for now in progress)
  assert len(flat.rewards) == 60
  np.testing.assert_array_equal(np.flatnonzero(flat.not_dones == 0), [6, 18, 30, 42, 54])
  np.testing.assert_array_equal(flat.next_observations, flat.observations + 1)


def test_the_replay_keeps_the_order_of_arrival():
  buffer = replay.empty(3, 2, 1)
  for value in (1.0, 2.0):
    row = Transitions(
      observations=jnp.full(2, value),
      actions=jnp.full(1, value),
      rewards=jnp.float32(value),
      next_observations=jnp.full(2, value + 1),
      not_dones=jnp.float32(1),
    )
    buffer = replay.add(buffer, row)
  assert buffer.size == 2
  np.testing.assert_array_equal(buffer.transitions.rewards, [1, 2, 0])
  np.testing.assert_array_equal(buffer.transitions.next_observations[1], [3, 3])
