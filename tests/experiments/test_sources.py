"""What is refused as a source, of directories that were damaged after their jobs had finished."""

import json
import math
import shutil

import made_runs
import pytest

from dmg_jax import plan, tasks
from dmg_jax.errors import UserError
from dmg_jax.experiments import sources

RUNS = ["dmg,seed=0", "dmg,seed=1", "iql,mine,seed=0"]


@pytest.fixture
def source(tmp_path):
  stored = made_runs.config()
  for run in stored["runs"]:
    run["point"] = tasks.paper_point("") | run["point"]
  directory = made_runs.make(tmp_path / "source", stored)
  (directory / "summary.json").write_text(json.dumps({"steps": made_runs.STEPS[-1]}))
  return directory


def test_all_runs_are_taken_or_those_that_are_named(source):
  found = sources.read(str(source), None)
  assert ([*found.runs], found.step) == (RUNS, 16)
  (run,) = sources.read(str(source), RUNS[2]).plan.runs
  assert (run.id, run.population, run.point["actor_schedule_steps"]) == (RUNS[2], 0, math.inf)


def refusal(source):
  with pytest.raises(UserError) as caught:
    sources.read(str(source), None)
  assert "\n" not in str(caught.value)
  return str(caught.value)


@pytest.mark.parametrize("harm", [shutil.rmtree, lambda step: (step / "seal/metadata").unlink()])
@pytest.mark.filterwarnings("ignore:the checkpoint of step 16")
def test_an_earlier_checkpoint_is_not_taken_for_the_last(source, harm):
  harm(source / "checkpoints" / "16")
  assert "its last checkpoint that can be read is of step 8 of 16; restore it" in refusal(source)


def test_a_summary_of_infinite_steps_is_none(source):
  (source / "summary.json").write_text('{"steps": Infinity}')
  assert "is not finished, at 0 of 16 steps" in refusal(source)


# (what is changed in config.json, part of the message)
DAMAGED = [
  (lambda c: c["runs"][0]["point"].pop("lam"), "lam of dmg,seed=0 is None"),
  (lambda c: c["runs"][0]["point"].update(lam="x"), "lam of dmg,seed=0 is 'x'"),
  (lambda c: c["runs"][0]["point"].update(batch_size=0), "batch_size of dmg,seed=0 is 0"),
  (lambda c: c["runs"][0].update(seed=-1), "the seed of dmg,seed=0 is -1"),
  (lambda c: c["runs"][0].update(id="../x"), "'../x' is no id of a run"),
  (lambda c: c["runs"][0].update(more=1), "unexpected keyword argument 'more'"),
  (lambda c: c["tasks"][0].update(more=1), "unexpected keyword argument 'more'"),
  (lambda c: c["tasks"][1].update(step_limit="x"), "the step_limit of mine is 'x'"),
]


@pytest.mark.parametrize(("change", "message"), DAMAGED)
def test_a_damaged_config_is_told_in_one_line(source, change, message):
  path = source / "config.json"
  config = json.loads(path.read_text())
  change(config)
  path.write_text(json.dumps(config))
  assert f"{path} is damaged: " in (told := refusal(source))
  assert message in told


def test_every_field_of_a_point_is_one_that_a_config_takes(source):
  """What is checked of a source is what its job was checked for."""
  made = plan.from_json(json.loads((source / "config.json").read_text()))
  assert {*made.runs[0].point} == {*tasks.FIELDS}
