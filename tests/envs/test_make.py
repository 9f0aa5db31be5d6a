"""Simulators by name: their arguments, their spaces, and what is refused."""

import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
import toy_environments  # noqa: F401
from gymnasium.spaces import Box, Dict

from dmg_jax.envs.dict_observations import flat_box, join, order
from dmg_jax.envs.make import check_sizes, limited, make, read_kwargs, spaces
from dmg_jax.errors import UserError

PARTS = {
  "observation": Box(-9.0, 9.0, (2,), np.float32),
  "achieved_goal": Box(-1.0, 1.0, (1,), np.float64),
  "desired_goal": Box(0.0, 2.0, (1, 1), np.float32),
}


class Goals(gymnasium.Env):
  """A goal-conditioned task that shows the same numbers for ever."""

  observation_space = Dict(PARTS)
  action_space = Box(-1.0, 1.0, (1,))

  def reset(self, *, seed=None, options=None):
    super().reset(seed=seed)
    return {
      "observation": np.float32([3, 4]),
      "achieved_goal": np.array([0.5]),
      "desired_goal": np.float32([[2]]),
    }, {}

  def step(self, action):
    return self.reset()[0], 0.0, False, False, {}


@pytest.fixture
def goals():
  gymnasium.register("Goals-v3", Goals, max_episode_steps=5)
  yield "Goals-v3"
  gymnasium.registry.pop("Goals-v3")


def test_observations_in_named_parts_are_joined_in_sorted_order(goals):
  env = make(goals)
  observation, _ = env.reset(seed=0)
  np.testing.assert_array_equal(observation, [0.5, 2, 3, 4])
  np.testing.assert_array_equal(env.step(np.zeros(1))[0], [0.5, 2, 3, 4])
  assert spaces(env).observation_size == 4
  np.testing.assert_array_equal(env.observation_space.low, [-1, 0, -9, -9])
  np.testing.assert_array_equal(env.observation_space.high, [1, 2, 9, 9])
  assert env.observation_space.contains(observation)
  assert env.spec.id == goals
  assert order(Goals.observation_space) == "achieved_goal (1), desired_goal (1), observation (2)"


def test_data_and_simulator_are_joined_alike(goals):
  parts, _ = Goals().reset()
  stacked = {name: np.stack([value, 2 * value]) for name, value in parts.items()}
  joined = join(stacked, leading=1)
  observation, _ = make(goals).reset()
  np.testing.assert_array_equal(joined, [observation, 2 * observation])


def test_parts_that_are_no_boxes_are_refused():
  assert flat_box(Dict({})) is None
  assert flat_box(Dict({"a": gymnasium.spaces.Discrete(3)})) is None
  assert flat_box(PARTS["observation"]) is None


def test_arguments_reach_the_environment():
  env = make("Ant-v4", {"use_contact_forces": True, "max_episode_steps": 7})
  assert spaces(env).observation_size == 111
  assert env.spec.max_episode_steps == 7
  assert spaces(make("Ant-v4")).observation_size == 27


def test_a_deprecated_attribute_of_a_gymnasium_robot_is_not_told(capfd, tmp_path, monkeypatch):
  """MuJoCo 4 warns of HalfCheetah's `settotalmass`, on the terminal and in a file."""
  monkeypatch.chdir(tmp_path)
  with warnings.catch_warnings():
    warnings.simplefilter("error", RuntimeWarning)
    make("HalfCheetah-v4").close()
  out, err = capfd.readouterr()
  assert "settotalmass" not in out + err
  assert list(tmp_path.iterdir()) == []


def test_what_mujoco_tells_of_a_model_is_a_warning(monkeypatch):
  def told(env_id):
    mujoco.get_mju_user_warning()("a mass is too small")
    return gymnasium_make(env_id)

  gymnasium_make, former = gymnasium.make, mujoco.get_mju_user_warning()
  monkeypatch.setattr(gymnasium, "make", told)
  with pytest.warns(RuntimeWarning, match="MuJoCo: a mass is too small"):
    make("Hopper-v4").close()
  assert mujoco.get_mju_user_warning() is former


@pytest.mark.parametrize(
  ("env_id", "kwargs", "message"),
  [
    ("Hopper-v3", None, "'Hopper-v3' cannot be made"),
    ("Hopper-v99", {}, "'Hopper-v99' cannot be made"),
    ("hopper-v4", None, "Did you mean: `Hopper`"),
    ("Hopper", None, "the version is missing; write it out, such as Hopper-v"),
    ("", None, "'' cannot be made"),
    ("no_such:Thing-v0", None, "cannot be made: No module named 'no_such'"),
    ("Hopper-v4", {"lamda": 1}, r"with \{'lamda': 1\} cannot be made.*unexpected keyword"),
    ("Hopper-v4", {"max_episode_steps": 0}, "cannot be made"),
    ("dmg_jax/PointMaze-UMaze-v0", {"maze": "giant"}, "there is no maze 'giant'"),
    ("Pendulum-v1", {"render_mode": "human"}, "no picture is shown or kept; leave render_mode"),
    ("CartPole-v1", None, "actions must be a bounded continuous box"),
    ("Blackjack-v1", None, "observations must be a vector"),
  ],
)
def test_what_cannot_be_made_is_one_line(env_id, kwargs, message):
  with pytest.raises(UserError, match=message) as caught:
    make(env_id, kwargs)
  assert "\n" not in str(caught.value)


def test_sizes_are_compared():
  found = spaces(make("Hopper-v4"))
  check_sizes("mine", "Hopper-v4", found, 11, 3)
  with pytest.raises(UserError, match="observations have 17 numbers, but those of Hopper-v4 have"):
    check_sizes("mine", "Hopper-v4", found, 17, 3)
  with pytest.raises(UserError, match="actions have 1 numbers, but those of Hopper-v4 have 3"):
    check_sizes("mine", "Hopper-v4", found, 11, 1)


def test_arguments_are_a_json_object():
  assert read_kwargs('{"a": [0.0, 1], "b": true}') == {"a": [0.0, 1], "b": True}
  for text in ("", "a=1", "[]", "1", "{'a': 1}"):
    with pytest.raises(UserError, match="not a JSON object"):
      read_kwargs(text)


def test_an_environment_that_may_never_end_gets_the_limit_that_the_user_names():
  assert limited("Pendulum-v1", {"g": 9.0}, 5) == {"g": 9.0}
  kwargs = limited("toy/Endless-v0", {}, 5)
  env = make("toy/Endless-v0", kwargs)
  env.reset(seed=0)
  assert [env.step(np.float32([0]))[3] for _ in range(5)] == [False] * 4 + [True]
  for kwargs in ({}, {"max_episode_steps": -1}):
    with pytest.raises(UserError, match=r"never end; name one with --config\.step_limit=STEPS"):
      limited("toy/Endless-v0", kwargs, None)
