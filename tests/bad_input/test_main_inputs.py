"""launch/main.py and launch/evaluate.py on bad input: one clear line, its exit code, and
nothing changed on disk.

A new case is one line of `CASES`: launcher and arguments, a part of the line, the exit code.
"""

import json
import shlex

import h5py
import numpy as np
import pytest
from launches import run
from small_jobs import ROOT, columns

from dmg_jax.run_config import FORMAT

MINE = "main --config.dataset=mine.npz --config.batch_size=8"
MADE = f"{MINE} --config.env=Pendulum-v1"

CASES = [
  # Flags and words.
  ("main random", "'random' is no flag; write flags as --name=value", 2),
  ("main --dry_run mine.npz", "'mine.npz' is no flag", 2),
  ("main --steps=10", "Unknown command line flag 'steps'", 2),
  ("main --dry_run=perhaps", "perhaps", 2),
  ("main --run_dir", "run_dir", 2),
  ("main --config.lam", "lam", 2),
  # Config files.
  ("main --config=none.py", "there is no config file none.py; try --config=configs/mujoco.py", 2),
  ("main --config=", "there is no config file", 2),
  ("main --config=thesis", "there is no config file thesis", 2),
  ("main --config=configs/mujoco.py --config=configs/antmaze.py", "--config is given 2 times", 2),
  ("main --config configs/mujoco.py --config configs/antmaze.py", "--config is given 2 times", 2),
  ("main -config=configs/mujoco.py --config configs/antmaze.py", "--config is given 2 times", 2),
  ("main --config none.py", "there is no config file none.py", 2),
  ("main --config", "Missing value for flag --config", 2),
  ("main --config=text.py", "text.py", 2),
  ("main --config=configs/antmaze.py", "configs/antmaze.py:antmaze-umaze-v2", 2),
  # Fields.
  ("main --config.lamda=0.3", "the config has no field 'lamda'; near names: lam", 2),
  ("main --config.hidden_sizes=(8,8)", "the config has no field 'hidden_sizes'; near names: ", 2),
  ("main --config.xyzzy=1", "the config has no field 'xyzzy' (--help lists the fields)", 2),
  ("main --config.lam.x=1", "the config has no field 'lam.x'", 2),
  ("main -config.lamda=0.3", "the config has no field 'lamda'; near names: lam", 2),
  ("main --config.lamda 0.3", "the config has no field 'lamda'; near names: lam", 2),
  # Values.
  ("main --config.seeds=1.5", "config.seeds is 1.5, but it must be a whole number", 2),
  ("main --config.seeds=0", "config.seeds is 0, but it must be a whole number from 1 to 10000", 2),
  ("main --config.seeds=-3", "config.seeds is -3, but it must be a whole number", 2),
  ("main --config.seeds=1,2", "config.seeds is (1, 2), but it must be a whole number", 2),
  ("main --config.steps=1e5", "config.steps is 100000.0, but it must be a whole number", 2),
  ("main --config.steps=many", "config.steps is 'many', but it must be a whole number", 2),
  ("main --config.steps=3000000000", "must be a whole number from 1 to 2,147,483,647", 2),
  ("main --config.steps=10,20", "config.steps is (10, 20), but it must be a whole number", 2),
  ("main --config.first_seed=4294967296", "config.first_seed is 4294967296, but it must be", 2),
  ("main --config.actor_hidden_sizes=(16.5,)", "config.actor_hidden_sizes is 16.5, but", 2),
  ("main --config.actor_hidden_sizes=()", "config.actor_hidden_sizes is (), but it must be", 2),
  ("main --config.critic_hidden_sizes=(8,-8)", "config.critic_hidden_sizes is ", 2),
  ("main --config.critics=0", "config.critics is 0, but it must be a whole number", 2),
  ("main --config.lam=-0.5", "config.lam is -0.5, but it must be a number from 0 to 1", 2),
  ("main --config.lam=nan", "config.lam is nan, but it must be a number from 0 to 1", 2),
  ("main --config.lam=0.5,nan", "config.lam is ", 2),
  (f"{MINE} --config.lam=0.5,0.5", "config.lam names 0.5 twice", 2),
  ("main --config.lam=", "config.lam is '', but it must be a number from 0 to 1", 2),
  ("main --config.lam=True", "config.lam is True, but it must be a number from 0 to 1", 2),
  ("main --config.nu=inf", "config.nu is inf, but it must be a finite number", 2),
  ("main --config.nu=1j", "config.nu is 1j, but it must be a finite number", 2),
  ("main --config.expectile=1", "config.expectile is 1, but it must be a number between", 2),
  ("main --config.actor_schedule_steps=0", "config.actor_schedule_steps is 0, but it must", 2),
  ("main --config.batch_size=-8", "config.batch_size is -8, but it must be", 2),
  ("main --config.precision=float8", "config.precision is 'float8', but it must be 'float32'", 2),
  ("main --config.family=kitchen", "config.family is 'kitchen', but it must be", 2),
  ("main --config.env_kwargs=x", "config.env_kwargs is 'x', but it must be a dictionary", 2),
  ("main --config.env_kwargs={\\'g\\':1j}", "config.env_kwargs is {'g': 1j}, but it must be a", 2),
  ("main --config.env_kwargs={\\'g\\':{1,2}}", "config.env_kwargs is {'g': {1, 2}}, but it mu", 2),
  ("main --config.env_kwargs={\\'g\\':{1:2}}", "config.env_kwargs is {'g': {1: 2}}, but it mu", 2),
  ("main --config.env_kwargs={\\'g\\':1e999}", "config.env_kwargs is {'g': inf}, but it must", 2),
  ("main --config.clip_actions=maybe", "config.clip_actions is 'maybe', but it must be True", 2),
  ("main --config.workers=0", "config.workers is 0, but it must be a whole number", 2),
  ("main --config.evaluation_episodes=0", "config.evaluation_episodes is 0, but it must", 2),
  ("main --config.seeds=1000000000", "config.seeds is 1000000000, but it must be a whole", 2),
  ("main --config.steps=9999999999", "config.steps is 9999999999, but it must be a whole", 2),
  ("main --config.evaluation_episodes=999999999", "config.evaluation_episodes is 999999999", 2),
  ("main --config.critics=1000000", "config.critics is 1000000, but it must be a whole", 2),
  ("main --config.policy_delay=1000000", "config.policy_delay is 1000000, but it must be a", 2),
  ("main --config.critic_hidden_sizes=1000000000", "config.critic_hidden_sizes is 10000", 2),
  ("main --config.workers=1000000", "config.workers is 1000000, but it must be a whole", 2),
  # Methods and grids.
  (f"{MINE} --config.methods=sarsa", "there is no method 'sarsa'; name one or several of dmg", 2),
  (
    f"{MINE} --config.methods=TD3+BC",
    "there is no method 'TD3+BC'; name one or several of td3_bc",
    2,
  ),
  (f"{MINE} --config.methods=", "there is no method ''", 2),
  (f"{MINE} --config.methods=dmg,dmg", "config.methods names dmg twice", 2),
  (f"{MINE} --config.methods=bc --config.discount=0.9", "config.discount has no effect", 2),
  (f"{MINE} --config.methods=dmg,td3 --config.lam=0,1", "config.lam would repeat runs", 2),
  # What does not fit together.
  (
    f"{MINE} --config.steps=1001",
    "config.steps is 1001, but it must be a multiple of config.pol",
    2,
  ),
  (f"{MINE} --config.log_interval=399", "config.log_interval is 399, but it must be a multiple", 2),
  (
    f"{MINE} --config.evaluation_interval=5",
    "config.evaluation_interval is 5, but it must be a",
    2,
  ),
  (f"{MINE} --config.batch_size=101", "config.batch_size is 101, more than the 100 trans", 2),
  # Data sets.
  ("main --config.dataset=none.npz", "none.npz: no such file", 2),
  ("main --config.dataset=none.hdf5", "none.hdf5: no such file", 2),
  ("main --config=configs/mujoco.py:none.npz", "none.npz: no such file", 2),
  ("main --config.dataset=cut.hdf5", "cut.hdf5", 2),
  ("main --config.dataset=text.hdf5", "text.hdf5", 2),
  ("main --config.dataset=thesis", "thesis", 2),
  ("main --config.dataset=3", "config.dataset is 3, but it must be the name of a data set", 2),
  ("main --config.dataset=mine.npz,mine.npz", "config.dataset names 'mine.npz' twice", 2),
  ("main --config.dataset=mine.npz,./mine.npz", "the data sets are not all different", 2),
  ("main --config.dataset=mine.npz,", "config.dataset has an empty name among several", 2),
  ("main --config.dataset=dmg/nothing/here-v0", "dmg/nothing/here-v0", 2),
  # Environments.
  (f"{MINE} --config.env=Hopper-v3", "environment 'Hopper-v3'", 2),
  (f"{MINE} --config.env=Hopper", "environment 'Hopper'", 2),
  (f"{MINE} --config.env=CartPole-v1", "actions must be a bounded continuous box", 2),
  (f"{MINE} --config.env=Hopper-v4", "observations have 3 numbers, but those of Hopper-v4", 2),
  (f"{MADE} --config.env_kwargs={{\\'wings\\':2}}", "with {'wings': 2} cannot be made", 2),
  (
    f"{MADE} --config.env_kwargs={{\\'max_episode_steps\\':-1}}",
    "has no step limit, so that an",
    2,
  ),
  (f"{MADE} --config.env_kwargs={{\\'render_mode\\':\\'human\\'}}", "leave render_mode out", 2),
  (f"{MADE} --config.dataset=far.npz", "allow clipping", 2),
  (f"{MINE} --config.dataset=far.npz", "actions leave", 2),
  # Run directories.
  (f"{MADE} --run_dir=text.py", "text.py is a file; name a folder as --run_dir", 2),
  (f"{MADE} --run_dir=text.py/run", "is a file", 2),
  (f"{MADE} --run_dir=thesis", "thesis is not empty and no run directory; name another", 2),
  (f"{MADE} --run_dir=", "the run directory's name is empty", 2),
  (f"{MADE} --run_dir=~nobody-here/run", "name the run directory by its path", 2),
  (f"{MADE} --run_dir=old", "was made by an earlier version of dmg_jax", 2),
  (f"{MADE} --run_dir=collected", "belongs to a job of another config", 2),
  (f"{MADE} --run_dir=damaged", "config.json is damaged: it is no JSON", 2),
  # A dry run refuses what the job refuses.
  (f"{MINE} --dry_run --config.env=Hopper-v3", "environment 'Hopper-v3' cannot be made", 2),
  (f"{MINE} --dry_run --config.dataset=far.npz", "actions leave", 2),
  (f"{MADE} --dry_run --run_dir=text.py", "text.py is a file; name a folder as --run_dir", 2),
  (f"{MADE} --dry_run --run_dir=collected", "belongs to a job of another config", 2),
  (
    "main --config=configs/quick.py --config.methods=bc --config.target_rate=0.1",
    "config.target_rate has no effect",
    2,
  ),
  # Online.
  ("finetune", "no data set is named", 2),
  ("finetune --config.source=none", "none/config.json is missing: none is no run directory", 2),
  ("finetune --config.source=old", "was made by an earlier version of dmg_jax", 2),
  ("finetune --config.source=collected", "holds a job of kind 'collect', not 'offline'", 2),
  ("finetune --config.source=damaged", "config.json is damaged: it is no JSON", 2),
  ("finetune --config.sources=old", "the config has no field 'sources'; near names: source", 2),
  ("finetune --config.runs=x --config.dataset=mine.npz", "runs of a source, and there is none", 2),
  (
    "finetune --config.dataset=mine.npz --config.batch_size=8",
    "mine has no simulator to learn in",
    2,
  ),
  ("finetune --config.updates_per_step=0", "config.updates_per_step is 0, but it must be", 2),
  ("main --config.source=old", "the config has no field 'source'", 2),
  # Evaluation of finished runs.
  ("evaluate", "no run directory; name one with --run_dir=DIR", 2),
  ("evaluate runs", "'runs' is no flag", 2),
  ("evaluate --run_dir=", "the run directory's name is empty", 2),
  ("evaluate --run_dir=none", "none/config.json is missing: none is no run directory", 2),
  ("evaluate --run_dir=text.py", "text.py is no run directory", 2),
  ("evaluate --run_dir=thesis", "thesis is no run directory", 2),
  ("evaluate --run_dir=old", "was made by an earlier version of dmg_jax", 2),
  ("evaluate --run_dir=damaged", "config.json is damaged: it is no JSON", 2),
  ("evaluate --run_dir=collected", "holds a job of kind 'collect', not 'offline'", 2),
  ("evaluate --run_dir=old --episodes=0", "--episodes is 0, but it must be from 1 to", 2),
  ("evaluate --run_dir=old --episodes=-1", "--episodes is -1, but it must be from 1 to", 2),
  ("evaluate --run_dir=old --episodes=999999999", "--episodes is 999999999, but it must be", 2),
  ("evaluate --run_dir=old --episodes=1.5", "1.5", 2),
  ("evaluate --run_dir=old --seed=-1", "--seed is -1, but it must be from 0 to", 2),
  ("evaluate --run_dir=old --config=configs/mujoco.py", "Unknown command line flag 'config'", 2),
  (f"{MINE} --config.seeds=1001", "the plan above has 1,001 runs, more than 1,000", 2),
]
# What works without the slip, in the same folder.
SOUND = [
  f"{MADE} --config.seeds=1 --dry_run",
  "main --config=configs/quick.py --dry_run",
  "main --config configs/quick.py --config.seeds=1 --dry_run",
  f"{MADE} --config.lam=0.12345678,0.12345679 --config.seeds=1 --dry_run",
  f"{MADE} --config=configs/antmaze.py --dry_run",
  f"{MADE} --config.methods=dmg,iql --config.discount=0.9,0.99 --config.seeds=3 --dry_run",
  f"{MADE} --config.actor_hidden_sizes=(8,8) --config.actor_hidden_sizes=(4,) --dry_run",
  f"{MADE} --config.actor_schedule_steps=inf --config.critics=2,4 --dry_run",
  f"{MADE} --config.nu=1,2,3,4,5 --config.seeds=1 --dry_run",
  # What a config file sets, and a method does not use, is no slip of the user.
  "main --config=configs/quick.py --config.methods=bc --dry_run",
  f"{MADE} --config.seeds=1001 --dry_run",
  f"{MADE.replace('main', 'finetune')} --config.methods=td3 --dry_run",
]
HELP = ["main --help", "main --helpfull", "evaluate --help", "finetune --help"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
  """What each command gave, all of them in one folder, in order."""
  here = tmp_path_factory.mktemp("inputs") / "here"
  for folder in ("thesis", "old", "collected", "damaged", "home"):
    (here / folder).mkdir(parents=True)
  np.savez(here / "mine.npz", **columns())
  np.savez(here / "far.npz", **columns() | {"actions": np.full((100, 1), 9.0)})
  with h5py.File(here / "cut.hdf5", "w") as file:
    file["observations"] = np.zeros((1000, 3))
  (here / "cut.hdf5").write_bytes((here / "cut.hdf5").read_bytes()[:5000])
  for name in ("text.py", "text.hdf5", "thesis/chapter.txt", "damaged/config.json"):
    (here / name).write_text("not what it should be")
  (here / "old" / "config.json").write_text('{"lam": 0.25, "seeds": 5}')
  collected = {
    "format": FORMAT,
    "kind": "collect",
    "invocation": ["launch/collect.py"],
    "recipe": {},
  }
  (here / "collected" / "config.json").write_text(json.dumps(collected))
  commands = [shlex.split(words) for words, *_ in CASES] + [shlex.split(w) for w in SOUND + HELP]
  launches = [
    {
      "argv": [str(ROOT / "launch" / f"{launcher}.py"), *rest],
      "cwd": str(here),
      "watched": str(here),
    }
    for launcher, *rest in commands
  ]
  environment = {name: str(here / name) for name in ("MINARI_DATASETS_PATH", "D4RL_DATASET_DIR")}
  names = [words for words, *_ in CASES] + SOUND + HELP
  return dict(zip(names, run(launches, environment), strict=True))


@pytest.mark.parametrize(("words", "line", "code"), CASES, ids=[words for words, *_ in CASES])
def test_bad_input(results, words, line, code):
  found = results[words]
  assert found["err"].startswith("error: ")
  assert line in found["err"]
  assert found["err"].count("\n") == 1
  assert found["code"] == code
  assert found["changed"] == []


@pytest.mark.parametrize("words", SOUND)
def test_without_the_slip_it_works_and_a_dry_run_writes_nothing(results, words):
  found = results[words]
  assert found["code"] == 0, found["err"]
  assert found["changed"] == []
  assert found["err"] == ""
  assert "plan        " in found["out"]


def test_the_plan_shows_populations_runs_steps_and_time(results):
  grid = results[SOUND[5]]["out"]
  assert "population 0: 6 runs of DMG (discount 0.9), DMG on" in grid
  assert "population 1: 6 runs of IQL (discount 0.9), IQL on" in grid
  assert "settings    batch_size 8" in grid
  assert "plan        12 runs of 1,000,000 steps on 1 x cpu" in grid
  assert "time        about " in grid
  repeated = results[SOUND[6]]["out"]
  assert "actor_hidden_sizes 4)" in repeated
  two = results[SOUND[7]]["out"]
  assert "population 1: 5 runs of DMG (critics 4)" in two
  assert "settings    actor_schedule_steps inf, batch_size 8" in two
  # Many labels would fill the screen.
  many = results[SOUND[8]]["out"]
  assert "population 0: 5 runs of 5 points of DMG on mine" in many


def test_help_lists_the_fields_with_their_defaults_and_exits_with_0(results):
  for words in HELP:
    assert results[words]["code"] == 0, results[words]["err"]
  text = results["main --help"]["out"]
  for part in ("--run_dir", "--dry_run", "  lam ", "  evaluation_episodes ", "  seeds "):
    assert part in text
  assert "--episodes" in results["evaluate --help"]["out"]
  assert "  updates_per_step " in results["finetune --help"]["out"]
  seeds = next(line for line in text.splitlines() if line.strip().startswith("seeds "))
  assert "default: 5" in seeds
  lam = next(line for line in text.splitlines() if line.strip().startswith("lam "))
  assert "(the paper's: 0.25)" in lam
