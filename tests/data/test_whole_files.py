"""Files and folders that appear whole or not at all."""

import pytest

from dmg_jax.data import whole_files
from dmg_jax.errors import StorageError


def test_a_file_appears_at_the_end(tmp_path):
  path = tmp_path / "a.txt"
  with whole_files.whole_file(path) as partial:
    partial.write_text("half")
    assert not path.exists()
  assert path.read_text() == "half"
  assert list(tmp_path.iterdir()) == [path]


def write_half(path, error):
  with whole_files.whole_file(path) as partial:
    partial.write_text("half")
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, LookupError])
def test_a_failure_leaves_what_was_there(tmp_path, error):
  path = tmp_path / "a.txt"
  path.write_text("before")
  with pytest.raises(error):
    write_half(path, error)
  assert path.read_text() == "before"
  assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_a_storage_error(tmp_path):
  with pytest.raises(StorageError, match="cannot be written: no room; make room"):
    write_half(tmp_path / "a.txt", OSError("no room"))
  assert not list(tmp_path.iterdir())


def fail_in(folder, name=None):
  with whole_files.made(folder):
    if name:
      (folder / name).write_text("")
    raise LookupError


def test_folders_that_were_made_for_nothing_are_removed(tmp_path):
  with pytest.raises(LookupError):
    fail_in(tmp_path / "a/b/c")
  assert not list(tmp_path.iterdir())
  (tmp_path / "a").mkdir()
  with pytest.raises(LookupError):
    fail_in(tmp_path / "a/b")
  assert list(tmp_path.rglob("*")) == [tmp_path / "a"]
  with pytest.raises(LookupError):
    fail_in(tmp_path / "a/b", "kept")
  assert (tmp_path / "a/b/kept").exists()
