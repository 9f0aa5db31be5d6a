"""The ball moves as Gymnasium-Robotics' does, by D4RL's rules."""

import gymnasium
import numpy as np
import pytest

from dmg_jax.envs.make import make, spaces
from dmg_jax.envs.point_maze import PointMaze
from dmg_jax.errors import UserError


def push(env: PointMaze, action, steps: int) -> tuple:
  for _ in range(steps):
    outcome = env.step(np.array(action, np.float32))
  return outcome


@pytest.mark.parametrize(
  ("name", "goal", "steps"),
  [("UMaze", [0, 2], 300), ("Medium", [5, 5], 600), ("Large", [8, 6], 800)],
)
def test_mazes_are_ant_mazes_in_cells_of_a_metre(name, goal, steps):
  env = make(f"dmg_jax/PointMaze-{name}-v0")
  observation, info = env.reset(seed=0)
  np.testing.assert_array_equal(info["goal"], goal)
  assert observation.shape == (4,)
  assert spaces(env).observation_size == 4
  np.testing.assert_array_equal(env.action_space.low, [-1, -1])
  assert gymnasium.spec(f"dmg_jax/PointMaze-{name}-v0").max_episode_steps == steps


# What PointMaze of gymnasium-robotics 1.4.2 gives, its y mirrored and its start at (0, 0).
@pytest.mark.parametrize(
  ("action", "steps", "expected"),
  [
    ([1.0, 0.0], 1, [0.0023816384, 0.0, 0.23816384, 0.0]),
    ([0.5, 0.25], 40, [0.946911061, 0.400676971, 4.54858993, -0.152049485]),
    ([1.0, 0.5], 70, [2.397082, 0.93594658, -0.0201682689, 3.44610151]),
  ],
)
def test_the_ball_moves_as_gymnasium_robotics_does(action, steps, expected):
  env = PointMaze("umaze")
  env.reset(options={"start": [0, 0]})
  observation, *_ = push(env, action, steps)
  np.testing.assert_allclose(observation, expected, atol=1e-7)


def test_an_episode_ends_with_a_reward_of_1_within_half_a_metre_of_the_goal():
  env = PointMaze("umaze")
  env.reset(options={"start": [1.0, 2.0]})
  rewards, distances, terminated = [], [], False
  while not terminated:
    observation, reward, terminated, truncated, _ = env.step(np.array([-0.5, 0], np.float32))
    rewards.append(reward)
    distances.append(np.hypot(*(observation[:2] - [0, 2])))
    assert not truncated
  assert rewards == [0.0] * (len(rewards) - 1) + [1.0]
  assert min(distances[:-1]) > 0.5 >= distances[-1]


def test_a_seed_decides_the_start_and_with_it_the_episode():
  env = PointMaze("medium")
  starts = [env.reset(seed=seed)[0] for seed in (1, 2, 1)]
  np.testing.assert_array_equal(starts[0], starts[2])
  assert not np.array_equal(starts[0], starts[1])
  many = np.array([env.reset(seed=seed)[0] for seed in range(200)])
  np.testing.assert_array_equal(many[:, 2:], 0)
  assert np.abs(many[:, :2]).max() == pytest.approx(0.25, abs=0.01)


def test_an_episode_does_not_depend_on_the_one_before():
  env = PointMaze("umaze")

  def play():
    env.reset(options={"start": [2, 1]})
    return push(env, [1, 0.3], 60)[0]

  expected = play()
  push(env, [-1, -1], 50)
  np.testing.assert_array_equal(play(), expected)


def test_start_and_goal_may_be_given_for_an_episode():
  env = PointMaze("umaze")
  observation, info = env.reset(seed=0, options={"start": [1.9, 1.1], "goal": [2.1, 1.0]})
  np.testing.assert_array_equal(observation, [1.9, 1.1, 0, 0])
  np.testing.assert_array_equal(info["goal"], [2.1, 1.0])
  assert push(env, [0, 0], 1)[1:3] == (1.0, True)
  np.testing.assert_array_equal(env.reset(seed=0)[1]["goal"], [0, 2])


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"start": [0.0, 1.0]}, "the start .* lies in a wall"),
    ({"goal": [9.0, 1.0]}, "outside of the maze"),
    ({"velocity": [0.0, 1.0]}, "no option 'velocity'"),
  ],
)
def test_bad_options_are_one_line(options, message):
  with pytest.raises(UserError, match=message):
    PointMaze("umaze").reset(options=options)


def test_bad_names_and_actions_are_one_line():
  with pytest.raises(UserError, match="PointMaze has umaze, medium, large"):
    PointMaze("giant")
  env = PointMaze("umaze")
  env.reset(seed=0)
  with pytest.raises(UserError, match=r"\(2,\), not \(3,\)"):
    env.step(np.zeros(3))
