"""The paper's settings, as Table 5, App. C.1 and the released code have them."""

import pytest

from dmg_jax import tasks


def test_the_papers_settings_for_locomotion():
  expected = {
    "lam": 0.25,
    "nu": 0.1,
    "q_coefficient": 1.0,
    "expectile": 0.7,
    "inverse_temperature": 3.0,
    "value_temperature": 1.0,
    "weight_clip": 3.0,
    "discount": 0.99,
    "reward_scale": 1.0,
    "target_rate": 0.005,
    "smoothing_noise": 0.2,
    "smoothing_clip": 0.5,
    "actor_learning_rate": 3e-4,
    "critic_learning_rate": 3e-4,
    "value_learning_rate": 3e-4,
    "actor_schedule_steps": 500_000.0,
    "batch_size": 256,
    "policy_delay": 2,
    "lower_confidence_bound": False,
    "averaged_policy": False,
    "actor_hidden_sizes": (256, 256),
    "critic_hidden_sizes": (256, 256),
    "value_hidden_sizes": (256, 256),
    "critics": 2,
    "actor_layer_norm": False,
    "critic_layer_norm": False,
    "value_layer_norm": False,
  }
  assert tasks.paper_point("hopper-medium-v2") == expected


def test_the_papers_settings_for_antmaze_differ_in_these_alone():
  locomotion, antmaze = (tasks.paper_point(f"{name}-v2") for name in ("hopper", "antmaze-umaze"))
  different = {name: value for name, value in antmaze.items() if value != locomotion[name]}
  assert different == {
    "nu": 0.5,
    "expectile": 0.9,
    "inverse_temperature": 10.0,
    "weight_clip": 100.0,
  }


@pytest.mark.parametrize(
  ("name", "value"),
  [
    ("hopper-expert-v2", 10.0),
    ("hopper-medium-expert-v2", 10.0),
    ("dmg/hopper/medium-expert-v0", 10.0),
    ("hopper_medium_expert", 10.0),
    ("halfcheetah_expert", 10.0),
    ("Walker2d_Expert_v1", 10.0),
    ("expert", 10.0),
    ("hopper-medium-v2", 0.1),
    ("hopper_medium_replay", 0.1),
    ("dmg/hopper/full-replay-v0", 0.1),
    ("inexpert", 0.1),
    ("antmaze-umaze-v2", 0.5),
  ],
)
def test_nu_follows_the_tier(name, value):
  assert tasks.nu(name, tasks.LOCOMOTION)[0] == value
  assert tasks.nu(name, tasks.ANTMAZE)[0] == 0.5


def test_a_name_without_a_tier_says_so():
  assert "not known" in tasks.nu("mine", tasks.LOCOMOTION)[1]
  assert "not known" not in tasks.nu("hopper_medium", tasks.LOCOMOTION)[1]
