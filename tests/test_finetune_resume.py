"""An online job killed or stopped at any point, and started again, ends as if nothing had happened.

The jobs are run as test_plan_resume.py runs the offline ones.
"""

import random
import re
import signal

import finished_jobs
import numpy as np
import pytest
from small_jobs import ROOT
from small_online import SMALL_ONLINE, make_source
from test_plan_resume import launch

from dmg_jax import run_log

# One after another, in one directory.
POINTS = [
  (run_log.EVALUATIONS, 1),
  ("stream_saved", 2),
  (run_log.METRICS, 1),
  ("logs_flushed", 1),
  ("torn_row", 2),
  ("checkpoint_committed", 1),
  ("stream_saved", 1),
  ("checkpoint_committed", 1),
  ("summary_written", 1),
]
STOP = 8


@pytest.fixture(scope="module")
def argv(tmp_path_factory):
  """From the directory of a job to its command."""
  source = make_source(tmp_path_factory.mktemp("offline"))
  config = ROOT / "configs" / "finetune.py"
  values = SMALL_ONLINE | {"source": source}
  words = [f"--config={config}", *(f"--config.{key}={value}" for key, value in values.items())]
  return lambda directory: [str(ROOT / "launch" / "finetune.py"), f"--run_dir={directory}", *words]


@pytest.fixture(scope="module")
def undisturbed(argv, tmp_path_factory):
  directory = tmp_path_factory.mktemp("jobs") / "undisturbed"
  (result,) = launch(directory.parent, [{"argv": argv(directory), "trap": {"point": "count"}}])
  assert result["code"] == 0, result["err"]
  return directory, int(re.search(r"calls: (\d+)", result["err"])[1])


def assert_as_if_nothing_had_happened(undisturbed, directory):
  assert finished_jobs.differences(undisturbed[0], directory) == []
  for folder in (undisturbed[0] / "streams").iterdir():
    there, here = (
      [np.load(part) for part in sorted(one.glob("*.npz"))]
      for one in (folder, directory / "streams" / folder.name)
    )
    for name in there[0].files:
      joined = (np.concatenate([part[name] for part in parts]) for parts in (there, here))
      np.testing.assert_array_equal(*joined)


def test_killed_at_named_points_and_at_a_random_call(undisturbed, argv, tmp_path):
  directory = tmp_path / "killed"
  traps = [{"point": point, "occurrence": occurrence} for point, occurrence in POINTS]
  # The last of the named kills left a finished job; this kills another one.
  other, generator = tmp_path / "random", random.Random(0)
  call = {"point": "call", "occurrence": generator.randrange(undisturbed[1])}
  launches = [{"argv": argv(directory), "trap": trap} for trap in [*traps, None]]
  launches += [{"argv": argv(other), "trap": trap} for trap in [call, None]]
  results = launch(tmp_path, launches)
  for point, result in zip(POINTS, results, strict=False):
    assert result["code"] == -signal.SIGKILL, (point, result["err"])
  assert results[len(POINTS)]["code"] == results[-1]["code"] == 0, results[-1]["err"]
  for one in (directory, other):
    assert_as_if_nothing_had_happened(undisturbed, one)


def test_stopped_by_a_signal_the_printed_command_goes_on(undisturbed, argv, tmp_path):
  directory = tmp_path / "a folder" / "stopped"
  trap = {"point": run_log.METRICS, "occurrence": 3, "signals": [signal.SIGTERM]}
  stopped, last = launch(
    tmp_path, [{"argv": argv(directory), "trap": trap}, {"argv": None, "trap": None}]
  )
  assert stopped["code"] == 128 + signal.SIGTERM, stopped["err"]
  assert f"stopped after step {STOP}, and saved; to go on: python " in stopped["err"]
  assert last["code"] == 0, last["err"]
  assert_as_if_nothing_had_happened(undisturbed, directory)


def test_a_full_disk_is_told_in_one_line_and_the_job_goes_on_once_there_is_room(
  undisturbed, argv, tmp_path
):
  directory = tmp_path / "full"
  trap = {"point": "file_limit", "occurrence": 4}
  full, last = launch(
    tmp_path, [{"argv": argv(directory), "trap": trap}, {"argv": argv(directory), "trap": None}]
  )
  assert full["code"] == 1, full["err"]
  assert full["err"].strip().splitlines()[-1].startswith("error: ")
  assert "Traceback" not in full["err"]
  assert last["code"] == 0, last["err"]
  assert_as_if_nothing_had_happened(undisturbed, directory)
