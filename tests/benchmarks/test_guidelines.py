"""Regrets and counts of hints by hand; the stored page is what the command makes."""

import itertools
import json

import numpy as np
import pytest
import regrets
from guidelines import PAGE, RESULT, cells, gather, page
from made_grids import EXPERT, MEDIUM, job
from regrets import Cell

from dmg_jax.errors import UserError


def grid(*rows, signs=()):
  """Cells of lambda 0.25 and 1 by nu 0.1 and 10, two seeds each."""
  settings = [(lam, nu) for lam in (0.25, 1.0) for nu in (0.1, 10.0)]
  return {s: Cell(tuple(row), 0, 0, tuple(signs)) for s, row in zip(settings, rows, strict=True)}


GRIDS = {
  MEDIUM: grid([40.0, 44.0], [30.0, 30.0], [50.0, 40.0], [20.0, 20.0]),
  EXPERT: grid([0.0, 0.0], [100.0, 100.0], [0.0, 0.0], [90.0, 90.0]),
}


def test_regret_is_from_the_best_mean():
  assert regrets.best(GRIDS[MEDIUM]) == (1.0, 0.1)
  assert regrets.regret(GRIDS[MEDIUM], (0.25, 0.1)) == 3.0
  assert regrets.mean_regrets(GRIDS) == {
    (0.25, 0.1): 51.5, (0.25, 10.0): 7.5, (1.0, 0.1): 50.0, (1.0, 10.0): 17.5,
  }  # fmt: skip
  assert regrets.one_for_all(GRIDS) == (0.25, 10.0)


def test_the_papers_setting_follows_the_datas_quality():
  assert regrets.defaults(GRIDS[MEDIUM], MEDIUM) == (0.25, 0.1)
  assert regrets.defaults(GRIDS[EXPERT], EXPERT) == (0.25, 10.0)


def test_a_choice_by_other_seeds_is_scored_on_the_one_left_out():
  # Without the first seed 44 at (0.25, 0.1) is best, whose first is 40; without the second
  # 50 at (1, 0.1), whose second is 40.
  assert regrets.chosen_by_other_seeds(GRIDS[MEDIUM]) == 40.0


def test_a_setting_at_which_a_seed_diverged_is_never_best():
  found = dict(GRIDS[MEDIUM])
  found[1.0, 0.1] = found[1.0, 0.1]._replace(scores=(99.0,), diverged=1)
  assert regrets.best(found) == (0.25, 0.1)
  assert regrets.regret(found, (1.0, 0.1)) == np.inf


def test_hints_are_counted_where_the_method_fails_and_where_not():
  found = dict(GRIDS[MEDIUM])
  found[0.25, 10.0] = found[0.25, 10.0]._replace(signs=("below_data",))
  found[1.0, 0.1] = found[1.0, 0.1]._replace(signs=("diverging_q",))
  counts = regrets.warnings(found, 35.0, None)
  assert counts == {"hits": 1, "misses": 1, "false_alarms": 1, "quiet": 1}
  counts = regrets.warnings(found, 35.0, ["clipped_weights", "not_finite"])
  assert counts == {"hits": 0, "misses": 2, "false_alarms": 0, "quiet": 2}


def test_grids_are_read_from_run_directories(tmp_path):
  points = [(lam, nu) for lam in (0.0, 1.0) for nu in (0.1, 1.0)]
  result = gather([job(tmp_path / "a", points)])
  found = cells(result["data_sets"][MEDIUM])
  assert found[0.0, 0.1] == Cell((0.0, 1.0), 0, 1, ("below_data",))
  assert found[1.0, 1.0] == Cell((), 2, 1, ("below_data",))
  text = page(result)
  assert "| `dmg/hopper/medium-v0` | 30.0 | any | 4 | 0 | 0 | 0 |" in text
  assert "| 1 | x 3 | x 3 |" in text


def test_what_has_no_regrets_is_refused_in_one_line(tmp_path):
  grid, row = list(itertools.product((0.0, 0.5), (0.1, 1.0))), [(0.0, 0.1), (0.5, 1.0)]
  all_diverged, elsewhere = [(1.0, 0.1)], [(0.25, 5.0)]
  cases = {
    "no finished run directory": [str(tmp_path)],
    "no finished run directory of this version (KeyError: 'learned')": [
      job(tmp_path / "old", grid, learned=None)
    ],
    "no grid of lambda and nu": [job(tmp_path / "row", row)],
    "no run of DMG": [job(tmp_path / "iql", grid, method="iql")],
    "two scored seeds": [job(tmp_path / "single", grid, seeds=1)],
    "at which none diverged": [job(tmp_path / "lost", all_diverged)],
    "no point in common": [
      job(tmp_path / "a", grid), job(tmp_path / "b", elsewhere, task=EXPERT)
    ],
  }  # fmt: skip
  summary = json.loads((tmp_path / "old" / "summary.json").read_text())
  for group in summary["groups"]:
    del group["learned"]
  (tmp_path / "old" / "summary.json").write_text(json.dumps(summary))
  for message, run_dirs in cases.items():
    with pytest.raises(UserError) as told:
      gather(run_dirs)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.skipif(not RESULT.exists(), reason="no stored result")
def test_the_stored_page_is_made_from_the_stored_numbers():
  assert page(json.loads(RESULT.read_text())) == PAGE.read_text(encoding="utf-8")
