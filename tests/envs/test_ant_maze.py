"""AntMaze: D4RL's rules, and OGBench's ant, step for step."""

import runpy
import sys

import gymnasium
import numpy as np
import pytest

from dmg_jax.envs import ant_maze
from dmg_jax.envs.make import make
from dmg_jax.errors import UserError

IDS = {
  "umaze": "dmg_jax/AntMaze-UMaze-v0",
  "medium": "dmg_jax/AntMaze-Medium-v0",
  "large": "dmg_jax/AntMaze-Large-v0",
}
REST = np.array([0, 0, 0.75, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

needs_ogbench = pytest.mark.skipif(
  ant_maze.find_spec("ogbench") is None, reason="the extra `antmaze` is not installed"
)


def stepped(env, positions, velocities, actions) -> np.ndarray:
  """Observations (T, 29) after each of T actions, from a state."""
  env.unwrapped.set_state(positions, velocities)
  return np.array([env.step(action)[0] for action in actions])


@needs_ogbench
@pytest.mark.parametrize("seed", range(3))
def test_the_ant_is_ogbenchs(seed):
  """Before it meets a wall; from a random state, under torques of which some leave the box."""
  theirs = runpy.run_path(str(ant_maze.ant_file().parents[1] / "ant.py"))["AntEnv"]()
  ours = make(IDS["large"])
  ours.reset(seed=seed)
  generator = np.random.default_rng(seed)
  positions = REST + generator.uniform(-0.1, 0.1, 15)
  velocities = generator.normal(size=14)
  actions = generator.uniform(-1.2, 1.2, (40, 8))
  expected = stepped(theirs, positions, velocities, actions)
  np.testing.assert_array_equal(stepped(ours, positions, velocities, actions), expected)
  assert np.abs(expected[-1, :2]).max() > 0.05


@needs_ogbench
@pytest.mark.parametrize("name", ["medium", "large"])
def test_the_walls_are_ogbenchs(name):
  """Thrown at the wall on its left, the ant bounces off in both."""
  maze = pytest.importorskip("ogbench.locomaze.maze")
  theirs = maze.make_maze_env("ant", "maze", maze_type=name)
  ours = make(IDS[name])
  for env in (ours, theirs):
    env.reset(seed=0)
  positions, velocities = REST.copy(), np.zeros(14)
  positions[0], velocities[0] = -0.8, -5.0
  actions = np.random.default_rng(0).uniform(-1, 1, (20, 8))
  expected = stepped(theirs, positions, velocities, actions)
  np.testing.assert_array_equal(stepped(ours, positions, velocities, actions), expected)
  assert expected[:, 0].min() > -2
  assert expected[:, 15].max() > 0


@needs_ogbench
@pytest.mark.parametrize(("name", "limit"), [("umaze", 700), ("medium", 1000), ("large", 1000)])
def test_an_episode_is_cut_at_the_step_limit(name, limit):
  env = make(IDS[name])
  assert gymnasium.spec(IDS[name]).max_episode_steps == limit
  observation, _ = env.reset(seed=0)
  assert observation.shape == (29,)
  assert observation.dtype == np.float64
  ends = [env.step(np.zeros(8, np.float32))[1:4] for _ in range(limit)]
  assert ends == [(0.0, False, False)] * (limit - 1) + [(0.0, False, True)]


@needs_ogbench
def test_the_goal_terminates_at_half_a_metre():
  """The ant rests, and its distance after the step counts."""
  for distance, reached in ((0.499, True), (0.501, False)):
    env = make(IDS["umaze"]).unwrapped
    env.reset(options={"goal": (4.0, 0.0)})
    env.set_state(REST, np.zeros(14))
    observation = env.step(np.zeros(8))[0]
    env.goal = observation[:2] + distance * np.array([0.6, -0.8])
    env.set_state(REST, np.zeros(14))
    assert env.step(np.zeros(8))[1:4] == (float(reached), reached, False)


@needs_ogbench
def test_a_fallen_ant_goes_on():
  env = make(IDS["umaze"])
  env.reset(seed=0)
  upside_down = REST.copy()
  upside_down[2:7] = 0.3, 0, 1, 0, 0
  env.unwrapped.set_state(upside_down, np.zeros(14))
  assert [env.step(np.zeros(8, np.float32))[2] for _ in range(20)] == [False] * 20


@needs_ogbench
def test_start_and_goal_keep_to_d4rls_bounds_and_fill_them():
  env = make(IDS["umaze"]).unwrapped
  env.reset(seed=0)
  observations, goals = [], []
  for _ in range(500):
    observation, info = env.reset()
    np.testing.assert_array_equal(info["goal"], env.goal)
    observations.append(observation)
    goals.append(info["goal"])
  goals, starts = np.array(goals), np.array(observations)
  assert (goals >= [0, 8]).all()
  assert (goals <= [1.5, 9.5]).all()
  # U(0, 1) + U(0, 0.5): mean 0.75, standard deviation sqrt(1 / 12 + 1 / 48) = 0.3227.
  np.testing.assert_allclose(goals.mean(axis=0), [0.75, 8.75], atol=0.06)
  np.testing.assert_allclose(goals.std(axis=0), 0.3227, atol=0.04)
  np.testing.assert_allclose(np.linalg.norm(starts[:, 3:7], axis=1), 1)
  joints = [0, 1, 2, *range(7, 15)]
  offsets = starts[:, joints] - REST[joints]
  assert (np.abs(offsets) <= 0.1).all()
  np.testing.assert_allclose(offsets.std(axis=0), 0.2 / np.sqrt(12), rtol=0.15)
  np.testing.assert_allclose(starts[:, 15:].std(axis=0), 0.1, rtol=0.15)


@needs_ogbench
def test_a_goal_is_not_below_zero():
  """In a maze whose goal lies left of and below its start, D4RL clips it."""
  env = make(IDS["umaze"]).unwrapped
  env.maze = env.maze._replace(start=(3, 3))
  assert env.reset(seed=0)[1]["goal"][0] == 0
  assert 0 <= env.goal[1] <= 1.5


@needs_ogbench
def test_a_seed_decides_the_episode_whatever_came_before():
  def episode(env):
    observation, info = env.reset(seed=7)
    actions = np.random.default_rng(1).uniform(-1, 1, (30, 8))
    return [observation, *(env.step(action)[0] for action in actions)], info["goal"]

  env = make(IDS["medium"])
  first = episode(env)
  again = episode(env)
  other = episode(make(IDS["medium"]))
  for observations, goal in (again, other):
    np.testing.assert_array_equal(observations, first[0])
    np.testing.assert_array_equal(goal, first[1])
  observation, info = env.reset()
  assert not np.array_equal(observation, first[0][0])
  assert not np.array_equal(info["goal"], first[1])


@needs_ogbench
def test_options_choose_start_and_goal_and_draw_nothing_else_anew():
  env = make(IDS["umaze"])
  plain, _ = env.reset(seed=3)
  observation, info = env.reset(seed=3, options={"start": (8.0, 4.5), "goal": (4, 0)})
  np.testing.assert_array_equal(observation[:2], [8.0, 4.5])
  np.testing.assert_array_equal(observation[2:], plain[2:])
  np.testing.assert_array_equal(info["goal"], [4, 0])


@needs_ogbench
@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"begin": (0, 0)}, "reset has no option 'begin'; a maze knows start and goal"),
    ({"start": (0.0, 4.0)}, "umaze: the start \\[0.0, 4.0\\] lies in a wall"),
    ({"goal": (99.0, 0.0)}, "umaze: position \\[99.0, 0.0\\] is outside of the maze"),
    ({"goal": (1.0,)}, "umaze: position \\[1.0\\] is no \\(x, y\\)"),
  ],
)
def test_a_bad_option_is_one_line_and_moves_nothing(options, message):
  env = make(IDS["umaze"])
  env.reset(seed=0)
  goal = env.unwrapped.goal
  with pytest.raises(UserError, match=message) as error:
    env.reset(seed=1, options=options)
  assert "\n" not in str(error.value)
  np.testing.assert_array_equal(env.unwrapped.goal, goal)


@needs_ogbench
def test_an_action_of_another_shape_is_refused():
  env = make(IDS["umaze"])
  env.reset(seed=0)
  with pytest.raises(UserError, match=r"the ant's actions are \(8,\), not \(1,\)"):
    env.unwrapped.step(np.zeros(1))


def test_an_unknown_maze_is_refused():
  with pytest.raises(UserError, match="no maze 'ultra'; AntMaze has umaze, medium, large"):
    ant_maze.AntMaze("ultra")


def test_without_ogbench_one_line_names_the_extra(monkeypatch):
  ant_maze.load_model.cache_clear()
  monkeypatch.setitem(sys.modules, "ogbench", None)
  with pytest.raises(UserError, match=r"pip install 'dmg_jax\[antmaze\]'") as error:
    make(IDS["umaze"])
  assert "\n" not in str(error.value)


def test_an_ogbench_without_an_ant_is_one_line(monkeypatch, tmp_path):
  (tmp_path / "ogbench").mkdir()
  (tmp_path / "ogbench" / "__init__.py").touch()
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.delitem(sys.modules, "ogbench", raising=False)
  with pytest.raises(UserError, match=r"needs ogbench 1\.2 or later"):
    ant_maze.ant_file()


@needs_ogbench
def test_walls_touch_as_d4rls_do():
  """Boxes of 4 x 4 x 2 m on the floor, with the contact parameters of D4RL's model."""
  model = ant_maze.load_model("umaze")
  walls = [model.geom(place) for place in range(model.ngeom) if "wall" in model.geom(place).name]
  assert len(walls) == 18
  for wall in walls:
    np.testing.assert_array_equal(wall.size, [2, 2, 1])
    np.testing.assert_array_equal(wall.friction, [1, 0.5, 0.5])
    np.testing.assert_array_equal(wall.solref, [0.02, 1])
    np.testing.assert_array_equal(wall.solimp[:3], [0.8, 0.8, 0.01])
    assert (wall.contype, wall.conaffinity, wall.condim, wall.margin) == (1, 1, 3, 0.01)
  np.testing.assert_array_equal(model.geom("wall_2_1").pos, [0, 4, 1])
  np.testing.assert_array_equal(model.geom("wall_0_4").pos, [12, -4, 1])
