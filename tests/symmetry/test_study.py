"""The stored study: its page and pictures, and the command as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import figures, page, study
from dmg_jax.symmetry.cells import Cells, read

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
    Cells(tmp_path / f"{part}.json", numbers, study.PARTS[part].settings, print)


def header(seed: int = 0) -> dict:
  return {"command": "command", "seed": seed}


def test_a_cell_is_computed_once_and_outlives_its_process(tmp_path):
  path, said = tmp_path / "structure_some.json", []
  Cells(path, header(), {"steps": 3}, said.append).fill("first", lambda: {"value": 1 / 3})
  again = Cells(path, header(), {"steps": 3}, said.append)
  again.fill("first", lambda: pytest.fail("computed again"))
  again.fill("second", lambda: {"value": 2})
  cells = read(path)["cells"]
  assert {name: cell["value"] for name, cell in cells.items()} == {"first": 0.333333, "second": 2}
  assert len(said) == 2


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
