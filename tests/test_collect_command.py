"""The collector as a user runs it: exit codes, one clear line, nothing lost by a kill."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from dmg_jax.data import minari_files

ROOT = Path(__file__).parents[1]
SMALL = (
  "--tier=full-replay",
  "--train",
  "--steps=800",
  "--random_steps=100",
  "--batch_size=8",
  "--evaluate_every=100",
  "--episodes=1",
  "--checkpoint_every=50",
  "--root=data",
)


def start(*arguments, cwd) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, ROOT / "launch/collect.py", *arguments],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    cwd=cwd,
  )


def test_a_killed_collection_goes_on_to_the_same_data(tmp_path):
  for name in ("whole", "killed"):
    (tmp_path / name).mkdir()
  killed = start(*SMALL, cwd=tmp_path / "killed")
  deadline = time.monotonic() + 200
  while not any(path.stat().st_size for path in tmp_path.glob("killed/**/evaluations.jsonl")):
    assert killed.poll() is None, killed.stderr.read()
    assert time.monotonic() < deadline
    time.sleep(0.01)
  killed.kill()
  killed.wait()
  assert not (tmp_path / "killed/data").exists()
  found = []
  for name in ("whole", "killed"):
    process = start(*SMALL, cwd=tmp_path / name)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    folder = tmp_path / name / output.splitlines()[-1]
    provenance = json.loads((folder / "provenance.json").read_text())
    found.append((minari_files.load(folder).transitions, provenance["evaluations"]))
  (whole, rows), (again, rows_again) = found
  assert rows == rows_again
  assert len(rows) == 8
  for field in ("observations", "actions", "rewards", "next_observations", "not_dones"):
    np.testing.assert_array_equal(getattr(whole, field), getattr(again, field))


def test_an_environment_with_discrete_actions_is_one_line_and_exit_code_2(tmp_path):
  process = start("--env=CartPole-v1", "--tier=random", cwd=tmp_path)
  _, errors = process.communicate(timeout=300)
  assert process.returncode == 2
  (line,) = errors.strip().splitlines()
  assert "CartPole-v1" in line
  assert "continuous" in line
  assert not list(tmp_path.iterdir())
