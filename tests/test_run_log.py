"""Logs: rows come back, nothing is extended, a full disk is one line."""

import json
import resource

import numpy as np
import pytest

from dmg_jax import run_log
from dmg_jax.errors import StorageError, UserError


def test_opening_cuts_off_what_came_after_the_positions(tmp_path):
  log = run_log.RunLog(tmp_path, {})
  log.append(run_log.METRICS, [{"step": 1, "run": "a"}])
  positions = log.positions()
  log.append(run_log.METRICS, [{"step": 2, "run": "a"}])
  log.append(run_log.TIMING, [{"step": 2}])
  log.close()
  run_log.RunLog(tmp_path, positions).close()
  assert run_log.read(tmp_path, run_log.METRICS) == [{"step": 1, "run": "a"}]
  assert run_log.read(tmp_path, run_log.TIMING) == []


def test_a_log_that_is_too_short_is_refused_before_any_is_cut(tmp_path):
  """`truncate` would fill it with NUL bytes."""
  log = run_log.RunLog(tmp_path, {})
  for name in run_log.NAMES:
    log.append(name, [{"step": 1}])
  positions = log.positions()
  log.append(run_log.METRICS, [{"step": 2}])
  log.close()
  (tmp_path / run_log.TIMING).write_bytes(b"")
  before = {name: (tmp_path / name).read_bytes() for name in run_log.NAMES}
  with pytest.raises(UserError, match=r"timing.jsonl holds 0 bytes, but .* with 12"):
    run_log.RunLog(tmp_path, positions)
  assert {name: (tmp_path / name).read_bytes() for name in run_log.NAMES} == before


@pytest.mark.parametrize(
  "damage",
  [
    lambda path: path.unlink(),
    lambda path: path.rename(path.with_suffix(".old")),
    lambda path: (path.unlink(), path.write_text("other\n")),
    lambda path: path.write_text(""),
    lambda path: path.write_text(path.read_text() + "more\n"),
  ],
  ids=["deleted", "moved", "replaced", "emptied", "extended"],
)
def test_what_another_program_does_to_a_log_is_told_at_the_next_checkpoint(damage, tmp_path):
  log = run_log.RunLog(tmp_path, {})
  log.append(run_log.METRICS, [{"step": 1}])
  assert log.positions()[run_log.METRICS] == len('{"step": 1}\n')
  damage(tmp_path / run_log.METRICS)
  log.append(run_log.EVALUATIONS, [{"step": 2}])
  with pytest.raises(StorageError, match=r"metrics.jsonl was deleted, moved or changed by another"):
    log.positions()
  log.close()


def test_a_row_that_is_being_written_is_not_read(tmp_path):
  (tmp_path / run_log.METRICS).write_bytes(b'{"step": 1}\n{"step": 2')
  assert run_log.read(tmp_path, run_log.METRICS) == [{"step": 1}]


NOT_FINITE = [float("inf"), -float("inf"), float("nan")]


def test_numbers_that_are_not_finite_are_json(tmp_path):
  log = run_log.RunLog(tmp_path, {})
  log.append(run_log.METRICS, [{"values": [*NOT_FINITE, np.float32("inf"), 1.5], "n": np.int64(2)}])
  log.close()

  def refuse(constant):
    raise AssertionError(constant)

  text = (tmp_path / run_log.METRICS).read_text()
  assert json.loads(text, parse_constant=refuse) == {
    "values": ["inf", "-inf", "nan", "inf", 1.5],
    "n": 2,
  }
  (row,) = run_log.read(tmp_path, run_log.METRICS)
  np.testing.assert_array_equal(row["values"], [*NOT_FINITE, np.inf, 1.5])
  run_log.write_json(tmp_path / "point.json", {"steps": np.inf, "sizes": (3, 4)})
  text = (tmp_path / "point.json").read_text()
  assert json.loads(text, parse_constant=refuse) == {"steps": "inf", "sizes": [3, 4]}
  assert run_log.decode(json.loads(text)) == {"steps": float("inf"), "sizes": [3, 4]}


@pytest.fixture
def small_files():
  """Files of this process may not grow beyond 1,000 bytes."""
  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
  yield
  resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_line_for_a_log(tmp_path, small_files):
  log = run_log.RunLog(tmp_path, {})
  log.append(run_log.METRICS, [{"text": "x" * 900}])
  with pytest.raises(StorageError, match=r"metrics.jsonl could not be written: File too large"):
    log.append(run_log.METRICS, [{"text": "x" * 900}])
  log.close()


def test_a_full_disk_is_one_line_for_json_and_leaves_the_old_file(tmp_path, small_files):
  path = tmp_path / "summary.json"
  run_log.write_json(path, {"a": 1})
  with pytest.raises(StorageError, match=r"summary.json could not be written: File too large"):
    run_log.write_json(path, {"a": "x" * 2000})
  assert json.loads(path.read_text()) == {"a": 1}
  assert list(tmp_path.iterdir()) == [path]
