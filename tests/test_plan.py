"""Plans: the product of tasks, methods, points and seeds."""

import json
import math

import pytest

from dmg_jax import methods, plan, tasks
from dmg_jax.errors import UserError
from dmg_jax.plan import Request


def task(name="hopper-medium-v2", **changes) -> tasks.Task:
  values = {
    "name": name,
    "source": name,
    "kind": "d4rl",
    "sha256": "0",
    "env": "Hopper-v4",
    "env_kwargs": {},
    "step_limit": None,
    "normalise_observations": True,
    "clip_actions": False,
    "reward_shift": 0.0,
    "reference": (0.0, 1.0),
  }
  return tasks.Task(**(values | changes))


def make(methods=("dmg",), overrides=None, seeds=(0, 1), jobs=None, sizes=None):
  jobs = [task()] if jobs is None else jobs
  request = Request(methods, overrides or {}, seeds, tasks.LOCOMOTION)
  return plan.make(request, jobs, sizes or {job.name: (11, 3) for job in jobs})


def test_one_method_on_one_data_set_is_its_seeds():
  runs = make(seeds=(3, 4)).runs
  assert [run.id for run in runs] == ["dmg,seed=3", "dmg,seed=4"]
  assert {run.label for run in runs} == {"DMG"}
  assert runs[0].point == tasks.paper_point("hopper-medium-v2")


def test_a_grid_is_the_product_of_all():
  jobs = [task(), task("dmg/hopper/expert-v0")]
  runs = make(("dmg", "iql", "td3_bc"), {"discount": (0.9, 0.99)}, (0, 1), jobs).runs
  assert len(runs) == len({run.id for run in runs}) == 3 * 2 * 2 * 2
  assert runs[0].id == "hopper-medium-v2,dmg,discount=0.9,seed=0"
  assert runs[-1].id == "dmg-hopper-expert-v0,td3_bc,discount=0.99,seed=1"
  assert {run.label for run in runs} == {
    "DMG", "DMG (discount 0.9)", "IQL", "IQL (discount 0.9)", "TD3+BC", "TD3+BC (discount 0.9)",
  }  # fmt: skip
  # A program for each method, which both data sets share.
  assert {run.method: run.population for run in runs} == {"dmg": 0, "iql": 1, "td3_bc": 2}
  assert {run.task: run.point["nu"] for run in runs if run.method == "dmg"} == {
    "hopper-medium-v2": 0.1,
    "dmg/hopper/expert-v0": 10.0,
  }


def test_what_is_static_parts_populations():
  made = make(("dmg",), {"critics": (2, 4), "lam": (0.0, 0.25)}, (0,))
  assert [run.population for run in made.runs] == [0, 0, 1, 1]
  assert [len(runs) for runs in made.populations()] == [2, 2]
  jobs = [task(), task("walker2d-medium-v2")]
  sizes = {"hopper-medium-v2": (11, 3), "walker2d-medium-v2": (17, 6)}
  assert [run.population for run in make(jobs=jobs, sizes=sizes).runs] == [0, 0, 1, 1]


def test_methods_that_differ_in_numbers_share_a_population():
  made = make(("td3", "td3_bc"), {}, (0, 1))
  assert [len(runs) for runs in made.populations()] == [4]


def test_the_temperature_of_v_is_the_papers():
  jobs = [task(), task("hopper-medium-expert-v2")]
  runs = make(("xql_dmg", "sql_dmg", "dmg"), {}, (0,), jobs).runs
  assert [run.point["value_temperature"] for run in runs] == [5.0, 2.0, 1.0, 5.0, 5.0, 1.0]
  assert {run.label for run in runs} == {"XQL+DMG", "SQL+DMG", "DMG"}


def test_a_method_ignores_what_it_fixes_where_another_uses_it():
  by_method = {run.method: run for run in make(("dmg", "iql"), {"lam": (0.5,)}, (0,)).runs}
  assert by_method["dmg"].point["lam"] == 0.5
  assert by_method["dmg"].label == "DMG (lam 0.5)"
  assert by_method["iql"].point["lam"] == 0.0
  assert by_method["iql"].label == "IQL"


def test_the_label_tells_how_the_data_were_prepared():
  (run,) = make(seeds=(0,), jobs=[task(normalise_observations=False)]).runs
  assert run.label == "DMG (normalise_observations False)"


def test_the_label_tells_whose_settings_they_are():
  request = Request(("dmg",), {}, (0,), tasks.ANTMAZE)
  job = task(normalise_observations=False, reward_shift=-1.0)
  (run,) = plan.make(request, [job], {job.name: (11, 3)}).runs
  assert run.label == "DMG (antmaze settings)"


@pytest.mark.parametrize(
  ("options", "line"),
  [
    ({"methods": ("sarsa",)}, "no method 'sarsa'"),
    ({"methods": ("dmg", "dmg")}, "config.methods names dmg twice"),
    ({"overrides": {"lam": (0.5, 0.5)}}, "config.lam names 0.5 twice"),
    ({"methods": ("dmg", "td3"), "overrides": {"lam": (0, 0.5)}}, "config.lam would repeat runs"),
    ({"methods": ("bc",), "overrides": {"expectile": (0.5,)}}, "config.expectile has no effect"),
    (
      {"methods": ("sql",), "overrides": {"inverse_temperature": (1.0,)}},
      "config.inverse_temperature has no effect: SQL",
    ),
    (
      {"methods": ("dmg", "bc"), "overrides": {"critics": (2, 4)}},
      "config.critics would repeat runs: BC",
    ),
    ({"methods": ("iql",), "overrides": {"nu": (0.5,)}}, "config.nu has no effect: IQL fixes"),
    ({"jobs": [task(), task()]}, "the data sets are not all different"),
  ],
)
def test_refused(options, line):
  with pytest.raises(UserError) as raised:
    make(**options)
  assert line in str(raised.value)
  assert "\n" not in str(raised.value)


def test_a_plan_survives_json():
  made = make(("dmg", "td3"), {"critic_hidden_sizes": ((32, 32), (64,))}, (0,))
  assert math.isinf(made.runs[-1].point["actor_schedule_steps"])
  text = json.dumps(plan.to_json(made), allow_nan=False)
  back = plan.from_json(json.loads(text))
  assert back.runs == made.runs
  assert back.tasks[0].name == made.tasks[0].name


def test_a_run_of_an_earlier_version_has_what_it_had():
  stored = plan.to_json(make(("dmg",), {}, (0,)))
  for name in tasks.LATER:
    del stored["runs"][0]["point"][name]
  point = plan.from_json(stored).runs[0].point
  assert (point["reward_scale"], point["averaged_policy"]) == (1.0, False)


def test_dmg_and_dmg_plus_are_one_job_of_two_populations_with_the_papers_other_settings():
  dmg, plus = make(("dmg", "dmg_plus"), {}, (0,)).runs
  assert (dmg.population, plus.population) == (0, 1)
  different = {name: value for name, value in plus.point.items() if dmg.point[name] != value}
  assert different == dict(methods.find("dmg_plus").usual)
