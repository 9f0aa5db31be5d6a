"""What a task takes from the data's environment, and what not where the user names another."""

import numpy as np
import pytest

from dmg_jax.data import dataset as data_set
from dmg_jax.errors import UserError
from dmg_jax.experiments import preparation, settings
from dmg_jax.types import Transitions

D4RL = (-20.272305, 3234.3)
CONTACTS = {"use_contact_forces": True}
CONFIG = {
  "family": "locomotion",
  "env": None,
  "env_kwargs": None,
  "step_limit": None,
  "normalise_observations": None,
  "clip_actions": False,
  "reward_shift": None,
}


def made(env_id=None, reference=None, env_kwargs=None, largest=1.0):
  transitions = Transitions(
    observations=np.zeros((3, 2), np.float32),
    actions=np.float32([[0, 0], [0, -largest], [0.5, 0]]),
    rewards=np.ones(3, np.float32),
    next_observations=np.ones((3, 2), np.float32),
    not_dones=np.ones(3, np.float32),
  )
  return data_set.build(
    transitions,
    name="mine",
    kind="d4rl",
    episode_returns=np.ones(1),
    env_id=env_id,
    env_kwargs=env_kwargs,
    reference=reference,
  )


def task(dataset, **changes):
  return settings._task({**CONFIG, **changes}, "mine.hdf5", dataset)


@pytest.mark.parametrize(
  ("env", "reference"),
  [
    (None, D4RL),
    ("Hopper-v4", D4RL),
    ("Hopper-v5", None),  # -v5 has other rewards
    ("Walker2d-v4", (1.629008, 4592.3)),
    ("none", D4RL),
  ],
)
def test_scores_of_another_simulator_are_not_on_the_datas_scale(env, reference):
  assert task(made("Hopper-v4", D4RL), env=env).reference == reference


def test_other_arguments_are_on_no_scale_of_the_datas():
  """They may change the rewards, and how long an episode is."""
  hopper, ant = made("Hopper-v4", D4RL), made("Ant-v4", (-325.6, 3879.7), CONTACTS)
  assert task(hopper, env_kwargs={"healthy_reward": 9}).reference is None
  assert task(hopper, env_kwargs={}).reference == D4RL
  assert task(ant, env_kwargs={}).reference is None
  assert task(ant, env_kwargs=dict(CONTACTS)).reference == (-325.6, 3879.7)


def test_arguments_belong_to_the_datas_own_environment():
  ant = made("Ant-v4", (-325.6, 3879.7), CONTACTS)
  assert task(ant).env_kwargs == CONTACTS
  assert task(ant, env_kwargs={"frame_skip": 2}).env_kwargs == {"frame_skip": 2}
  assert task(ant, env="Ant-v5").env_kwargs == {}


def test_without_a_simulator_the_assumed_box_is_named():
  unbounded = made(largest=1.5)
  with pytest.raises(
    UserError, match=r"\[-1, 1\], which is assumed .*\(action_low and action_high"
  ):
    preparation.prepare(task(unbounded), unbounded)
  bounded = unbounded._replace(action_low=-np.full(2, 2.0), action_high=np.full(2, 2.0))
  scaling = preparation.prepare(task(bounded), bounded).scaling
  np.testing.assert_array_equal(scaling.action_scale, [2, 2])
