"""The online loop: what it records, and that it goes on where it was left."""

import itertools
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dmg_jax.data.stream import Stream
from dmg_jax.errors import UserError
from dmg_jax.online import learners, loop, replay

ROUNDS, RANDOM_ROUNDS, LEARN_EVERY = 30, 10, 4
SETTINGS = loop.Settings(random_steps=2 * RANDOM_ROUNDS, learn_every=LEARN_EVERY)
SHARED = learners.Settings(1, 1, seed=0, batch_size=8, learning_rate=1e-3, target_rate=0.01)


def td3(seed: int) -> learners.OnlineLearner:
  return learners.make("td3", SHARED._replace(seed=seed), (0.1, 0.3), 0.5)


def soft(seed: int) -> learners.OnlineLearner:
  return learners.make("sac", SHARED._replace(seed=seed), (), 0.0)


class Counter(gymnasium.Env):
  """Observes the steps since the reset, plus its seed's parity; ends after 7, or is cut at 5."""

  observation_space = gymnasium.spaces.Box(-100, 100, (1,), np.float64)
  action_space = gymnasium.spaces.Box(-2, 2, (1,), np.float32)

  def reset(self, *, seed=None, options=None):
    super().reset(seed=seed)
    self.cut = self.np_random.integers(2) == 0
    self.count = 0
    return np.zeros(1), {}

  def step(self, action):
    self.count += 1
    truncated = bool(self.cut and self.count == 5)
    return np.full(1, float(self.count)), float(action[0]), self.count == 7, truncated, {}


class Forgetful(Counter):
  """Starts elsewhere each time, whatever its seed."""

  starts = itertools.count()

  def reset(self, *, seed=None, options=None):
    super().reset(seed=seed)
    self.count = next(self.starts)
    return np.full(1, float(self.count)), {}


def train(learner, seed: int = 0, rounds: int = ROUNDS, stream=None, state=None, env=Counter):
  """The stream and the state after some rounds."""
  stream = stream or Stream(ROUNDS, 2, 1, 1, seed)
  going = loop.train([env(), env()], learner(seed), SETTINGS, stream, state)
  *_, last = itertools.islice(going, rounds)
  return stream, jax.tree.map(np.array, last)


@pytest.fixture(scope="module")
def whole() -> tuple[Stream, Any]:
  return train(td3)


def test_every_episode_is_recorded_once_and_whole(whole):
  stream, _ = whole
  episodes = stream.episodes(ROUNDS)
  lengths = [len(episode.rewards) for episode in episodes]
  assert set(lengths) == {5, 7}
  assert 2 * ROUNDS - 14 < sum(lengths) <= 2 * ROUNDS
  for episode in episodes:
    np.testing.assert_array_equal(episode.observations[:, 0], np.arange(len(episode.rewards) + 1))
    np.testing.assert_array_equal(episode.rewards, episode.actions[:, 0])
    assert episode.terminations[-1] == (len(episode.rewards) == 7)
    assert episode.truncations[-1] == (len(episode.rewards) == 5)
    assert not (episode.terminations | episode.truncations)[:-1].any()


def test_one_gradient_step_for_each_round_after_the_random_ones(whole):
  assert whole[1].step == ROUNDS - RANDOM_ROUNDS


@pytest.mark.parametrize("learner", [td3, soft])
def test_an_annealed_training_takes_ever_smaller_steps(learner):
  """The last call of five learns at a fifth of the rate, the first at the whole."""
  rates = []

  def watch(seed):
    made = learner(seed)

    def learn(state, buffer, rate, cycles):
      rates.append(float(rate))
      return made.learn(state, buffer, rate, cycles)

    return made._replace(learn=learn)

  annealed = SETTINGS._replace(annealed_steps=2 * (ROUNDS - RANDOM_ROUNDS))
  stream = Stream(ROUNDS, 2, 1, 1, 0)
  *_, state = loop.train([Counter(), Counter()], watch(0), annealed, stream)
  # After rounds 13, 17, 21, 25 and 29 there are 17, 13, 9, 5 and 1 of 20 left.
  np.testing.assert_allclose(rates, np.array([17, 13, 9, 5, 1]) / 20)
  state = jax.tree.map(np.array, state)
  buffer = replay.add(replay.empty(60, 1, 1), stream.transitions(0, ROUNDS))
  same = learner(0).learn(jax.tree.map(jnp.array, state), buffer, np.float32(0), 2)
  jax.tree.map(np.testing.assert_array_equal, same.critic.parameters, state.critic.parameters)


def test_actions_are_in_the_units_of_the_environment(whole):
  actions = np.abs(whole[0].actions[:RANDOM_ROUNDS])
  assert 1 < actions.max() <= 2


def test_the_environments_differ(whole):
  assert not np.array_equal(whole[0].actions[:, 0], whole[0].actions[:, 1])


def test_the_same_seed_gives_the_same_run(whole):
  again, _ = train(td3)
  np.testing.assert_array_equal(again.actions, whole[0].actions)
  other, _ = train(td3, seed=1)
  assert not np.array_equal(other.actions, whole[0].actions)


@pytest.mark.parametrize(("learner", "rounds"), [(td3, 3), (td3, 17), (soft, 23)])
def test_it_goes_on_exactly_where_it_was_left(whole, tmp_path, learner, rounds):
  whole = whole if learner is td3 else train(learner)
  stream, state = train(learner, rounds=rounds)
  stream.save(tmp_path)
  loaded = Stream(ROUNDS, 2, 1, 1, 0)
  loaded.load(tmp_path, rounds)
  stream, state = train(learner, rounds=ROUNDS - rounds, stream=loaded, state=state)
  for field in ("observations", "actions", "rewards", "next_observations"):
    np.testing.assert_array_equal(getattr(stream, field), getattr(whole[0], field))
  jax.tree.map(np.testing.assert_array_equal, state, whole[1])


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_noise_is_standard_and_correlated_as_asked(correlation):
  key = jax.random.key(0)
  rounds = jnp.arange(100, 4100, dtype=jnp.uint32)
  noise = jax.vmap(lambda r: learners.correlated_noise(key, r, (4,), correlation))(rounds)
  noise = np.asarray(noise, np.float64)
  np.testing.assert_allclose(noise.std(axis=0), 1, atol=0.07)
  for lag in (1, 3):
    products = np.mean(noise[:-lag] * noise[lag:])
    np.testing.assert_allclose(products, correlation**lag, atol=0.05)
  assert abs(np.mean(noise[:, 0] * noise[:, 1])) < 0.07


def test_an_environment_that_does_not_repeat_itself_cannot_go_on():
  stream, state = train(td3, rounds=3, env=Forgetful)
  with pytest.raises(UserError, match="does not repeat itself"):
    train(td3, rounds=1, stream=stream, state=state, env=Forgetful)
