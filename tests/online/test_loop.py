"""The online loop: what it records, and that it goes on where it was left."""

import itertools
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from dmg_jax.data.stream import Stream
from dmg_jax.errors import UserError
from dmg_jax.online import alone, learners, loop
from dmg_jax.online.exploration import Exploration
from dmg_jax.types import Agent

ROUNDS, RANDOM_ROUNDS, LEARN_EVERY = 30, 10, 4
SETTINGS = alone.Settings(random_steps=2 * RANDOM_ROUNDS, batch_size=8, learn_every=LEARN_EVERY)
SHARED = learners.Settings(
  action_size=1,
  learning_rate=1e-3,
  target_rate=0.01,
  exploration_noise=(0.1, 0.3),
  noise_correlation=0.5,
)
TD3, SAC = learners.make("td3", SHARED), learners.make("sac", SHARED)


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


def train(learner, seed: int = 0, rounds: int = ROUNDS, stream=None, runs=None, env=Counter):
  """The stream and the population after some rounds."""
  stream = stream or Stream(ROUNDS, 2, 1, 1, seed)
  going = alone.train([env(), env()], learner, SETTINGS, stream, runs)
  *_, last = itertools.islice(going, rounds)
  return stream, last.runs()


@pytest.fixture(scope="module")
def whole() -> tuple[Stream, Any]:
  return train(TD3)


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
  assert loop.state_of(whole[1]).step == ROUNDS - RANDOM_ROUNDS


class ToyState(struct.PyTreeNode):
  """A toy agent."""

  mean: jax.Array
  step: jax.Array


class Toy(struct.PyTreeNode):
  """A toy agent's hyperparameters."""

  rate: float
  learning_rate: float


def test_any_agent_learns_online_through_the_common_training():
  """A toy that knows neither DMG nor SAC: it moves towards the mean reward of its batch."""

  def update(state, batch, noise, hyperparameters, *, update_actor):
    error = jnp.mean(batch.rewards) - state.mean
    mean = state.mean + hyperparameters.rate * error
    return state.replace(mean=mean, step=state.step + 1), {"error": error}

  agent = Agent(
    init=lambda *_: ToyState(jnp.zeros(()), jnp.zeros((), jnp.int32)),
    update=update,
    policy=lambda state: state.mean,
    act=lambda mean, observations: jnp.full((*observations.shape[:-1], 1), mean),
    cycle=2,
    noise_shape=lambda batch_size, action_size: (),
  )
  exploration = Exploration(agent.policy, lambda mean, rows, seed, round_: agent.act(mean, rows))
  toy = learners.OnlineLearner("a toy", agent, Toy(rate=0.5, learning_rate=0.0), exploration)
  stream, runs = train(toy)
  state = loop.state_of(runs)
  assert state.step == ROUNDS - RANDOM_ROUNDS
  seen = stream.rewards[: ROUNDS - 1]
  assert seen.min() < state.mean < seen.max()
  # It acts as it learned: the last actions are the mean, in the environment's units.
  assert np.ptp(stream.actions[-3:]) == 0


@pytest.mark.parametrize("learner", [TD3, SAC])
def test_an_annealed_training_takes_ever_smaller_steps(learner, monkeypatch):
  """The last call of five learns at a twentieth of the rate."""
  rates = []

  def watch(self):
    if self._is_due(self.round):
      usual = vars(learner.hyperparameters)
      rates.append(
        {
          name: value / usual[name]
          for name, value in vars(jax.device_get(self._population.points[0])).items()
          if np.isfinite(value) and value != np.float32(usual[name])
        }
      )
    return learn(self)

  learn = loop.Loop._learn
  monkeypatch.setattr(loop.Loop, "_learn", watch)
  settings = SETTINGS._replace(annealed_steps=2 * (ROUNDS - RANDOM_ROUNDS))
  list(alone.train([Counter(), Counter()], learner, settings, Stream(ROUNDS, 2, 1, 1, 0)))
  # After rounds 13, 17, 21, 25 and 29 there are 17, 13, 9, 5 and 1 of 20 left.
  assert len(rates) == 5
  for changed, left in zip(rates, [17, 13, 9, 5, 1], strict=True):
    assert all(name.endswith("learning_rate") for name in changed)
    assert len(changed) == (3 if learner is TD3 else 2)
    np.testing.assert_allclose(np.array([*changed.values()]).ravel(), left / 20, rtol=1e-6)


@pytest.mark.parametrize("learner", [TD3, SAC])
def test_a_training_that_diverges_ends_in_one_line(learner):
  h = learner.hyperparameters
  explosive = learner._replace(
    hyperparameters=h.replace(
      **{name: np.inf for name in vars(h) if name.endswith("learning_rate")}
    )
  )
  with pytest.raises(
    UserError, match=r"diverged after 0 gradient steps, or .*; lower --learning_rate"
  ):
    train(explosive)


def test_actions_are_in_the_units_of_the_environment(whole):
  actions = np.abs(whole[0].actions[:RANDOM_ROUNDS])
  assert 1 < actions.max() <= 2


def test_the_environments_differ(whole):
  assert not np.array_equal(whole[0].actions[:, 0], whole[0].actions[:, 1])


def test_the_same_seed_gives_the_same_run(whole):
  again, _ = train(TD3)
  np.testing.assert_array_equal(again.actions, whole[0].actions)
  other, _ = train(TD3, seed=1)
  assert not np.array_equal(other.actions, whole[0].actions)


@pytest.mark.parametrize(("learner", "rounds"), [(TD3, 3), (TD3, 17), (SAC, 23)])
def test_it_goes_on_exactly_where_it_was_left(whole, tmp_path, learner, rounds):
  whole = whole if learner is TD3 else train(learner)
  stream, runs = train(learner, rounds=rounds)
  stream.save(tmp_path)
  loaded = Stream(ROUNDS, 2, 1, 1, 0)
  loaded.load(tmp_path, rounds)
  stream, runs = train(learner, rounds=ROUNDS - rounds, stream=loaded, runs=runs)
  for field in ("observations", "actions", "rewards", "next_observations"):
    np.testing.assert_array_equal(getattr(stream, field), getattr(whole[0], field))
  jax.tree.map(np.testing.assert_array_equal, runs, whole[1])


def test_an_environment_that_does_not_repeat_itself_cannot_go_on():
  stream, runs = train(TD3, rounds=3, env=Forgetful)
  with pytest.raises(UserError, match="does not repeat itself"):
    train(TD3, rounds=1, stream=stream, runs=runs, env=Forgetful)
