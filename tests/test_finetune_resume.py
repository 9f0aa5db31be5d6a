"""An online job killed or stopped at any point, and started again, ends as if nothing had happened.

All jobs are run by one process, as test_plan_resume.py runs the offline ones.
"""

import random
import signal

import finished_jobs
import numpy as np
import pytest
from small_jobs import ROOT
from small_online import SMALL_ONLINE, make_source
from test_plan_resume import launch

from dmg_jax import run_log

KILLED = -signal.SIGKILL
# One after another, in one directory: point, occurrence, signals, exit code.
TRAPS = [
  ("file_limit", 4, None, 1),
  ("stream_saved", 2, None, KILLED),
  (run_log.METRICS, 1, [signal.SIGTERM], 128 + signal.SIGTERM),
  ("logs_flushed", 1, None, KILLED),
  ("torn_row", 1, None, KILLED),
  ("checkpoint_committed", 1, None, KILLED),
  ("stream_saved", 1, None, KILLED),
  ("checkpoint_committed", 1, None, KILLED),
  ("summary_written", 1, None, KILLED),
]
# About as many as such a job makes; a job that ends before is not killed.
CALLS = 13_000


@pytest.fixture(scope="module")
def results(tmp_path_factory):
  """The folder of the jobs, and what each launch gave: undisturbed, trapped, at a random call."""
  folder = tmp_path_factory.mktemp("jobs")
  config = ROOT / "configs" / "finetune.py"
  values = SMALL_ONLINE | {"source": make_source(folder)}
  words = [f"--config={config}", *(f"--config.{key}={value}" for key, value in values.items())]

  def argv(name):
    return [str(ROOT / "launch" / "finetune.py"), f"--run_dir={folder / name}", *words]

  traps = [
    {"point": point, "occurrence": occurrence, "signals": signals}
    for point, occurrence, signals, _ in TRAPS
  ]
  call = {"point": "call", "occurrence": random.Random(0).randrange(CALLS)}
  launches = [{"argv": argv("undisturbed"), "trap": None}]
  launches += [{"argv": argv("trapped"), "trap": trap} for trap in [*traps, None]]
  launches += [{"argv": argv("random"), "trap": trap} for trap in (call, None)]
  undisturbed, *trapped, call, last = launch(folder, launches)
  assert undisturbed["code"] == last["code"] == 0, undisturbed["err"] + last["err"]
  return folder, trapped


def test_every_trap_closed_where_it_was_set(results):
  *trapped, last = results[1]
  for (point, *_, code), result in zip(TRAPS, trapped, strict=True):
    assert result["code"] == code, (point, result["err"])
    assert "Traceback" not in result["err"]
  assert last["code"] == 0, last["err"]
  full, stopped = trapped[0], trapped[2]
  assert full["err"].strip().splitlines()[-1].startswith("error: ")
  assert "stopped after step 4, and saved; to go on: python " in stopped["err"]


@pytest.mark.parametrize("name", ["trapped", "random"])
def test_it_ends_as_if_nothing_had_happened(results, name):
  folder, _ = results
  assert finished_jobs.differences(folder / "undisturbed", folder / name) == []
  for there in (folder / "undisturbed" / "streams").iterdir():
    ours, theirs = (
      [np.load(part) for part in sorted(one.glob("*.npz"))]
      for one in (folder / name / "streams" / there.name, there)
    )
    for field in theirs[0].files:
      joined = (np.concatenate([part[field] for part in parts]) for parts in (ours, theirs))
      np.testing.assert_array_equal(*joined)
