"""Ids of data sets, and the folders that they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmg_jax.data import download, minari_files, names
from dmg_jax.errors import UserError


@pytest.mark.parametrize("name", ["hopper-v0", "mine/hopper-v12", "D4RL/pointmaze/umaze-v2"])
def test_ids(name):
  assert names.is_dataset_id(name)


@pytest.mark.parametrize(
  "name",
  [
    "",
    "hopper",
    "hopper-v",
    "-v0 ",
    "mine/hopper-v0\n",
    "../hopper-v0",
    "mine/../hopper-v0",
    "/mine/hopper-v0",
    "mine//hopper-v0",
    "mine/hopper-v0/",
    "mine\\hopper-v0",
    "a.b/hopper-v0",
    "é/hopper-v0",
    "data/hopper-v0",
    "x" * 200 + "-v0",
  ],
)
def test_other_names(name):
  assert not names.is_dataset_id(name)


@given(st.text(alphabet="ab./-_v01 ~\\", max_size=20))
def test_no_id_leads_out_of_its_folder(tmp_path_factory, name):
  root = tmp_path_factory.getbasetemp() / "root"
  if names.is_dataset_id(name):
    assert (root / name).resolve().is_relative_to(root)
    assert names.new_dataset(root, name) == root / name
  else:
    with pytest.raises(UserError):
      names.new_dataset(root, name)


def test_a_path_inside(tmp_path):
  assert names.inside(tmp_path, tmp_path / "a/b") == tmp_path / "a/b"
  (tmp_path / "root").mkdir()
  (tmp_path / "root/link").symlink_to(tmp_path)
  for path in ("../root-b", "..", "link/a", "/etc"):
    with pytest.raises(UserError, match="leads out of"):
      names.inside(tmp_path / "root", tmp_path / "root" / path)


def test_a_file_in_the_way_is_named(tmp_path):
  (tmp_path / "mine").write_text("")
  with pytest.raises(UserError, match="mine is a file"):
    names.new_dataset(tmp_path, "mine/hopper-v0")
  with pytest.raises(UserError, match="mine is a file"):
    names.new_dataset(tmp_path / "mine", "hopper-v0")


def test_a_variable_that_names_nobodys_home_is_one_line(monkeypatch):
  monkeypatch.setenv("MINARI_DATASETS_PATH", "~nobody-here/x")
  monkeypatch.setenv("D4RL_DATASET_DIR", "~nobody-here/y")
  with pytest.raises(UserError, match=r"~nobody-here/x: .*set MINARI_DATASETS_PATH to"):
    minari_files.root()
  with pytest.raises(UserError, match=r"~nobody-here/y: .*set D4RL_DATASET_DIR to"):
    download.directory()
