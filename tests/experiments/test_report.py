"""Reports as a person asks for them."""

import csv
import os
from pathlib import Path

import pytest
from made_directories import write

from dmg_jax.errors import StorageError, UserError
from dmg_jax.experiments import report
from dmg_jax.report.figures import gallery, style
from dmg_jax.report.scores import aggregates

OWN = "dmg/hopper/medium-replay-v0"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  monkeypatch.setattr(aggregates, "DRAWS", 10)
  monkeypatch.setitem(style._SETTINGS, "savefig.dpi", 50)


@pytest.fixture
def _no_figures(monkeypatch):
  monkeypatch.setattr(gallery, "draw", lambda *_: iter(()))


def run_directory(path, lasts=(60.0, 62.0), dataset=OWN, frozen_at=(-1, -1)):
  """A finished job of two seeds, evaluated twice."""
  group = {
    "scores": [[1.0, last] for last in lasts], "frozen_at": frozen_at, "task": {"name": dataset}
  }  # fmt: skip
  return write(path, group, evaluation_episodes=1)


def ask(runs, out, **changes):
  asked = {"table": "2", "foreign_files": [], "peers": False, "statistic": "last"}
  asked |= {"width": "column"} | changes
  return list(report.report([str(path) for path in runs], out=out and str(out), **asked))


def test_a_report_is_printed_and_written(tmp_path):
  text, *files = ask([run_directory(tmp_path / "runs/a")], tmp_path / "out")
  assert f"| {OWN} | DMG" in text
  assert "61.0 ± 1.4" in text
  assert "episodes an evaluation: 1;" in text
  assert (tmp_path / "out/table_2.md").read_text() == text
  written = sorted(path.name for path in (tmp_path / "out").iterdir())
  assert [Path(line).name for line in files[1:]] == written
  assert written == sorted(
    [f"table_2.{suffix}" for suffix in ("csv", "md", "tex")]
    + ["aggregates_own_data.csv"]
    + [
      f"{name}_own_data.{suffix}"
      for name in ("learning_curves", "profiles", "aggregates")
      for suffix in ("pdf", "png")
    ]
  )


@pytest.mark.usefixtures("_no_figures")
def test_notices_are_printed_and_written(tmp_path):
  run_directory(tmp_path / "runs/a")
  other = run_directory(tmp_path / "runs/b", (1.0, 2.0), "dmg/hopper/other-v0")
  (other / "summary.json").unlink()
  text, *_ = ask([tmp_path / "runs"], tmp_path / "out")
  (line,) = (line for line in text.splitlines() if str(other) in line)
  assert "not finished" in line
  assert line in (tmp_path / "out/table_2.md").read_text()


@pytest.mark.usefixtures("_no_figures")
def test_a_diverged_seed_is_counted_in_its_cell(tmp_path):
  directory = run_directory(tmp_path / "runs", frozen_at=(-1, 15))
  text, *_ = ask([directory], tmp_path / "out")
  assert "| 1, 1 diverged |" in text
  assert "seed 1 is left out: it diverged at step 15" in text


@pytest.mark.usefixtures("_no_figures")
def test_foreign_scores_and_published_ones_stand_beside(tmp_path):
  path = tmp_path / "theirs.csv"
  path.write_text("method,dataset,seed,score\nTheirs,hopper-medium-v2,0,77.5\n")
  text, *_ = ask([], tmp_path / "out", foreign_files=[str(path)], peers=True)
  names = [line.split("|")[2].strip() for line in text.splitlines() if "| hopper-medium-v2" in line]
  assert {"Theirs", "ReBRAC"} <= {*names}
  with open(tmp_path / "out/table_2.csv") as file:
    rows = {(row["dataset"], row["method"]): row for row in csv.DictReader(file)}
  assert float(rows["hopper-medium-v2", "Theirs"]["mean"]) == 77.5
  assert len(rows["hopper-medium-v2", "ReBRAC"]["seeds"].split()) == 10
  # Published scores on data that nobody asked about stay away.
  assert not any("door" in dataset for dataset, _ in rows)


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(os, "access", lambda path, mode: False)
  with pytest.raises(UserError, match="cannot be written: permission denied; name another --out"):
    ask([run_directory(tmp_path / "runs")], tmp_path / "out")


def test_an_unreadable_folder_of_runs_is_no_empty_one(tmp_path, monkeypatch):
  run_directory(tmp_path / "runs" / "a")
  whole = os.scandir

  def scandir(path):
    if str(path).endswith("runs"):
      raise PermissionError(13, "Permission denied", str(path))
    return whole(path)

  monkeypatch.setattr(os, "scandir", scandir)
  with pytest.raises(UserError, match="runs cannot be read: Permission denied"):
    ask([tmp_path / "runs"], tmp_path / "out")


def test_a_failed_report_harms_nothing(tmp_path, monkeypatch):
  runs, out = run_directory(tmp_path / "runs"), tmp_path / "out"
  out.mkdir()
  (out / "table_2.md").write_text("old")

  def fail(figure, stem):
    stem.with_suffix(".png").write_bytes(b"half")
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(style, "write", fail)
  with pytest.raises(StorageError, match="could not be written: No space left on device"):
    ask([runs], out)
  with pytest.raises(StorageError):
    ask([runs], tmp_path / "new")
  assert not (tmp_path / "new").exists()
  assert [path.name for path in out.iterdir()] == ["table_2.md"]
  assert (out / "table_2.md").read_text() == "old"


@pytest.mark.usefixtures("_no_figures")
def test_another_table_leaves_the_first_and_a_new_one_replaces_it(tmp_path):
  runs, out = run_directory(tmp_path / "runs"), tmp_path / "out"
  ask([runs], out)
  first = (out / "table_2.md").read_text()
  text, *_ = ask([runs], out, table="6")
  assert "95 % interval of the mean" in text
  assert (out / "table_2.md").read_text() == first
  text, *_ = ask([runs], out, statistic="best")
  assert "BEST" in (out / "table_2.md").read_text()


@pytest.mark.usefixtures("_no_figures")
def test_a_folder_in_the_place_of_a_file_is_named_before_any_is_replaced(tmp_path):
  runs, out = run_directory(tmp_path / "runs"), tmp_path / "out"
  (out / "table_2.md").mkdir(parents=True)
  (out / "table_2.csv").write_text("old")
  with pytest.raises(UserError, match=r"out/table_2\.md is a folder; remove it or name another"):
    ask([runs], out)
  assert (out / "table_2.csv").read_text() == "old"
  assert sorted(path.name for path in out.iterdir()) == ["table_2.csv", "table_2.md"]
