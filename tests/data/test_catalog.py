"""Which simulator and which reference returns belong to a name."""

import gymnasium
import numpy as np
import pytest

from dmg_jax.data import catalog
from dmg_jax.envs.make import make, spaces


@pytest.mark.parametrize(
  ("name", "env_id"),
  [
    ("hopper-medium-replay-v2", "Hopper-v4"),
    ("walker2d-random-v2", "Walker2d-v4"),
    ("antmaze-umaze-v2", "dmg_jax/AntMaze-UMaze-v0"),
    ("antmaze-umaze-diverse-v2", "dmg_jax/AntMaze-UMaze-v0"),
    ("antmaze-medium-play-v2", "dmg_jax/AntMaze-Medium-v0"),
    ("antmaze-large-diverse-v2", "dmg_jax/AntMaze-Large-v0"),
    ("ant-medium-v2", "Ant-v4"),
    ("antmaze-ultra-play-v2", None),
    ("hopper", None),
  ],
)
def test_the_simulator_of_a_d4rl_name(name, env_id):
  assert catalog.d4rl_env_id(name) == env_id


def test_every_d4rl_name_has_a_simulator_with_its_step_limit_and_reference():
  for name, file in catalog.d4rl_files().items():
    env_id = catalog.d4rl_env_id(name)
    assert gymnasium.spec(env_id).max_episode_steps == catalog.d4rl_step_limit(name)
    reference = catalog.reference_returns(env_id)
    # Of Ant-v4, the id does not tell whether it is D4RL's.
    expected = None if env_id == "Ant-v4" else (file.reference_min, file.reference_max)
    assert reference == expected


def test_the_simulator_of_d4rls_ant_observes_111_numbers_and_no_contact_forces():
  assert catalog.d4rl_env_kwargs("hopper-medium-v2") == {}
  assert catalog.d4rl_env_kwargs("ant") == {}
  env = make("Ant-v4", catalog.d4rl_env_kwargs("ant-medium-replay-v2"))
  assert spaces(env).observation_size == 111
  observation, _ = env.reset(seed=0)
  touched = False
  for _ in range(30):
    observation, _, _, _, info = env.step(np.zeros(8))
    touched |= bool(np.any(env.unwrapped.data.cfrc_ext != 0))
    # As in D4RL's files, see its issue 143: nothing is observed of forces, and nothing paid.
    np.testing.assert_array_equal(observation[27:], 0)
    assert info["reward_ctrl"] == 0
  assert touched


@pytest.mark.parametrize(
  ("env_id", "reference"),
  [
    ("dmg_jax/AntMaze-Medium-v0", (0, 1)),
    ("Hopper-v4", (-20.272305, 3234.3)),
    ("HalfCheetah-v2", (-280.178953, 12135.0)),
    ("Walker2d-v3", (1.629008, 4592.3)),
    ("Hopper-v5", None),  # other rewards
    ("Hopper-v10", None),
    ("Hopper", None),  # Gymnasium takes the latest version
    ("hopper-v4", None),
    ("dmg_jax/PointMaze-Medium-v0", None),
    ("AntMaze_Medium-v4", None),  # Gymnasium-Robotics', whose returns are no success rates
    ("other/Hopper-v4", None),
    ("Ant-v4", None),
  ],
)
def test_reference_returns(env_id, reference):
  assert catalog.reference_returns(env_id) == reference


@pytest.mark.parametrize(
  ("env_id", "reference", "name"),
  [
    ("Hopper-v4", (-20.272305, 3234.3), "D4RL-normalised score"),
    ("dmg_jax/AntMaze-UMaze-v0", (0.0, 1.0), "D4RL-normalised score"),
    ("dmg_jax/PointMaze-UMaze-v0", (0.0, 1.0), "success rate (%)"),
    ("Hopper-v5", (-20.272305, 3234.3), "normalised score"),
    ("Pendulum-v1", (1.0, 2.0), "normalised score"),
    (None, (0.0, 1.0), "normalised score"),
  ],
)
def test_what_a_score_is_called(env_id, reference, name):
  assert catalog.score_name(env_id, reference) == name
