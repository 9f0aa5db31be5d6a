"""What a config may say, and what is filled in from the data."""

import math

import numpy as np
import pytest
from conftest import make_transitions
from small_jobs import make_config

from dmg_jax import methods, networks, plan, tasks
from dmg_jax.data import dataset as data_set
from dmg_jax.errors import UserError
from dmg_jax.experiments import fields, settings


def make_dataset(name="unknown", kind="npz", env_id=None, rows=300):
  return data_set.build(
    make_transitions(rows), name=name, kind=kind, env_id=env_id, episode_returns=np.zeros(1)
  )


def resolve(config, *datasets):
  return settings.resolve(config, {dataset.name: dataset for dataset in datasets})


def point(job):
  """The one point of a job's runs."""
  (first, *others) = [run.point for run in job.plan.runs]
  assert all(other == first for other in others)
  return first


def reason(job, field):
  (line,) = [line for line in job.reasons if line.startswith(field)]
  return line


def test_the_papers_settings():
  """Table 5, App. C and the released code."""
  job = resolve(make_config(), make_dataset("hopper-medium-v2", "d4rl", "Hopper-v4"))
  assert point(job) == tasks.paper_point("hopper-medium-v2")
  assert [run.seed for run in job.plan.runs] == [0, 1, 2, 3, 4]
  assert {run.label for run in job.plan.runs} == {"DMG"}
  expected = {"steps": 1_000_000, "evaluation_interval": 20_000, "evaluation_episodes": 10}
  assert {name: job.settings[name] for name in expected} == expected
  (task,) = job.plan.tasks
  assert (task.env, task.normalise_observations, task.reward_shift) == ("Hopper-v4", True, 0.0)
  assert job.reasons == (
    "nu of hopper-medium-v2: 0.1 (the paper's for -medium, -medium-replay and -random data)",
  )


def test_the_papers_settings_for_antmaze_differ_in_these_alone():
  """Table 5, App. C and the released code."""
  locomotion = resolve(make_config(), make_dataset("hopper-medium-v2", "d4rl"))
  data = make_dataset("antmaze-umaze-v2", "d4rl", "dmg_jax/AntMaze-UMaze-v0")
  config = make_config("antmaze", data.name)
  settings.check(config)
  job = resolve(config, data)

  def different(ours, theirs):
    assert set(ours) == set(theirs)
    return {name: value for name, value in ours.items() if value != theirs[name]}

  assert different(point(job), point(locomotion)) == {
    "nu": 0.5,
    "expectile": 0.9,
    "inverse_temperature": 10.0,
    "weight_clip": 100.0,
  }
  assert different(job.settings, locomotion.settings) == {
    "evaluation_interval": 50_000,
    "evaluation_episodes": 100,
  }
  (task,) = job.plan.tasks
  assert (task.normalise_observations, task.reward_shift) == (False, -1.0)
  assert {run.label for run in job.plan.runs} == {"DMG"}


def test_antmaze_without_a_data_set_is_one_line_that_names_one():
  with pytest.raises(UserError, match=r"configs/antmaze\.py:antmaze-umaze-v2") as error:
    settings.check(make_config("antmaze"))
  assert "\n" not in str(error.value)
  settings.check(make_config("antmaze") | {"dataset": "mine.hdf5"})


def test_antmaze_data_under_other_settings_are_told_of_their_own():
  job = resolve(make_config(), make_dataset("own-antmaze"))
  assert point(job)["nu"] == 0.5
  assert "configs/antmaze.py" in reason(job, "nu")


def test_the_embedded_data_depart_from_the_paper_in_what_few_steps_need():
  data = make_dataset("dmg/hopper/medium-replay-v0", "embedded", "Hopper-v4")
  job = resolve(make_config(), data)
  paper = resolve(make_config(), make_dataset("hopper-medium-replay-v2", "d4rl", "Hopper-v4"))
  assert {name for name, v in point(job).items() if v != point(paper)[name]} == {"target_rate"}
  different = {name for name, value in job.settings.items() if value != paper.settings[name]}
  assert different == {"steps", "evaluation_interval"}
  assert point(job)["target_rate"] == 0.05
  assert "the paper's is 0.005" in reason(job, "target_rate")
  assert {run.label for run in job.plan.runs} == {"DMG"}


@pytest.mark.parametrize(
  ("domain", "kind"), [("mujoco", "d4rl"), ("mujoco", "embedded"), ("antmaze", "d4rl")]
)
def test_all_intervals_share_one_compilation(domain, kind):
  job = resolve(make_config(domain), make_dataset("hopper-medium-v2", kind, "Hopper-v4"))
  for name in ("steps", "evaluation_interval", "checkpoint_interval"):
    assert job.settings[name] % job.settings["log_interval"] == 0


@pytest.mark.parametrize(
  ("name", "nu"),
  [
    ("hopper-medium-v2", 0.1),
    ("halfcheetah-medium-replay-v2", 0.1),
    ("walker2d-random-v2", 0.1),
    ("hopper-medium-expert-v2", 10.0),
    ("hopper-expert-v2", 10.0),
    ("hopper_medium_expert", 10.0),
    ("mujoco/hopper/expert-v0", 10.0),
    ("dmg/hopper/medium-replay-v0", 0.1),
  ],
)
def test_nu_follows_the_name(name, nu):
  job = resolve(make_config(), make_dataset(name))
  assert point(job)["nu"] == nu
  assert "the paper's" in reason(job, "nu")


@pytest.mark.parametrize("name", ["mine", "experts-v1", "inexpert-data", "hopper"])
def test_an_unknown_name_takes_a_tenth_and_says_so(name):
  job = resolve(make_config(), make_dataset(name))
  assert point(job)["nu"] == 0.1
  assert "not known" in reason(job, "nu")


def test_an_override_wins_over_the_name():
  job = resolve(make_config(nu=2, steps=10), make_dataset("hopper-expert-v2"))
  assert (point(job)["nu"], job.settings["steps"]) == (2.0, 10)
  assert {run.label for run in job.plan.runs} == {"DMG (nu 2)"}
  assert not any(line.startswith(("nu", "steps")) for line in job.reasons)


def test_several_data_sets_have_nu_each():
  job = resolve(make_config(seeds=1), make_dataset("a-medium-v0"), make_dataset("b-expert-v0"))
  assert [run.point["nu"] for run in job.plan.runs] == [0.1, 10.0]


def test_data_without_a_simulator_train_without_one():
  job = resolve(make_config(), make_dataset())
  assert job.plan.tasks[0].env == tasks.NO_ENVIRONMENT
  assert "--config.env=ID would evaluate" in reason(job, "env of unknown")
  assert not [line for line in resolve(make_config(env="none"), make_dataset()).reasons if
              line.startswith("env")]  # fmt: skip


def test_the_digest_ignores_only_what_may_differ_when_a_job_goes_on():
  dataset = make_dataset()
  base = resolve(make_config(), dataset).digest()
  assert resolve(make_config(steps=20), dataset).digest() == base
  assert resolve(make_config(workers=7), dataset).digest() == base
  assert resolve(make_config(lam=0.3), dataset).digest() != base
  assert resolve(make_config(seeds=4), dataset).digest() != base
  assert resolve(make_config(), make_dataset(rows=301)).digest() != base


def test_the_config_that_is_stored_leads_back_to_the_plan():
  job = resolve(make_config(methods="dmg,td3", lam=0.5), make_dataset("a/b-v0"))
  stored = job.config(["launch/main.py"])
  assert plan.from_json(stored).runs == job.plan.runs
  assert stored["invocation"] == ["launch/main.py"]


def test_every_field_of_a_run_can_be_set():
  assert set(fields.POINT) == set(tasks.FIELDS)
  usual = tasks.paper_point("x")
  assert set(networks.Architecture._fields) - {"precision"} <= set(usual)
  for name, value in usual.items():
    assert fields.values(name, value) == (value,)


@pytest.mark.parametrize(
  ("name", "given", "values"),
  [
    ("lam", (0, 0.25, 1), (0.0, 0.25, 1.0)),
    ("lam", [0.5], (0.5,)),
    ("nu", 3, (3.0,)),
    ("actor_schedule_steps", "inf", (math.inf,)),
    ("actor_schedule_steps", "inf,10", (math.inf, 10.0)),
    ("critic_hidden_sizes", (32, 32), ((32, 32),)),
    ("critic_hidden_sizes", [32, 32], ((32, 32),)),
    ("critic_hidden_sizes", ((32, 32), (64,)), ((32, 32), (64,))),
    ("critic_layer_norm", (False, True), (False, True)),
    ("batch_size", (8, 16), (8, 16)),
  ],
)
def test_a_field_of_a_run_takes_one_value_or_several(name, given, values):
  found = fields.values(name, given)
  assert found == values
  assert [type(value) for value in found] == [type(value) for value in values]


BAD = [
  ("reward_shift", math.nan),
  ("reward_shift", -math.inf),
  ("lam", -0.1),
  ("lam", 1.1),
  ("lam", math.nan),
  ("lam", "nan"),
  ("lam", True),
  ("lam", ()),
  ("lam", (0.5, 2)),
  ("nu", -1.0),
  ("nu", math.inf),
  ("nu", "inf"),
  ("nu", 1j),
  ("q_coefficient", -1.0),
  ("expectile", 0.0),
  ("expectile", 1.0),
  ("discount", 1.5),
  ("target_rate", 2.0),
  ("inverse_temperature", -1.0),
  ("actor_schedule_steps", 0.0),
  ("actor_schedule_steps", math.nan),
  ("seeds", 0),
  ("seeds", 1.5),
  ("first_seed", -1),
  ("first_seed", 2**32),
  ("steps", 0),
  ("steps", 1e5),
  ("evaluation_interval", 0),
  ("checkpoint_interval", 0),
  ("evaluation_episodes", 0),
  ("evaluation_seed", -1),
  ("workers", 0),
  ("batch_size", 0),
  ("policy_delay", 0),
  ("actor_hidden_sizes", ()),
  ("actor_hidden_sizes", (256, 0)),
  ("actor_hidden_sizes", (16.5,)),
  ("critics", 0),
  ("critic_layer_norm", 1),
  ("precision", "float8"),
  ("family", "kitchen"),
  ("env", 3),
  ("env_kwargs", "x"),
  ("step_limit", 0),
  ("clip_actions", "yes"),
  ("clip_actions", None),
  ("methods", 3),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_bad_value_is_one_line_that_names_its_field(field, value):
  with pytest.raises(UserError) as error:
    settings.check(make_config(**{field: value}))
  message = str(error.value)
  assert message.startswith(f"config.{field} is ")
  assert "must be" in message
  assert "\n" not in message


def test_the_ends_of_the_ranges_are_allowed():
  settings.check(make_config(lam=0.0, nu=0.0, discount=1.0, actor_schedule_steps=math.inf))
  settings.check(make_config(lam=1.0, target_rate=1.0, first_seed=2**32 - 3, seeds=2))


@pytest.mark.parametrize(
  ("changes", "line"),
  [
    ({"batch_size": 301}, "config.batch_size is 301, more than the 300 transitions of unknown"),
    ({"steps": 7}, "config.steps is 7, but it must be a multiple of config.policy_delay (2)"),
    ({"log_interval": 3}, "config.log_interval is 3, but it must be a multiple"),
    ({"evaluation_interval": 5}, "config.evaluation_interval is 5, but it must be a multiple"),
    ({"policy_delay": (2, 32)}, "config.log_interval is 400, but it must be a multiple"),
    ({"methods": ()}, "config.methods names none"),
    ({"methods": ""}, "there is no method ''"),
    ({"methods": "DMG,IQL"}, "there is no method 'DMG'; name one or several of dmg"),
    ({"first_seed": 2**32 - 3, "seeds": 3}, "goes beyond the largest seed"),
    ({"dataset": "a.npz,b.npz,a.npz"}, "config.dataset names 'a.npz' twice"),
    ({"dataset": "hopper-medium-v2,antmaze-umaze-v2"}, "AntMaze's 'antmaze-umaze-v2' beside"),
    ({"dataset": "a.npz,"}, "config.dataset has an empty name among several"),
    ({"dataset": ()}, "no data set is named"),
  ],
)
def test_what_does_not_fit_together(changes, line):
  def attempt():
    config = make_config(**changes)
    settings.check(config)
    resolve(config, make_dataset())

  with pytest.raises(UserError) as error:
    attempt()
  assert line in str(error.value)
  assert "\n" not in str(error.value)


def test_methods_that_compute_the_same_share_a_program():
  """TD3+BC is TD3 at other numbers; cloning takes no size of networks that it has not."""
  config = make_config("quick", methods="dmg,td3,bc,td3_bc")
  job = resolve(config, make_dataset())
  populations = {run.method: run.population for run in job.plan.runs}
  assert populations == {"dmg": 0, "td3": 1, "bc": 2, "td3_bc": 1}
  assert {run.method: run.label for run in job.plan.runs}["bc"] == ("BC (actor_hidden_sizes 64x64)")
  made = {methods.agent(run.method, run.point, 2) for run in job.plan.runs}
  assert len(made) == 3
