"""The stored study: its page and pictures, and the command as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import figures, page, study
from dmg_jax.symmetry.cells import Cells, Share, read, share

ROOT = Path(__file__).parents[2]
PLACES = study.Places.of_repository(ROOT)


@pytest.fixture(scope="module")
def stored():
  return study.stored(PLACES)


def test_the_page_is_what_its_numbers_make(stored):
  assert PLACES.page.read_text(encoding="utf-8") == page.page(stored), (
    "run `python launch/study.py structure page`"
  )


def test_the_page_shows_each_picture_of_the_study(stored):
  text = PLACES.page.read_text(encoding="utf-8")
  for name, picture in figures.draw_all(stored).items():
    assert f"]({name})" in text
    assert picture.startswith((b"\x89PNG", b"GIF8"))
    assert PLACES.page.with_name(name).exists()


def test_the_stored_settings_are_those_of_the_code(stored, tmp_path):
  for part, numbers in stored.items():
    (tmp_path / f"{part}.json").write_bytes(PLACES.file(part).read_bytes())
    header = {"seed": numbers["seed"]}
    Cells(tmp_path / f"{part}.json", header, study.PARTS[part].settings, print)


def header(seed: int = 0, device: str = "cpu") -> dict:
  return {"command": "command", "seed": seed, "device": device}


def test_a_cell_is_computed_once_and_outlives_its_process(tmp_path):
  path, said = tmp_path / "structure_some.json", []
  Cells(path, header(), {"steps": 3}, said.append).fill("first", lambda: {"value": 1 / 3})
  again = Cells(path, header(), {"steps": 3}, said.append)
  again.fill("first", lambda: pytest.fail("computed again"))
  again.fill("second", lambda: {"value": 2})
  cells = read(path)["cells"]
  assert {name: cell["value"] for name, cell in cells.items()} == {"first": 0.333333, "second": 2}
  assert len(said) == 2


def test_shares_fill_one_file_and_a_cell_says_what_made_it(tmp_path):
  path, said = tmp_path / "structure_some.json", []
  pairs = [("a", "b"), ("c", "d"), ("e", "f")]
  # Both begin before either has stored anything.
  both = [
    Cells(path, header(device=f"device {number}"), {}, said.append, Share(number, 2))
    for number in (1, 2)
  ]
  for number, cells in enumerate(both):
    cells.fill_for_all("facts", lambda number=number: {"value": number})
    for pair in pairs:
      cells.fill_together(pair, lambda pair=pair: {name: {"value": name} for name in pair})
  stored = read(path)
  devices = [by["device"] for by in stored["made_by"]]
  made = {name: devices[cell["made_by"]] for name, cell in stored["cells"].items()}
  assert made == {
    "facts": "device 1", **dict.fromkeys("abef", "device 1"), **dict.fromkeys("cd", "device 2")
  }  # fmt: skip
  # The first to store a cell that all need is the one whose cell stays, also for the others.
  assert both[0]["facts"]["value"] == both[1]["facts"]["value"] == 0
  whole = Cells(path, header(), {}, said.append)
  for pair in pairs:
    whole.fill_together(pair, lambda: pytest.fail("computed again"))
  assert len(said) == 5


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "2", "a/b", "1/2/3", "-1/4"])
def test_a_share_that_is_none_is_one_line(text):
  assert share("4/4") == (4, 4)
  with pytest.raises(UserError, match="is no share: write --share=2/4"):
    share(text)


def test_a_share_of_the_page_is_one_line(tmp_path):
  with pytest.raises(UserError, match="leave it out for page"):
    study.run(study.Places.of_folder(tmp_path), "command", "page", 0, print, Share(1, 2))


def test_a_source_tells_what_each_device_made():
  by = [
    {"command": "one", "versions": {"jax": "1"}, "device": name, "processes": count}
    for name, count in (("cpu", 1), ("gpu", 3))
  ]
  cells = {name: {"processor_seconds": 60.0, "made_by": int(name > "b")} for name in "abc"}
  told = page.source("mild", {"seed": 0, "made_by": by, "cells": cells})
  assert "`one`, seed 0, jax 1 on cpu, 2.0 minutes of processor time (2 cells); `one`" in told
  assert "on gpu, 1.0 minutes of processor time of 3 processes at once (1 cells)." in told


@pytest.mark.parametrize(("seed", "steps"), [(1, 3), (0, 4)])
def test_cells_of_other_settings_are_not_mixed(tmp_path, seed, steps):
  path = tmp_path / "structure_some.json"
  Cells(path, header(), {"steps": 3}, print).fill("first", lambda: {"value": 1})
  with pytest.raises(UserError, match="other settings or another seed"):
    Cells(path, header(seed), {"steps": steps}, print)


def test_a_broken_file_is_one_line(tmp_path):
  (tmp_path / "structure_circle.json").write_text("{")
  with pytest.raises(UserError, match="cannot be read as stored numbers"):
    study.run(study.Places.of_folder(tmp_path), "command", "circle", 0, print)


def test_an_unknown_part_or_a_page_of_nothing_is_one_line(tmp_path):
  for part, message in (("square", "square is no part"), ("page", "holds no numbers of the study")):
    with pytest.raises(UserError, match=message):
      study.run(study.Places.of_folder(tmp_path / "new"), "command", part, 0, print)
  assert not list(tmp_path.iterdir())


def test_a_slip_is_one_line_and_exit_code_2(tmp_path):
  finished = subprocess.run(
    [sys.executable, ROOT / "launch/study.py", "structure", "circle", "--lam=0.5"],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
    cwd=tmp_path,
    env=os.environ | {"PYTHONPATH": str(ROOT)},
  )
  assert finished.returncode == 2
  assert finished.stderr == "error: --lam is for `theory`; leave it out\n"
  assert not list(tmp_path.iterdir())
