"""launch/collect.py on bad input: one clear line, its exit code, and nothing changed on disk.

A new case is one line of `CASES`: arguments, a part of the line, the exit code.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = [
  # Arguments.
  ("random", "'random' is no flag; write flags as --name=value", 2),
  ("--tier=random medium", "'medium' is no flag", 2),
  ("--tiers=random", "Unknown command line flag 'tiers'", 2),
  ("--tier=best", "value should be one of <random|medium|", 2),
  ("--learner=ppo", "value should be one of <sac|td3>", 2),
  ("--seed=1.5", "flag --seed=1.5", 2),
  ("--steps=1e5", "flag --steps=1e5", 2),
  ("--noise=much", "flag --noise=much", 2),
  # Numbers.
  ("--steps=0", "--steps is 0, but it must be from 1 to", 2),
  ("--steps=99999999999", "--steps is 99999999999, but it must be from 1 to", 2),
  ("--seed=-1", "--seed is -1, but it must be from 0 to", 2),
  ("--environments=0", "--environments is 0, but it must be from 1", 2),
  ("--batch_size=-8", "--batch_size is -8, but it must be from 1", 2),
  ("--environments=1000000", "--environments is 1000000, but it must be from 1 to 1000", 2),
  ("--batch_size=1000000000", "--batch_size is 1000000000, but it must be from 1 to 65536", 2),
  ("--episodes=999999999", "--episodes is 999999999, but it must be from 1 to 100000", 2),
  ("--episodes=0", "--episodes is 0, but it must be from 1", 2),
  ("--evaluate_every=0", "--evaluate_every is 0, but it must be from 1", 2),
  ("--checkpoint_every=0", "--checkpoint_every is 0, but it must be from 1", 2),
  ("--level=nan", "--level is nan, but it must be a finite number", 2),
  ("--level=inf --train", "--level is inf, but it must be a finite number", 2),
  ("--noise=inf", "--noise is inf, but it must be a finite number that is not negative", 2),
  ("--noise=nan", "--noise is nan, but it must be a finite number that is not negative", 2),
  ("--noise=-0.1", "--noise is -0.1, but it must be a finite number that is not negative", 2),
  ("--learning_rate=-1", "--learning_rate is -1.0, but it must be a finite number above 0", 2),
  ("--learning_rate=0", "--learning_rate is 0.0, but it must be a finite number above 0", 2),
  ("--learning_rate=inf", "--learning_rate is inf, but it must be a finite number above 0", 2),
  ("--learning_rate=nan", "--learning_rate is nan, but it must be a finite number above 0", 2),
  ("--target_rate=0", "--target_rate is 0.0, but it must be above 0 and at most 1", 2),
  ("--target_rate=1.1", "--target_rate is 1.1, but it must be above 0 and at most 1", 2),
  ("--noise_correlation=1", "--noise_correlation is 1.0, but it must be at least 0 and below 1", 2),
  ("--noise_correlation=nan", "--noise_correlation is nan, but it must be at least 0", 2),
  ("--exploration_noise=inf", "--exploration_noise is inf, but it must be a finite number", 2),
  ("--exploration_noise=-1", "--exploration_noise is -1.0, but it must be a finite number", 2),
  ("--learner=td3 --environments=1", "--exploration_noise is given 2 times, but it must be", 2),
  ("--train --random_steps=2000000", "--random_steps is 2000000, but it must be from 0 to less", 2),
  ("--train --random_steps=-1", "--random_steps is -1, but it must be from 0 to less", 2),
  ("--annealed_steps=2000000", "--annealed_steps is 2000000, but it must be from 0 to the 1000", 2),
  # Fewer transitions than one episode of each policy.
  ("--keep=0", "--keep is 0, but it must be at least 1", 2),
  ("--tier=random --keep=500", "--keep is 500, but it must be at least 1000: one episode", 2),
  ("--tier=medium-expert --keep=1999", "it must be at least 2000: one episode for each of 2", 2),
  ("--tier=full-replay --keep=5999", "it must be at least 6000: one episode for each of 6", 2),
  ("--tier=medium --train --keep=900", "--keep is 900, but it must be at least 1000: one epis", 2),
  ("--tier=play --env=dmg_jax/PointMaze-UMaze-v0 --steps=20", "--steps to at least 3000", 2),
  # Environments.
  ("--env=CartPole-v1", "CartPole-v1': actions must be a bounded continuous box", 2),
  ("--env=Nope-v0", "environment 'Nope-v0' cannot be made", 2),
  ("--env=", "environment '' cannot be made", 2),
  ("--env=../../Hopper-v4", "environment '../../Hopper-v4' cannot be made", 2),
  ("--env=Hopper-v4 --tier=play", "--tier=play is for mazes, such as dmg_jax/PointMaze-Medium", 2),
  ("--env_kwargs=x", "the environment's arguments are 'x', not a JSON object", 2),
  ("--env_kwargs=[1]", "the environment's arguments are '[1]', not a JSON object", 2),
  ("""--env_kwargs='{"wings": 2}'""", "environment 'Hopper-v4' with {'wings': 2} cannot be", 2),
  ("""--train --env_kwargs='{"max_episode_steps": -1}'""", "'Hopper-v4' has no step limit, so", 2),
  # Names of data sets.
  ("--dataset_id=", "'' is not the id of a Minari data set", 2),
  ("--dataset_id=mine", "'mine' is not the id of a Minari data set", 2),
  ("--dataset_id=../../evil-v0", "'../../evil-v0' is not the id of a Minari data set", 2),
  ("--dataset_id=mine/../../evil-v0", "is not the id of a Minari data set", 2),
  ("--dataset_id=/evil-v0", "'/evil-v0' is not the id of a Minari data set", 2),
  (f"--dataset_id=mine/{'x' * 300}-v0", "is not the id of a Minari data set", 2),
  ("--dataset_id=link/evil-v0", "leads out of", 2),
  ("--dataset_id=mine/taken-v0", "taken-v0 exists already", 2),
  ("--dataset_id=mine/taken-v0/in-v0", "is itself a data set", 2),
  ("--dataset_id=dmg/hopper/medium-replay-v0", "comes with the package", 2),
  # Folders and files.
  ("--root=", "--root is empty; give a path, or leave the flag out", 2),
  ("--root=file.txt", "file.txt is not a folder; name another", 2),
  ("--root=file.txt/data", "file.txt is not a folder; name another", 2),
  ("--root=broken/data", "broken is not a folder; name another", 2),
  ("--root=../here/file.txt", "file.txt is not a folder; name another", 2),
  ("--root=~nobody-here/data", "--root=~nobody-here/data: ", 2),
  (f"--root={'x' * 400}", "File name too long", 2),
  ("--export=", "--export is empty; give a path, or leave the flag out", 2),
  ("--export=new.npz", "new.npz must end in .hdf5 or .h5", 2),
  ("--export=no/new.hdf5", "there is no folder", 2),
  ("--export=../no/new.hdf5", "there is no folder", 2),
  ("--export=taken.hdf5", "taken.hdf5 exists already", 2),
  ("--export=folder.hdf5", "folder.hdf5 is a folder", 2),
  ("--export=~nobody-here/new.hdf5", "--export=~nobody-here/new.hdf5: ", 2),
  ("--run_dir=", "--run_dir is empty; give a path, or leave the flag out", 2),
  ("--run_dir=~nobody-here/run", "--run_dir=~nobody-here/run: ", 2),
  ("--train --run_dir=file.txt", "file.txt is a file; name a folder as --run_dir", 2),
  ("--train --run_dir=folder.hdf5", "is not empty and no run directory", 2),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
  """What each case gave, all of them in one process and one folder, in order."""
  here = tmp_path_factory.mktemp("inputs") / "here"
  (here / "minari/mine/taken-v0/data").mkdir(parents=True)
  (here / "folder.hdf5").mkdir()
  (here / "folder.hdf5/mine.txt").write_text("mine")
  (here / "elsewhere").mkdir()
  (here / "minari/link").symlink_to(here / "elsewhere")
  (here / "broken").symlink_to(here / "nothing")
  for name in ("file.txt", "taken.hdf5"):
    (here / name).write_text("mine")
  finished = subprocess.run(
    [sys.executable, ROOT / "tests/launched_cases.py", ROOT / "launch/collect.py"],
    input=json.dumps([shlex.split(arguments) for arguments, _, _ in CASES]),
    capture_output=True,
    text=True,
    cwd=here,
    env=os.environ | {"MINARI_DATASETS_PATH": str(here / "minari"), "HOME": str(here)},
    timeout=600,
  )
  assert finished.returncode == 0, finished.stderr
  return json.loads(finished.stdout)


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case[0] for case in CASES])
def test_bad_input(results, place):
  _, line, code = CASES[place]
  found, errors, changed = results[place]
  lines = errors.splitlines()
  assert lines[-1].startswith("error: ")
  assert line in lines[-1]
  # Mazes are known to be too short only once their few steps are recorded.
  assert all(other.startswith("recording: ") for other in lines[:-1])
  assert found == code
  assert changed == []


def test_help_lists_every_flag_with_its_default():
  finished = subprocess.run(
    [sys.executable, ROOT / "launch/collect.py", "--help"],
    capture_output=True,
    text=True,
    timeout=300,
    check=True,
  )
  for part in ("--root ", "$MINARI_DATASETS_PATH", "--keep ", "(default: 1000000)"):
    assert part in finished.stdout
