"""What a config may say, and what is filled in from the data."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from conftest import make_transitions

from dmg_jax.data import dataset as data_set
from dmg_jax.errors import UserError
from dmg_jax.experiments import settings

CONFIGS = Path(__file__).parents[2] / "configs"


def make_config(domain="mujoco", dataset="", **changes):
  config = runpy.run_path(str(CONFIGS / f"{domain}.py"))["get_config"](dataset).to_dict()
  assert set(changes) <= set(config)
  return config | changes


def make_dataset(name="unknown", kind="npz", env_id=None, rows=300):
  return data_set.build(
    make_transitions(rows), name=name, kind=kind, env_id=env_id, episode_returns=np.zeros(1)
  )


def test_the_papers_settings():
  """Table 5, App. C and the released code."""
  job = settings.resolve(make_config(), make_dataset("hopper-medium-v2", "d4rl", "Hopper-v4"))
  expected = {
    "lam": 0.25,
    "nu": 0.1,
    "expectile": 0.7,
    "inverse_temperature": 3.0,
    "weight_clip": 3.0,
    "discount": 0.99,
    "target_rate": 0.005,
    "batch_size": 256,
    "policy_delay": 2,
    "steps": 1_000_000,
    "seeds": 5,
    "evaluation_interval": 20_000,
    "evaluation_episodes": 10,
    "actor_schedule_steps": 500_000,
    "hidden_sizes": [256, 256],
    "actor_learning_rate": 3e-4,
    "env": "Hopper-v4",
  }
  assert {name: job.config[name] for name in expected} == expected
  assert {"nu", "steps", "env", "evaluation_interval", "target_rate"} == set(job.reasons)
  assert job.hyperparameters().lam.shape == (5,)
  assert job.seeds() == [0, 1, 2, 3, 4]


def test_the_papers_settings_for_antmaze_differ_in_these_alone():
  """Table 5, App. C and the released code."""
  locomotion = settings.resolve(make_config(), make_dataset("hopper-medium-v2", "d4rl"))
  data = make_dataset("antmaze-umaze-v2", "d4rl", "dmg_jax/AntMaze-UMaze-v0")
  config = make_config("antmaze", data.name)
  settings.check(config)
  job = settings.resolve(config, data)
  assert set(job.config) == set(locomotion.config)
  assert job.reasons == {"env": "named by the data"}
  different = {
    name: value for name, value in job.config.items() if value != locomotion.config[name]
  }
  assert different == {
    "dataset": "antmaze-umaze-v2",
    "env": "dmg_jax/AntMaze-UMaze-v0",
    "nu": 0.5,
    "expectile": 0.9,
    "inverse_temperature": 10.0,
    "weight_clip": 100.0,
    "reward_shift": -1.0,
    "normalise_observations": False,
    "evaluation_interval": 50_000,
    "evaluation_episodes": 100,
  }


def test_antmaze_without_a_data_set_is_one_line_that_names_one():
  with pytest.raises(UserError, match=r"configs/antmaze\.py:antmaze-umaze-v2") as error:
    settings.check(make_config("antmaze"))
  assert "\n" not in str(error.value)
  settings.check(make_config("antmaze") | {"dataset": "mine.hdf5"})


@pytest.mark.parametrize(
  ("env", "env_id"),
  [
    (None, "dmg_jax/AntMaze-Large-v0"),
    ("none", "dmg_jax/AntMaze-Large-v0"),
    ("dmg_jax/AntMaze-UMaze-v0", None),
  ],
)
def test_antmaze_data_under_other_settings_are_told_of_their_own(env, env_id):
  job = settings.resolve(make_config(env=env), make_dataset("mine", env_id=env_id))
  assert job.config["nu"] == 0.5
  assert "configs/antmaze.py" in job.reasons["nu"]


def test_the_embedded_data_depart_from_the_paper_in_what_few_steps_need():
  data = make_dataset("dmg/hopper/medium-replay-v0", "embedded", "Hopper-v4")
  job = settings.resolve(make_config(), data)
  paper = settings.resolve(
    make_config(), make_dataset("hopper-medium-replay-v2", "d4rl", "Hopper-v4")
  )
  different = {name for name in job.config if job.config[name] != paper.config[name]}
  assert different == {"dataset", "steps", "evaluation_interval", "target_rate"}
  assert job.config["target_rate"] == 0.05
  assert "the paper's is 0.005" in job.reasons["target_rate"]


@pytest.mark.parametrize(
  ("domain", "kind"), [("mujoco", "d4rl"), ("mujoco", "embedded"), ("antmaze", "d4rl")]
)
def test_all_intervals_share_one_compilation(domain, kind):
  config = settings.resolve(
    make_config(domain), make_dataset("hopper-medium-v2", kind, "Hopper-v4")
  ).config
  for name in ("steps", "evaluation_interval", "checkpoint_interval"):
    assert config[name] % config["log_interval"] == 0


@pytest.mark.parametrize(
  ("name", "nu"),
  [
    ("hopper-medium-v2", 0.1),
    ("halfcheetah-medium-replay-v2", 0.1),
    ("walker2d-random-v2", 0.1),
    ("hopper-medium-expert-v2", 10.0),
    ("hopper-expert-v2", 10.0),
    ("mujoco/hopper/expert-v0", 10.0),
    ("dmg/hopper/medium-replay-v0", 0.1),
  ],
)
def test_nu_follows_the_name(name, nu):
  job = settings.resolve(make_config(), make_dataset(name))
  assert job.config["nu"] == nu
  assert "the paper's" in job.reasons["nu"]


@pytest.mark.parametrize("name", ["mine", "experts-v1", "inexpert-data", "hopper"])
def test_an_unknown_name_takes_a_tenth_and_says_so(name):
  job = settings.resolve(make_config(), make_dataset(name))
  assert job.config["nu"] == 0.1
  assert "not known" in job.reasons["nu"]


def test_an_override_wins_over_the_name():
  job = settings.resolve(make_config(nu=2.0, steps=10), make_dataset("hopper-expert-v2"))
  assert (job.config["nu"], job.config["steps"]) == (2.0, 10)
  assert not {"nu", "steps"} & set(job.reasons)


def test_data_without_a_simulator_train_without_one():
  job = settings.resolve(make_config(), make_dataset())
  assert job.config["env"] == settings.NO_ENVIRONMENT


def test_the_digest_ignores_only_what_may_grow():
  dataset = make_dataset()
  base = settings.resolve(make_config(), dataset).digest()
  assert settings.resolve(make_config(steps=20), dataset).digest() == base
  assert settings.resolve(make_config(lam=0.3), dataset).digest() != base
  assert settings.resolve(make_config(), make_dataset(rows=301)).digest() != base


@pytest.mark.parametrize(
  ("field", "value"),
  [
    ("reward_shift", float("nan")),
    ("reward_shift", float("-inf")),
    ("lam", -0.1),
    ("lam", 1.1),
    ("lam", float("nan")),
    ("nu", -1.0),
    ("nu", float("inf")),
    ("q_coefficient", -1.0),
    ("expectile", 0.0),
    ("expectile", 1.0),
    ("discount", 1.5),
    ("target_rate", 2.0),
    ("inverse_temperature", -1.0),
    ("actor_schedule_steps", 0.0),
    ("seeds", 0),
    ("first_seed", -1),
    ("first_seed", 2**32),
    ("steps", 0),
    ("steps", 7),
    ("log_interval", 3),
    ("evaluation_interval", 5),
    ("checkpoint_interval", 0),
    ("evaluation_episodes", 0),
    ("batch_size", 0),
    ("policy_delay", 0),
    ("hidden_sizes", ()),
    ("hidden_sizes", (256, 0)),
    ("precision", "float8"),
  ],
)
def test_a_bad_value_is_one_line_that_names_its_field(field, value):
  with pytest.raises(UserError) as error:
    settings.check(make_config(**{field: value}))
  message = str(error.value)
  assert message.startswith(f"config.{field} is ")
  assert "must be" in message
  assert "\n" not in message


def test_the_ends_of_the_ranges_are_allowed():
  settings.check(make_config(lam=0.0, nu=0.0, discount=1.0, actor_schedule_steps=float("inf")))
  settings.check(make_config(lam=1.0, target_rate=1.0))


def test_a_batch_larger_than_the_data():
  with pytest.raises(UserError, match=r"config.batch_size is 256, more than the 100 transitions"):
    settings.resolve(make_config(), make_dataset(rows=100))
