"""The stored study: its page and pictures, and the command as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.theory import broken, figures, lower_bound, own_mdp, page, performance, study

ROOT = Path(__file__).parents[2]
PLACES = study.Places.of_repository(ROOT)
LINK = "../benchmarks/results/theory.json"


@pytest.fixture(scope="module")
def stored():
  return json.loads(PLACES.numbers.read_text(encoding="utf-8"))


def test_the_page_is_what_its_numbers_make(stored):
  assert PLACES.page.read_text(encoding="utf-8") == page.page(stored, LINK), (
    "run `python launch/study.py theory`"
  )


def test_the_page_shows_each_picture_of_the_study(stored):
  text = PLACES.page.read_text(encoding="utf-8")
  pictures = figures.draw_all(stored)
  assert len(pictures) == 8
  for name, picture in pictures.items():
    assert f"]({name})" in text
    assert picture.startswith(b"\x89PNG")
    assert PLACES.page.with_name(name).exists()


def test_every_theorem_has_instances_and_a_margin_and_held(stored):
  assert stored["command"] == "python launch/study.py theory"
  for number in "12345":
    row = stored["theorems"][number]
    assert row["instances"] > 0
    assert page.verdict(row["worst_margin"]) == "held on all"
  assert stored["theorems"]["3"]["instances"] >= 10_000


def test_what_fails_is_said(stored):
  stored = json.loads(json.dumps(stored))
  stored["theorems"]["3"]["worst_margin"] = -0.01
  assert "| 3, performance | 10,000 | FAILED | -0.01 |" in page.page(stored, LINK)


def test_cheap_numbers_are_what_is_stored(stored):
  crossing = stored["theorems"]["5"]["crossing"]
  for case in crossing:
    assert lower_bound.crossing_case(case["multiple"]) == pytest.approx(case, rel=1e-5)
  curve = stored["assumptions"]["extrapolation"]["curves"]["1.0"]
  made = broken.extrapolated_iterates(1.0, 0.2, 0.9, len(curve) - 1)
  np.testing.assert_allclose(made, curve, rtol=1e-4, atol=1e-4)


def test_a_measurement_has_the_stored_form(stored):
  small = performance.measure(0, instances=20, swept=5)
  assert small.keys() == stored["theorems"]["3"].keys()
  assert small["worst_margin"] >= -1e-10


def test_a_study_is_written_into_a_folder(stored, tmp_path, monkeypatch):
  numbers = {name: stored[name] for name in ("theorems", "assumptions", "practice")}
  numbers |= {name: stored[name] for name in ("seconds", "processor_seconds")}
  monkeypatch.setattr(study, "measure", lambda seed, say: numbers)
  monkeypatch.setattr(figures, "draw_all", lambda _: {"theory_theorem_1.png": b"picture"})
  said: list[str] = []
  out = tmp_path / "new" / "folder"
  study.run(study.Places.of_folder(out), "python launch/study.py theory --out=new", 3, said.append)
  written = json.loads((out / "theory.json").read_text(encoding="utf-8"))
  assert written["seed"] == 3
  assert "jax" in written["versions"]
  assert (out / "theory.md").read_text(encoding="utf-8") == page.page(written, "theory.json")
  assert sorted(path.name for path in out.iterdir()) == sorted(
    ["theory.json", "theory.md", "theory_theorem_1.png"]
  )
  assert f"  {out / 'theory.json'}" in said


def test_nothing_is_measured_where_nothing_can_be_written(tmp_path, monkeypatch):
  monkeypatch.setattr(study, "measure", lambda *_: pytest.fail("measured"))
  (tmp_path / "file").write_text("")
  (tmp_path / "theory.md").mkdir()
  for folder, message in (
    (tmp_path / "file", "is a file, but the study writes into a folder"),
    (tmp_path / "file" / "below", "is a file"),
    (tmp_path, "theory.md is a folder; remove it"),
  ):
    with pytest.raises(UserError, match=message):
      study.run(study.Places.of_folder(folder), "command", 0, print)


def own_arrays(**changes) -> dict:
  """One state, a poor action in the data and a good one 0.1 away."""
  return {
    "actions": np.array([[[0.0], [0.1]]]),
    "transitions": np.ones((1, 2, 1)),
    "rewards": np.array([[2.0, 4.0]]),
    "discount": np.array(0.5),
    "support": np.array([[True, False]]),
  } | changes


def test_a_report_on_ones_own_mdp(tmp_path):
  np.savez(tmp_path / "mdp.npz", **own_arrays())
  lines = list(own_mdp.report(tmp_path / "mdp.npz", 0.1, 0.25, 0))
  assert lines[0].startswith("data         1 actions, 1 more within eps_a = 0.1")
  # V_In = 2 / 0.5 = 4 and V_DMG = 4 / 0.5 = 8. K_R = 2 / 0.1 = 20.
  assert "Theorem 3    V_DMG - V_In from 4 to 4 over states" in lines
  assert "constants    K_R 20, K_P 0 (L1)" in lines
  # lambda eps_a K_Q gamma / (1 - gamma) = 0.25 * 0.1 * 20 = 0.5, attained.
  assert "Theorem 4    over-estimation up to 0.5 after 40 backups, bound 0.5" in lines


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"discount": np.array(1.0)}, "the discount gamma is 1.0"),
    ({"transitions": np.full((1, 2, 1), 0.5)}, r"transitions\[0, 0\] sum to 0.5"),
    ({"support": np.array([[False, False]])}, r"support\[0\] is empty"),
    ({"rewards": np.array([["a", "b"]])}, "rewards holds <U1, but must hold numbers"),
    ({"discount": np.array([0.5, 0.5])}, "discount has shape"),
    ({"actions": np.array([{}])}, "cannot be read as an .npz file of arrays"),
  ],
)
def test_bad_files_are_refused(tmp_path, changes, message):
  np.savez(tmp_path / "mdp.npz", **own_arrays(**changes))
  with pytest.raises(UserError, match=message):
    list(own_mdp.report(tmp_path / "mdp.npz", 0.1, 0.25, 0))


def test_a_field_that_is_missing_is_named(tmp_path):
  arrays = own_arrays()
  del arrays["support"]
  np.savez(tmp_path / "mdp.npz", **arrays)
  with pytest.raises(UserError, match="has no support: it must hold actions, transitions"):
    own_mdp.read(tmp_path / "mdp.npz")
  (tmp_path / "text.npz").write_text("no arrays")
  with pytest.raises(UserError, match="cannot be read"):
    own_mdp.read(tmp_path / "text.npz")


def launch(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, ROOT / "launch/study.py", *map(str, arguments)],
    capture_output=True,
    text=True,
    check=False,
    timeout=300,
    cwd=cwd,
    env=os.environ | {"PYTHONPATH": str(ROOT)},
  )


def test_bad_input_is_one_line_and_exit_code_2(tmp_path):
  np.savez(tmp_path / "mdp.npz", **own_arrays())
  before = sorted(tmp_path.iterdir())
  result = launch("theory", "--mdp=mdp.npz", "--radius=-1", cwd=tmp_path)
  assert (result.returncode, result.stdout) == (2, "")
  assert result.stderr.splitlines() == [
    "error: the radius eps_a is -1.0, but it is a distance: give 0 or more"
  ]
  assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
  ("arguments", "line"),
  [
    (["theory", "--seed=-1"], "flag --seed=-1"),
    (["theory", "--sead=1"], "Unknown command line flag 'sead'"),
    (["theory", "practice"], "'practice' is no flag"),
    (["theory", "--out="], "--out is empty"),
  ],
)
def test_a_slip_is_one_line_and_exit_code_2(arguments, line, tmp_path):
  finished = launch(*arguments, cwd=tmp_path)
  assert finished.returncode == 2
  assert finished.stderr.startswith("error: ")
  assert line in finished.stderr
  assert finished.stderr.count("\n") == 1
  assert not list(tmp_path.iterdir())


def test_an_unknown_study_is_one_line_and_exit_code_2(tmp_path):
  result = launch("practise", cwd=tmp_path)
  assert result.returncode == 2
  assert result.stderr.splitlines() == [
    "error: practise is no study: say `python launch/study.py theory` or "
    "`python launch/study.py structure PART`"
  ]
