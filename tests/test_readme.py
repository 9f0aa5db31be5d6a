"""The pages' figures are those that a command measured."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pages():
  spec = importlib.util.spec_from_file_location("pages", ROOT / "benchmarks" / "pages.py")
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@pytest.mark.parametrize(
  "name",
  [
    "README.md", "docs/benchmarks.md", "docs/data.md", "docs/family.md", "docs/jobs.md",
    "docs/scale_hosts.part.md",
  ],
)  # fmt: skip
def test_measured_tables_are_those_of_the_stored_results(pages, name):
  text = (ROOT / name).read_text()
  assert name in pages.PAGES
  assert "<!-- measured: " in text
  assert pages.filled(text) == text


def test_a_table_is_made_from_its_result(pages, monkeypatch):
  result = {
    "versions": {"jax": "1"},
    "devices": ["cpu"],
    "groups": [
      {
        "label": "DMG",
        "last_step": 1000,
        "episodes_per_evaluation": 7,
        "window": 2,
        "data_score": 3.25,
        "runs": [
          {"seed": 4, "last": 1.0, "mean_of_window": 2.0},
          {"seed": 5, "last": 3.0, "mean_of_window": 4.0},
        ],
        "last": {"mean": 2.0, "sd": 1.41, "iqm": 2.0, "iqm_interval": [1.0, 3.0]},
        "mean_of_window": {"mean": 3.0, "sd": 1.41, "iqm": 3.0, "iqm_interval": [2.0, 4.0]},
      }
    ],
  }
  monkeypatch.setattr(pages, "stored", lambda _: result)
  text = pages.filled("before\n<!-- measured: main_job -->\nold\n<!-- end -->\nafter")
  assert "| last evaluation | 2.0 ± 1.4 | 2.0 [1.0, 3.0] | 1.0, 3.0 |" in text
  assert "seeds 4 to 5" in text
  assert "old" not in text
  assert text.startswith("before\n")
  assert text.endswith("\nafter")


@pytest.mark.parametrize("damage", ["cut", "bytes", "missing"])
def test_a_damaged_archive_is_one_line_and_no_page_is_written(
  damage, pages, tmp_path, monkeypatch, capsys
):
  content = bytearray(pages.family_pages.ARCHIVE.read_bytes())
  content[1000:1040] = bytes(40)
  archive = tmp_path / "family_h100.tar.gz"
  if damage != "missing":
    archive.write_bytes(content if damage == "bytes" else content[:1000])
  monkeypatch.setattr(pages.family_pages, "ARCHIVE", archive)
  monkeypatch.setattr(Path, "write_text", lambda *_: pytest.fail("a page was written"))
  with pytest.raises(SystemExit) as end:
    pages.main([])
  assert end.value.code == 2
  (line,) = capsys.readouterr().err.splitlines()
  assert line.startswith(f"error: {archive} is damaged or missing (")


def test_own_tiers_are_all_there():
  """docs/own_data.md is held to its result by a test of its own."""
  rows = json.loads((ROOT / "benchmarks/results/own_tiers.json").read_text())["datasets"]
  assert {len(row["dmg_scores"]) for row in rows} == {2}
  assert np.isfinite([row["data_score"] for row in rows]).all()


def test_every_link_of_the_pages_leads_somewhere():
  for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
      if "://" not in target:
        assert (page.parent / target).exists(), f"{page.name}: {target}"
