"""Checkpoints: what was saved comes back, or the one before it, or one line."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

import jax
import made_runs
import numpy as np
import pytest
from absl import logging as absl_logging
from snapshots import snapshot

import dmg_jax
from dmg_jax import checkpoint_files, checkpoints, named_leaves
from dmg_jax.errors import StorageError, UserError

WRITER = Path(__file__).parent / "checkpoint_writer.py"
# Large enough for a data file of its own: small arrays are kept within an index.
TREE = {"a": {"weights": np.arange(20_000, dtype=np.float32)}, "step": np.int32(3)}


def fill(directory, steps=(1, 2), tree=TREE, **options) -> checkpoints.Checkpoints:
  writer = checkpoints.Checkpoints(directory)
  for step in steps:
    changed = jax.tree.map(lambda leaf, step=step: leaf + leaf.dtype.type(step), tree)
    writer.save(step, changed, {"metrics.jsonl": 10 * step}, {}, **options)
  return writer


def weights(restored) -> float:
  """The first weight: the step, as `fill` saved it."""
  return float(restored.tree["a"]["weights"][0])


def test_what_was_saved_comes_back_in_the_structure_asked_for(tmp_path):
  directory = made_runs.make(tmp_path / "run")
  restored = checkpoints.Checkpoints(directory).restore_latest(made_runs.tree())
  assert restored.step == 16
  assert restored.notices == ()
  assert jax.tree.structure(restored.tree) == jax.tree.structure(made_runs.tree())
  jax.tree.map(np.testing.assert_array_equal, restored.tree, made_runs.tree())
  assert restored.positions["metrics.jsonl"] == (directory / "metrics.jsonl").stat().st_size


def test_without_a_checkpoint_a_job_begins(tmp_path):
  restored = checkpoints.Checkpoints(tmp_path).restore_latest(TREE)
  assert (restored.step, restored.positions, restored.notices) == (0, {}, ())
  assert restored.tree is TREE
  assert checkpoints.restore_latest(tmp_path) is None


def test_without_a_device_no_checkpoint_is_called_damaged(tmp_path, monkeypatch):
  fill(tmp_path)

  def devices():
    raise RuntimeError("no backend")

  monkeypatch.setattr(jax, "devices", devices)
  with pytest.raises(RuntimeError, match="no backend"):
    checkpoints.restore_latest(tmp_path)


def test_two_are_kept(tmp_path):
  fill(tmp_path, (1, 2, 9, 10))
  assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["10", "9"]


def test_a_step_is_replaced_whole(tmp_path):
  """A job that a signal stops before an evaluation saves again after it."""
  writer = fill(tmp_path)
  writer.save(2, TREE, {}, {})
  restored = checkpoints.restore_latest(tmp_path)
  assert (weights(restored), restored.positions) == (0, {})
  assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["1", "2"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_replacement_that_fails_leaves_the_former(killed, tmp_path, monkeypatch):
  writer = fill(tmp_path, (1,))
  monkeypatch.setattr(checkpoint_files.ocp.Checkpointer, "save", full_disk)
  if killed:  # what stands on the disk before anything is brought back
    monkeypatch.setattr(checkpoint_files, "clean", lambda folder: None)
  with pytest.raises(StorageError):
    writer.save(1, TREE, {}, {})
  monkeypatch.undo()
  restored = checkpoints.Checkpoints(tmp_path).restore_latest(TREE)
  assert (restored.step, weights(restored), restored.notices) == (1, 1, ())


def full_disk(*_, **__):
  raise OSError(28, "No space left on device")


def damages(path: Path):
  """Every damage of one file: bytes -> bytes, or None for a file that is gone."""
  raw = path.read_bytes()
  middle = len(raw) // 2
  yield "a flipped bit", raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
  yield "zeroed", bytes(len(raw))
  yield "cut", raw[:middle]
  yield "empty", b""
  yield "gone", None


@pytest.fixture
def young_heap():
  """What tests before have left is not looked through again after each failure that is read."""
  gc.freeze()
  yield
  gc.unfreeze()


@pytest.mark.usefixtures("young_heap")
def test_every_damage_of_every_file_is_seen_or_harmless(tmp_path, capfd):
  """It is restored to the bit, or the one before it with a line that names it; never otherwise."""
  fill(tmp_path)
  folder = tmp_path / "checkpoints" / "2"
  fallbacks = set()
  for path in [path for path in folder.rglob("*") if path.is_file()]:
    raw = path.read_bytes()
    for kind, damaged in damages(path):
      path.unlink() if damaged is None else path.write_bytes(damaged)
      restored = checkpoints.Checkpoints(tmp_path).restore_latest(TREE)
      read = checkpoints.restore_latest(tmp_path)
      path.write_bytes(raw)
      name = f"{kind}: {path.relative_to(folder)}"
      assert weights(restored) == weights(read) == restored.step == read.step, name
      np.testing.assert_array_equal(restored.tree["a"]["weights"], TREE["a"]["weights"] + read.step)
      assert restored.positions == {"metrics.jsonl": 10 * restored.step}, name
      assert len(restored.notices) == len(read.notices)
      if read.step == 1:
        assert len(read.notices) == 1, name
        assert "the checkpoint of step 2 in " in read.notices[0]
        assert "\n" not in read.notices[0]
        fallbacks.add((kind, path.relative_to(folder).parts[:2]))
  assert {"a flipped bit", "zeroed", "cut", "empty", "gone"} == {kind for kind, _ in fallbacks}
  assert ("a flipped bit", ("tree", "ocdbt.process_0")) in fallbacks
  assert ("a flipped bit", ("positions", "metadata")) in fallbacks
  out, err = capfd.readouterr()
  assert out + err == ""


def damage(directory: Path, step: int) -> None:
  (directory / "checkpoints" / str(step) / "tree" / "_METADATA").write_bytes(b"")


def test_after_a_damaged_one_the_job_goes_on_and_saves_that_step_anew(tmp_path):
  fill(tmp_path)
  damage(tmp_path, 2)
  writer = checkpoints.Checkpoints(tmp_path)
  assert writer.restore_latest(TREE).step == 1
  writer.save(2, TREE, {}, {})
  restored = checkpoints.Checkpoints(tmp_path).restore_latest(TREE)
  assert (restored.step, weights(restored)) == (2, 0)
  assert (tmp_path / "checkpoints" / "2.damaged").is_dir()


@pytest.mark.parametrize("stray", ["notes", "7.orbax-checkpoint-tmp-1", "012", "-3"])
def test_a_stray_folder_is_no_checkpoint(stray, tmp_path):
  fill(tmp_path)
  (tmp_path / "checkpoints" / stray).mkdir()
  assert checkpoints.restore_latest(tmp_path).step == 2
  assert checkpoints.Checkpoints(tmp_path).restore_latest(TREE).notices == ()


def test_a_stray_folder_named_as_a_step_is_passed_over_and_kept(tmp_path):
  fill(tmp_path)
  (tmp_path / "checkpoints" / "7").mkdir()
  (tmp_path / "checkpoints" / "7" / "thesis.txt").write_text("precious")
  writer = checkpoints.Checkpoints(tmp_path)
  restored = writer.restore_latest(TREE)
  assert restored.step == 2
  assert "step 7" in restored.notices[0]
  writer.save(3, TREE, {}, {})
  assert (tmp_path / "checkpoints" / "7.damaged" / "thesis.txt").read_text() == "precious"
  assert checkpoints.restore_latest(tmp_path).step == 3


def test_an_end_off_the_grid_is_not_continued_from(tmp_path):
  """A longer job goes on from the one before it; the same job is finished."""
  writer = fill(tmp_path, (4,))
  writer.save(6, TREE, {}, {}, only_as_end=True)
  assert checkpoints.Checkpoints(tmp_path).restore_latest(TREE, steps=6).step == 6
  writer = checkpoints.Checkpoints(tmp_path)
  restored = writer.restore_latest(TREE, steps=12)
  assert restored.step == 4
  assert "step 6 is the end of a shorter job" in restored.notices[0]
  writer.save(8, TREE, {}, {})
  assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["4", "8"]


def test_an_end_off_the_grid_with_none_before_it_begins_again(tmp_path):
  checkpoints.Checkpoints(tmp_path).save(6, TREE, {}, {}, only_as_end=True)
  restored = checkpoints.Checkpoints(tmp_path).restore_latest(TREE, steps=12)
  assert (restored.step, restored.positions) == (0, {})
  assert len(restored.notices) == 1


def test_another_structure_is_refused_by_name(tmp_path):
  fill(tmp_path)
  other = {"a": {"weights": np.zeros((3, 2), np.float32)}, "step": np.int32(3)}
  with pytest.raises(UserError, match=r"a/weights is float32 \(20000,\), not float32 \(3, 2\)"):
    checkpoints.Checkpoints(tmp_path).restore_latest(other)


def test_a_reader_creates_and_removes_nothing(tmp_path):
  empty = tmp_path / "empty"
  empty.mkdir()
  assert checkpoints.restore_latest(empty) is None
  assert list(empty.iterdir()) == []
  fill(tmp_path)
  begun = tmp_path / "checkpoints" / "3.orbax-checkpoint-tmp"
  begun.mkdir()
  before = snapshot(tmp_path)
  assert checkpoints.restore_latest(tmp_path).step == 2
  assert snapshot(tmp_path) == before
  checkpoints.Checkpoints(tmp_path)
  assert not begun.exists()


def test_reading_does_not_harm_the_job_that_writes(tmp_path):
  """A process saves as fast as it can; policies of several checkpoints are loaded meanwhile."""
  directory = tmp_path / "run"
  process = subprocess.Popen(
    [sys.executable, WRITER, directory, "500"], stderr=subprocess.PIPE, text=True
  )
  steps = set()
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    while process.poll() is None:
      with contextlib.suppress(UserError):  # before the first checkpoint
        policy = dmg_jax.load_policy(directory, "dmg,seed=0")
        steps.add(float(policy.parameters["scaling"].observation_mean[0]))
        if len(steps) == 4:
          directory.with_suffix(".enough").touch()
  assert process.returncode == 0, process.stderr.read()
  assert len(steps) >= 3, "too few were read while it wrote"
  last = dmg_jax.load_policy(directory).parameters["scaling"].observation_mean[0]
  assert float(last) >= max(steps)


def test_a_directory_that_is_moved_during_a_save_is_one_line(tmp_path, monkeypatch):
  directory = tmp_path / "run"
  directory.mkdir()
  writer = fill(directory)

  def write(folder, *_):
    directory.rename(tmp_path / "moved")
    (folder / "3").mkdir()

  monkeypatch.setattr(checkpoint_files, "write", write)
  with pytest.raises(StorageError, match=r"the checkpoint of step 3 could not be saved"):
    writer.save(3, TREE, {}, {})
  assert checkpoints.restore_latest(tmp_path / "moved").step == 2


def test_a_failed_save_is_one_line_and_leaves_the_process_as_it_was(tmp_path, capfd):
  """The storage layer fails in its own threads, which log what is raised here too."""
  fill(tmp_path)
  verbosity, hook = absl_logging.get_verbosity(), sys.unraisablehook
  loggers = [logging.getLogger(name) for name in ("absl", "asyncio")]
  filters = [list(logger.filters) for logger in loggers]
  with limited_file_size(20_000), pytest.raises(StorageError) as error:
    fill(tmp_path, (3,), {"a": {"weights": np.random.default_rng(0).random(50_000)}})
  assert "the checkpoint of step 3 could not be saved" in str(error.value)
  assert "the checkpoint of step 2 is intact): File too large; make room" in str(error.value)
  assert absl_logging.get_verbosity() == verbosity
  assert sys.unraisablehook is hook
  assert [logger.filters for logger in loggers] == filters
  out, err = capfd.readouterr()
  assert out + err == ""
  assert checkpoints.restore_latest(tmp_path).step == 2
  assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["1", "2"]
  fill(tmp_path, (3,))
  assert checkpoints.restore_latest(tmp_path).step == 3


def test_a_second_write_that_fails_is_not_reported_later(tmp_path, monkeypatch, caplog):
  """The error's frames hold a failed task that no one waits for; it must not outlive the save."""

  async def fail(turns: int) -> None:
    for _ in range(turns):
      await asyncio.sleep(0)
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

  async def write() -> None:
    # The second fails in the loop's last turn, so that its failure is never retrieved.
    both = asyncio.gather(fail(0), fail(3))
    await both

  def save(*_, **__):
    loop = asyncio.new_event_loop()
    try:
      loop.run_until_complete(write())
    finally:
      loop.close()

  with monkeypatch.context() as patched:
    patched.setattr(checkpoint_files.ocp.Checkpointer, "save", save)
    with contextlib.suppress(OSError):
      save()
    gc.collect()
    assert "Task exception was never retrieved" in caplog.text, "nothing is lost: no test"
    caplog.clear()
    with pytest.raises(StorageError, match="File too large"):
      fill(tmp_path, (1,))
  gc.collect()
  assert caplog.text == ""


def test_a_failed_save_clears_no_frame_of_an_error_that_was_handled_before(tmp_path, monkeypatch):
  def fail() -> None:
    kept = "a local"
    raise ValueError(kept)

  def save(*_, **__):
    error = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    raise error from error  # a loop, which must not be followed forever

  monkeypatch.setattr(checkpoint_files.ocp.Checkpointer, "save", save)
  try:
    fail()
  except ValueError as error:
    with pytest.raises(StorageError, match="File too large"):
      fill(tmp_path, (1,))
    *_, last = traceback.walk_tb(error.__traceback__)
    assert last[0].f_locals == {"kept": "a local"}


@contextlib.contextmanager
def limited_file_size(size: int):
  """No file of this process grows beyond `size` bytes meanwhile."""
  import resource

  before = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
  try:
    yield
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_while_saving_is_one_line(tmp_path):
  """On a file system of 2 MB, in a process of its own: no thread prints a traceback."""
  disk = tmp_path / "disk"
  disk.mkdir()
  mounted = subprocess.run(
    ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
  )
  if mounted.returncode != 0:
    pytest.skip("mounting a file system is not permitted here")
  try:
    result = subprocess.run(
      [sys.executable, WRITER, disk / "run", "60", "--grow"],
      capture_output=True,
      text=True,
      check=False,
    )
    assert result.returncode == 1, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert "No space left on device; make room" in line
    restored = checkpoints.restore_latest(disk / "run")
    assert restored is not None
    assert f"the checkpoint of step {restored.step} is intact" in line
  finally:
    subprocess.run(["umount", disk], check=True)


def test_the_digest_knows_names_dtypes_shapes_and_bytes():
  tree = {"a": np.zeros((2, 3), np.float32)}
  digests = {
    named_leaves.digest(other)
    for other in (
      tree,
      {"b": tree["a"]},
      {"a": tree["a"].astype(np.int32)},
      {"a": tree["a"].reshape(3, 2)},
      {"a": tree["a"] + np.float32(1e-45)},
      {"a": -tree["a"]},
    )
  }
  assert len(digests) == 6
  assert named_leaves.digest({"a": np.zeros((3, 2), np.float32).T}) == named_leaves.digest(tree)
