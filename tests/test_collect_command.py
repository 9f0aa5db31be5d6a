"""The collector as a user runs it: exit codes, one clear line, nothing lost by a signal."""

import glob
import json
import os
import signal
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
)


def start(*arguments, cwd) -> subprocess.Popen:
  """In an environment whose folder of Minari data sets is `data`."""
  return subprocess.Popen(
    [sys.executable, ROOT / "launch/collect.py", *arguments],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    cwd=cwd,
    env=os.environ | {"MINARI_DATASETS_PATH": "data", "HOME": str(cwd)},
  )


def test_a_collection_goes_on_to_the_same_data_after_any_signal(tmp_path):
  """And the data lie where $MINARI_DATASETS_PATH says, as the readers look for them."""
  signals = {"SIGKILL": -signal.SIGKILL, "SIGTERM": 143}
  for name in ("whole", *signals):
    (tmp_path / name).mkdir()
  for name, code in signals.items():
    process = start(*SMALL, cwd=tmp_path / name)
    deadline = time.monotonic() + 200
    # Not `Path.rglob`, which fails where a folder of a checkpoint goes while it looks.
    wanted = str(tmp_path / name / "**" / "evaluations.jsonl")
    while not any(os.path.getsize(path) for path in glob.glob(wanted, recursive=True)):
      assert process.poll() is None, process.stderr.read()
      assert time.monotonic() < deadline
      time.sleep(0.01)
    process.send_signal(signal.Signals[name])
    _, errors = process.communicate(timeout=200)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    if code > 0:
      assert "stopped and saved after" in errors.splitlines()[-1]
      assert "launch/collect.py --tier=full-replay --train" in errors.splitlines()[-1]
    assert not (tmp_path / name / "data").exists()
  found = []
  for name in ("whole", *signals):
    process = start(*SMALL, cwd=tmp_path / name)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    # Not a terminal: plain lines, not a bar.
    assert "\r" not in errors
    folder = tmp_path / name / "data/dmg/hopper/full-replay-v0"
    assert output.splitlines()[-1] == "data/dmg/hopper/full-replay-v0"
    provenance = json.loads((folder / "provenance.json").read_text())
    found.append((minari_files.load(folder).transitions, provenance["evaluations"]))
  whole, rows = found[0]
  assert len(rows) == 8
  for again, rows_again in found[1:]:
    assert rows == rows_again
    for field in ("observations", "actions", "rewards", "next_observations", "not_dones"):
      np.testing.assert_array_equal(getattr(whole, field), getattr(again, field))
