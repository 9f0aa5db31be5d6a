"""The walker's senses, its reward, and its episodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.envs.ant_directions import feel
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError

STATE = np.zeros(29)
STATE[2:7] = [0.6, 1, 0, 0, 0]


def quarter_turn(state: np.ndarray) -> np.ndarray:
  """A state, turned by 90 degrees about the vertical axis through the origin."""
  turned = state.copy()
  x, y, (w, i, j, k) = state[0], state[1], state[3:7]
  turned[:2] = [-y, x]
  turned[3:7] = np.array([w - k, i - j, j + i, k + w]) / np.sqrt(2)
  turned[15:17] = [-state[16], state[15]]
  return turned


def test_the_senses_of_an_ant_that_stands_upright():
  state = STATE.copy()
  state[7:15] = np.arange(8)
  state[15:21] = [2, 4, 6, 10, 20, 30]
  state[21:29] = 50
  felt = feel(state, np.array([0.0, 5.0]))
  expected = [0.6, 0, 0, 1, *range(8), 1, 2, 3, 1, 2, 3, *[5] * 8, 0, 1]
  np.testing.assert_allclose(felt, expected, atol=1e-12)


def test_an_ant_that_faces_north_has_north_ahead_and_east_to_its_right():
  state = quarter_turn(STATE)
  np.testing.assert_allclose(feel(state, np.array([0.0, 1.0]))[-2:], [1, 0], atol=1e-12)
  np.testing.assert_allclose(feel(state, np.array([2.0, 0.0]))[-2:], [0, -1], atol=1e-12)


def test_on_its_back_and_on_its_nose():
  state = STATE.copy()
  state[3:7] = [0, 1, 0, 0]
  np.testing.assert_allclose(feel(state, np.ones(2))[1:4], [0, 0, -1], atol=1e-12)
  state[3:7] = [np.sqrt(0.5), 0, np.sqrt(0.5), 0]
  np.testing.assert_allclose(feel(state, np.ones(2))[1:4], [-1, 0, 0], atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, -1.0, 0.3, 7.0]))
def test_position_heading_and_the_length_of_quaternions_do_not_matter(seed, factor):
  generator = np.random.default_rng(seed)
  state = generator.normal(size=29)
  direction = generator.normal(size=2)
  expected = feel(state, direction)
  turned = quarter_turn(state)
  turned[:2] += 5
  turned[3:7] *= factor
  np.testing.assert_allclose(feel(turned, [-direction[1], direction[0]]), expected, atol=1e-9)
  both = feel(np.stack([state, turned]), np.stack([direction, [-direction[1], direction[0]]]))
  np.testing.assert_allclose(both, np.stack([expected, expected]), atol=1e-9)


@pytest.fixture
def env():
  pytest.importorskip("ogbench", reason="the ant's body comes with it")
  made = make("dmg_jax/AntDirections-v0")
  yield made
  made.close()


def test_an_episode_repeats_itself_from_its_seed(env):
  def play():
    generator = np.random.default_rng(0)
    rows = [env.reset(seed=3)[0]]
    for _ in range(60):
      observation, reward, *_ = env.step(generator.uniform(-1, 1, 8).astype(np.float32))
      rows.append(np.append(observation, reward))
    return np.concatenate(rows)

  np.testing.assert_array_equal(play(), play())


@pytest.mark.parametrize("push", [0.3, 3.0])
def test_the_reward_is_speed_in_the_direction_less_drift(env, push):
  env.reset(seed=0)
  ant = env.unwrapped
  ant.direction = np.array([0.0, 1.0])
  ant.data.qvel[:2] = [-0.4, push]
  before = ant.data.qpos[:2].copy()
  action = np.full(8, 0.5, np.float32)
  _, reward, terminated, truncated, info = env.step(action)
  east, north = (ant.data.qpos[:2] - before) / 0.1
  assert (north > 1.5) == (push == 3)
  assert east < -0.1
  assert info["speed"] == pytest.approx(north)
  assert reward == pytest.approx(min(north, 1.5) + east / 2 + 0.5 - 0.02 * 8 * 0.25)
  assert not terminated
  assert not truncated


def test_an_ant_on_its_back_ends_the_episode(env):
  env.reset(seed=0)
  env.unwrapped.set_state(np.array([0, 0, 0.6, 0, 1, 0, 0, *[0] * 8]), np.zeros(14))
  assert env.step(np.zeros(8, np.float32))[2]


def test_directions_change_now_and_then_and_the_time_limit_ends_an_episode(env):
  env.reset(seed=0)
  directions = []
  truncated = False
  while not truncated:
    _, _, terminated, truncated, _ = env.step(np.zeros(8, np.float32))
    assert not terminated
    directions.append(tuple(env.unwrapped.direction))
  assert len(directions) == 500
  assert len(set(directions)) == pytest.approx(1 + 0.02 * 500, abs=9)


def test_it_takes_no_options(env):
  with pytest.raises(UserError, match="was given start"):
    env.reset(options={"start": [0, 0]})
