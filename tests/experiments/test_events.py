"""TensorBoard's event files, read back as TensorBoard reads them."""

import json
import os
import subprocess
import sys

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from dmg_jax import run_log
from dmg_jax.errors import StorageError
from dmg_jax.experiments.events import Events


def read(folder):
  """(tag, step, value) of the one event file in a folder; checksums are checked."""
  (path,) = folder.iterdir()
  content, found = path.read_bytes(), []
  while content:
    length = int.from_bytes(content[:8], "little")
    assert int.from_bytes(content[8:12], "little") == masked_crc32c(content[:8])
    body, content = content[12 : 12 + length], content[12 + length :]
    assert int.from_bytes(content[:4], "little") == masked_crc32c(body)
    content = content[4:]
    event = Event.FromString(body)
    found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
  return found


def test_runs_of_one_seed_have_folders_of_their_own(tmp_path):
  rows = [{"step": 400, "run": run, "policy_q": value} for run, value in (("a", 1.5), ("b", 2.5))]
  (tmp_path / run_log.METRICS).write_text("".join(json.dumps(row) + "\n" for row in rows))
  events = Events(tmp_path)
  events.add(
    run_log.EVALUATIONS,
    [{"step": 800, "run": "b", "episode": e, "return": r} for e, r in ((0, 10.0), (1, 20.0))],
  )
  events.close()
  assert read(tmp_path / "tensorboard" / "a") == [("training/policy_q", 400, 1.5)]
  assert read(tmp_path / "tensorboard" / "b") == [
    ("training/policy_q", 400, 2.5),
    ("evaluation/return", 800, 15.0),
  ]


def test_opening_again_writes_what_the_logs_hold_and_no_more(tmp_path):
  (tmp_path / run_log.METRICS).write_text('{"step": 1, "run": "a", "v": 2.0}\n')
  for _ in range(2):
    events = Events(tmp_path)
    events.add(run_log.METRICS, [{"step": 2, "run": "a", "v": 3.0}])
    events.close()
  Events(tmp_path).close()
  assert read(tmp_path / "tensorboard" / "a") == [("training/v", 1, 2.0)]


@pytest.mark.parametrize("run", ["../out", "a/b", ".."])
def test_no_id_leads_out_of_the_folder(tmp_path, run):
  with pytest.raises(StorageError, match="is no id of a run"):
    Events(tmp_path).add(run_log.METRICS, [{"step": 1, "run": run, "v": 1.0}])
  assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_ends(tmp_path):
  # tensorboardX's own writer printed a thread's traceback here, and then waited without end.
  script = """
import sys
from pathlib import Path
from dmg_jax import run_log
from dmg_jax.errors import StorageError
from dmg_jax.experiments import events
job = events.Events(Path(sys.argv[1]))
folder = Path(sys.argv[1]) / "tensorboard" / "a"
folder.mkdir(parents=True)
(folder / job._name).symlink_to("/dev/full")
try:
  for step in range(100):
    job.add(run_log.METRICS, [{"step": step, "run": "a", "v": 1.0}])
except StorageError as error:
  print(error)
"""
  result = subprocess.run(
    [sys.executable, "-c", script, str(tmp_path)],
    capture_output=True,
    text=True,
    check=False,
    timeout=120,
  )
  assert result.stderr == ""
  (line,) = result.stdout.splitlines()
  assert line == (
    f"{tmp_path / 'tensorboard'} could not be written: No space left on device; make room or"
    " restore access, and start the same command again"
  )
