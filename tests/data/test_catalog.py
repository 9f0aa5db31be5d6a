"""Which simulator and which reference returns belong to a name."""

import gymnasium
import pytest

from dmg_jax.data import catalog


@pytest.mark.parametrize(
  ("name", "env_id"),
  [
    ("hopper-medium-replay-v2", "Hopper-v4"),
    ("walker2d-random-v2", "Walker2d-v4"),
    ("antmaze-umaze-v2", "dmg_jax/AntMaze-UMaze-v0"),
    ("antmaze-umaze-diverse-v2", "dmg_jax/AntMaze-UMaze-v0"),
    ("antmaze-medium-play-v2", "dmg_jax/AntMaze-Medium-v0"),
    ("antmaze-large-diverse-v2", "dmg_jax/AntMaze-Large-v0"),
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
    assert catalog.reference_returns(env_id) == (file.reference_min, file.reference_max)


@pytest.mark.parametrize(
  ("env_id", "reference"),
  [
    ("dmg_jax/AntMaze-Medium-v0", (0, 1)),
    ("Hopper-v5", (-20.272305, 3234.3)),
    ("AntMaze_Medium-v4", None),  # Gymnasium-Robotics', whose returns are no success rates
    ("other/Hopper-v4", None),
    ("Ant-v4", None),
  ],
)
def test_reference_returns(env_id, reference):
  assert catalog.reference_returns(env_id) == reference
