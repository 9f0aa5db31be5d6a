"""Commands made from stored invocations, parsed as the launcher parses them."""

import shlex
import sys

import pytest
from absl import flags
from made_directories import config, runs, task
from ml_collections import config_flags

from dmg_jax.report.scores.commands import Job, command

MAIN = ["launch/main.py", "--config=configs/mujoco.py"]
OTHER = "hopper-medium-v2"


def job(*members, tasks=None, invocation=MAIN, steps=20):
  stored = config(tasks or [task()], list(members), invocation, steps=steps)
  return Job("runs/x", stored, members[0]["task"], members[0]["label"])


def test_a_job_is_finished_in_its_directory_by_the_stored_words():
  words = [*MAIN, "--config.dataset=~/my data/own.hdf5", "--config.evaluation_episodes=100"]
  line = command(config([task()], runs(), words), "runs/a b")
  assert shlex.split(line) == ["python", *words, "--run_dir=runs/a b"]


@pytest.mark.parametrize("flag", [["--run_dir=old"], ["--run_dir", "old"], ["-run_dir=old"]])
def test_more_seeds_never_go_into_the_old_directory(flag):
  line = job(*runs(), invocation=[MAIN[0], *flag, MAIN[1]]).more(5, 2, 1_000_000)
  assert shlex.split(line) == [
    "python", *MAIN, "--config.first_seed=5", "--config.seeds=2", "--config.steps=1000000",
  ]  # fmt: skip


def test_longer_trains_the_whole_job_on():
  assert job(*runs()).longer(40) == (
    "python launch/main.py --config=configs/mujoco.py --config.steps=40 --run_dir=runs/x"
  )


def test_seeds_of_one_group_are_of_its_data_set_method_and_point_alone():
  members = [
    *runs("dmg", "DMG (lam 0.5)", lam=0.5), *runs("dmg", "DMG"), *runs("bc", "BC"),
    *runs("dmg", "DMG", name=OTHER),
  ]  # fmt: skip
  found = job(*members, tasks=[task(source="own.npz"), task(OTHER)])
  assert shlex.split(found.more(2, 1, 10)) == [
    "python", *MAIN, "--config.dataset=own.npz", "--config.methods=dmg", "--config.lam=0.5",
    "--config.first_seed=2", "--config.seeds=1", "--config.steps=20",
  ]  # fmt: skip


SWEEP = ["launch/sweep.py", "--config=configs/mujoco.py", "--config.lam=0.25,0.5"]


def test_a_part_of_a_sweep_is_finished_by_the_sweeps_own_command():
  words = [*SWEEP, "--sweep_dir=sweeps/a"]
  line = command(config([task()], runs(), words), "sweeps/a/parts/000", steps=40)
  assert shlex.split(line) == ["python", *words, "--config.steps=40"]


def test_more_seeds_of_a_part_are_of_its_group_alone_though_it_knows_no_other():
  members = [run | {"id": "dmg,lam=0.5,seed=0"} for run in runs(seeds=[0], lam=0.5)]
  found = job(*members, tasks=[task(source="own.npz")], invocation=[*SWEEP, "--sweep_dir=a"])
  assert shlex.split(found.more(2, 1, 10)) == [
    "python", *SWEEP, "--config.dataset=own.npz", "--config.methods=dmg", "--config.lam=0.5",
    "--config.first_seed=2", "--config.seeds=1", "--config.steps=20",
  ]  # fmt: skip


def test_a_job_started_from_python_is_told_in_words():
  stored = config([task()], runs(), ["dmg_jax.train"])
  assert command(stored, "runs/x", steps=40) == (
    "call dmg_jax.train again, as the run was made, with run_dir='runs/x', steps=40"
  )
  assert command(stored) == "call dmg_jax.train again, as the run was made"


def test_what_is_appended_wins_in_the_launchers_parser(tmp_path, monkeypatch):
  (tmp_path / "settings.py").write_text(
    "from ml_collections import ConfigDict\n"
    "def get_config():\n  return ConfigDict({'seeds': 5, 'first_seed': 0, 'steps': 10})\n"
  )
  monkeypatch.chdir(tmp_path)
  words = ["main.py", "--config=settings.py", "--config.seeds=3", "--run_dir=old"]
  line = job(*runs(), invocation=words).more(7, 2, 90)
  argv = shlex.split(line)[1:]
  monkeypatch.setattr(sys, "argv", argv)
  values = flags.FlagValues()
  config_flags.DEFINE_config_file("config", flag_values=values)
  flags.DEFINE_string("run_dir", None, "", flag_values=values)
  values(argv)
  assert values.config.to_dict() == {"seeds": 2, "first_seed": 7, "steps": 90}
  assert values.run_dir is None
