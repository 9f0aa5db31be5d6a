"""Robots that start in states of the data, and robots in changed worlds."""

import gymnasium
import numpy as np
import pytest

from dmg_jax.envs.make import make
from dmg_jax.envs.robots import CHANGED, PHYSICS, STARTED, ChangedRobot, check_robot, recoverable
from dmg_jax.errors import UserError

ROBOTS = ("Hopper-v4", "Walker2d-v4", "HalfCheetah-v4")


def played(env: gymnasium.Env, steps: int, strength: float = 1.0) -> dict[str, np.ndarray]:
  """Rows of random play, from several episodes."""
  generator = np.random.default_rng(0)
  rows = []
  observation, _ = env.reset(seed=0)
  for step in range(steps):
    action = strength * generator.uniform(-1, 1, env.action_space.shape).astype(np.float32)
    following, reward, terminated, _, _ = env.step(action)
    rows.append((observation, action, reward, following))
    observation = env.reset(seed=step)[0] if terminated else following
  names = ("observations", "actions", "rewards", "next_observations")
  return {name: np.array([row[place] for row in rows]) for place, name in enumerate(names)}


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_state_is_recovered_from_its_observation(robot):
  """One step from it gives the data's next observation and reward."""
  rows = played(make(robot), 200)
  known = np.flatnonzero(recoverable(robot, rows["observations"]))
  assert len(known) > 30
  started = {"robot": robot, "robot_kwargs": {}, "starts": rows["observations"].tolist()}
  env = make(STARTED, started)
  for row in known:
    np.testing.assert_array_equal(env.reset(seed=int(row))[0], rows["observations"][row])
    observation, reward, _, _, _ = env.step(rows["actions"][row])
    np.testing.assert_allclose(observation, rows["next_observations"][row], rtol=0, atol=1e-10)
    assert reward == pytest.approx(rows["rewards"][row], rel=0, abs=1e-10)


def test_a_start_forgets_what_was_played_before():
  rows = played(make("Walker2d-v4"), 20)
  arguments = {"robot": "Walker2d-v4", "robot_kwargs": {}, "starts": rows["observations"].tolist()}
  env, fresh = make(STARTED, arguments), make(STARTED, arguments)
  played(env, 50)
  for one in (env, fresh):
    one.reset(seed=10)
  for action in rows["actions"]:
    np.testing.assert_array_equal(env.step(action)[0], fresh.step(action)[0])


def test_started_episodes_have_no_time_limit():
  arguments = {"robot": "HalfCheetah-v4", "robot_kwargs": {"max_episode_steps": 3}}
  env = make(STARTED, {**arguments, "starts": np.zeros((1, 17)).tolist()})
  env.reset(seed=0)
  assert not any(env.step(np.zeros(6, np.float32))[3] for _ in range(10))


def test_a_cut_velocity_hides_the_state():
  """Hopper shows +-10 at most, the half-cheetah all."""
  rows = np.zeros((3, 11))
  rows[1, -1], rows[2, 5] = -10.0, 9.9
  assert recoverable("Hopper-v4", rows).tolist() == [True, False, True]
  assert recoverable("HalfCheetah-v4", np.full((2, 17), 30.0)).all()
  assert recoverable("Walker2d-v4", np.eye(17) * 10).tolist() == [True] * 8 + [False] * 9


def numbers(env: gymnasium.Env) -> dict[str, np.ndarray]:
  model = env.unwrapped._inner.model
  return {
    "gravity": model.opt.gravity.copy(),
    "mass": np.concatenate([model.body_mass, model.body_inertia.ravel()]),
    "friction": model.geom_friction.copy(),
    "motor": model.actuator_gear.copy(),
  }


@pytest.mark.parametrize("robot", ROBOTS)
def test_each_change_multiplies_its_numbers_and_no_other(robot):
  def changed(factors):
    return make(CHANGED, {"robot": robot, "robot_kwargs": {}, "factors": factors})

  plain = changed({})
  for what in PHYSICS:
    env = changed({what: 1.5})
    for name, array in numbers(env).items():
      factor = 1.5 if name == what else 1.0
      np.testing.assert_array_equal(array, factor * numbers(plain)[name])
      assert array.any()
    assert not np.array_equal(
      played(env, 20)["next_observations"], played(plain, 20)["next_observations"]
    ), what


def test_a_heavier_robot_has_other_solver_scales():
  """Of the two slides; the hinges' are ruled by their armature."""
  model = ChangedRobot("Hopper-v4", {}, {"mass": 2.0})._inner.model
  plain = ChangedRobot("Hopper-v4", {}, {})._inner.model
  np.testing.assert_allclose(model.dof_invweight0[:2], plain.dof_invweight0[:2] / 2, rtol=0.05)


@pytest.mark.parametrize("robot", ROBOTS)
def test_no_change_changes_no_bit(robot):
  factors = dict.fromkeys(PHYSICS, 1.0)
  changed = make(CHANGED, {"robot": robot, "robot_kwargs": {}, "factors": factors})
  for name, column in played(changed, 60).items():
    np.testing.assert_array_equal(column, played(make(robot), 60)[name])


def test_a_changed_robot_keeps_its_time_limit():
  arguments = {"robot": "HalfCheetah-v4", "robot_kwargs": {"max_episode_steps": 3}, "factors": {}}
  env = make(CHANGED, arguments)
  env.reset(seed=0)
  assert [env.step(np.zeros(6, np.float32))[3] for _ in range(3)] == [False, False, True]


def test_bad_input_is_one_line():
  for factors in ({"colour": 1.0}, {"mass": 0.0}, {"gravity": float("nan")}):
    with pytest.raises(UserError, match="gravity, mass, friction, motor") as told:
      ChangedRobot("Hopper-v4", {}, factors)
    assert "\n" not in str(told.value)
  for env_id in ("Ant-v4", "Hopper-v3", "Pendulum-v1"):
    with pytest.raises(UserError, match=r"cannot be set .* takes Hopper, Walker2d and HalfCheetah"):
      check_robot(env_id)
  kwargs = {"exclude_current_positions_from_observation": False}
  with pytest.raises(UserError, match="whole state"):
    ChangedRobot("Hopper-v4", kwargs, {})
