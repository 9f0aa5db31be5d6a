"""Reports as a person asks for them."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.experiments import report
from dmg_jax.report.figures import gallery, population_figures, style
from dmg_jax.report.tables import job_table

OWN = "dmg/hopper/medium-replay-v0"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  monkeypatch.setattr(population_figures, "_DRAWS", 10)
  monkeypatch.setitem(style._SETTINGS, "savefig.dpi", 50)


@pytest.fixture
def _no_figures(monkeypatch):
  monkeypatch.setattr(gallery, "draw", lambda *_: iter(()))


def run_directory(path, lasts=(60.0, 62.0), dataset=OWN, frozen_at=(-1, -1)):
  """A finished job of two seeds, evaluated twice."""
  config = {
    "dataset": dataset, "env": "Hopper-v4", "lam": 0.25, "nu": 0.1, "q_coefficient": 1.0,
    "inverse_temperature": 3.0, "weight_clip": 3.0, "target_rate": 0.05, "steps": 20, "seeds": 2,
    "first_seed": 0, "evaluation_interval": 10, "evaluation_episodes": 1, "data_sha256": "ab",
  }  # fmt: skip
  results = job_table.Results(
    "DMG", dataset, np.arange(2), np.array([10, 20]), np.array([[1.0, last] for last in lasts]),
    job_table.SCORE, 1, np.array(frozen_at),
  )  # fmt: skip
  rows = [
    {"step": step, "run": seed, "seed": seed, "episode": 0, "score": score}
    for seed, last in enumerate(lasts)
    for step, score in ((10, 1.0), (20, last))
  ]
  path.mkdir(parents=True)
  (path / "config.json").write_text(json.dumps(config))
  (path / "evaluations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
  (path / "summary.json").write_text(
    json.dumps({"results": job_table.summarise(results), "config": config, "versions": {}})
  )
  return path


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
  header = next(line for line in text.splitlines() if line.startswith("| data set"))
  assert "| Theirs |" in " ".join(header.split())
  assert "| ReBRAC |" in " ".join(header.split())
  with open(tmp_path / "out/table_2.csv") as file:
    rows = {(row["dataset"], row["method"]): row for row in csv.DictReader(file)}
  assert float(rows["hopper-medium-v2", "Theirs"]["mean"]) == 77.5
  assert len(rows["hopper-medium-v2", "ReBRAC"]["seeds"].split()) == 10
  # Published scores on data that nobody asked about stay away.
  assert not any("door" in dataset for dataset, _ in rows)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"table": "5"}, "--table is '5', but it must be one of 2, 3, 4, 6"),
    ({"table": "two"}, "--table is 'two', but it must be one of 2, 3, 4, 6"),
    ({"statistic": "max"}, "--statistic is 'max', but it must be one of last, last_ten, best"),
    ({"width": "wide"}, "--width is 'wide', but it must be one of column, full"),
    ({"foreign_files": ["nowhere.csv"]}, "nowhere.csv"),
  ],
)
def test_what_is_not_known_is_refused(tmp_path, changes, message):
  with pytest.raises(UserError) as refusal:
    ask([run_directory(tmp_path / "runs")], tmp_path / "out", **changes)
  assert message in str(refusal.value)
  assert "\n" not in str(refusal.value)
  assert not (tmp_path / "out").exists()


def test_without_runs_there_is_no_report(tmp_path):
  with pytest.raises(UserError, match="no runs: name run directories"):
    ask([], tmp_path / "out")
  (tmp_path / "empty").mkdir()
  with pytest.raises(UserError, match="holds no run directory"):
    ask([tmp_path / "empty"], tmp_path / "out")
  with pytest.raises(UserError, match="no folder"):
    ask([tmp_path / "nowhere"], tmp_path / "out")
  assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", [None, "file", "file/below"])
def test_a_place_that_is_no_folder_is_refused(tmp_path, out):
  (tmp_path / "file").write_text("mine")
  with pytest.raises(UserError, match=r"no --out|is a file; name a folder"):
    ask([run_directory(tmp_path / "runs")], out and tmp_path / out)
  assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(os, "access", lambda path, mode: False)
  with pytest.raises(UserError, match="cannot be written: permission denied; name another --out"):
    ask([run_directory(tmp_path / "runs")], tmp_path / "out")


def test_a_failed_report_harms_nothing(tmp_path, monkeypatch):
  runs, out = run_directory(tmp_path / "runs"), tmp_path / "out"
  out.mkdir()
  (out / "table_2.md").write_text("old")

  def fail(figure, stem):
    stem.with_suffix(".png").write_bytes(b"half")
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(style, "write", fail)
  with pytest.raises(UserError, match="cannot be written: No space left on device"):
    ask([runs], out)
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
