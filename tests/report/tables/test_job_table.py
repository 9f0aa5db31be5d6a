import json

import numpy as np
import pytest

from dmg_jax.report.paper.paper_scores import paper_row
from dmg_jax.report.tables.job_table import Results, summarise
from dmg_jax.report.tables.job_text import text
from dmg_jax.report.units import RETURN, SCORE


def make_results(**changes):
  """Three seeds at twelve evaluations: levels 10, 20, 60, the last 5 higher."""
  scores = np.array([[10.0], [20.0], [60.0]]) + np.zeros((3, 12))
  scores[:, :2] = -1000.0
  scores[:, -1] += 5
  results = Results(
    task="hopper-medium-v2",
    method="dmg",
    label="DMG",
    point={"lam": 0.25},
    runs=("a", "b", "c"),
    seeds=np.array([0, 1, 2]),
    steps=np.arange(1, 13) * 1000,
    scores=scores,
    unit=SCORE,
    episodes=10,
    frozen_at=np.array([-1, -1, -1]),
    data_return=1422.06,
    data_score=44.32,
    paper=paper_row("hopper-medium-v2"),
  )
  return results._replace(**changes)


def lines_with(table, label):
  return [line for line in table.splitlines() if line.startswith(label)]


def test_summary_of_the_seeds():
  summary = summarise(make_results())
  assert summary["runs"][1] == {
    "id": "b",
    "seed": 1,
    "diverged_at": None,
    "no_score_at": None,
    "last": 25.0,
    "mean_of_window": 20.5,
  }
  assert summary["last"]["mean"] == pytest.approx(35.0)
  # Deviations from 35 are -20, -10, 30: sqrt(1400 / 2).
  assert summary["last"]["sd"] == pytest.approx(np.sqrt(700))
  assert summary["mean_of_window"]["mean"] == pytest.approx(30.5)
  assert summary["last"]["iqm"] == pytest.approx(35.0)
  assert summary["last"]["seeds"] == 3
  low, high = summary["last"]["iqm_interval"]
  assert 15 <= low < 35 < high <= 65
  assert (summary["last_step"], summary["window"], summary["evaluations"]) == (12000, 10, 12)


def test_a_diverged_seed_is_listed_and_never_averaged():
  scores = make_results().scores
  scores[2] = 1e9
  results = make_results(frozen_at=np.array([-1, -1, 4000]), scores=scores)
  summary = summarise(results)
  assert summary["last"]["mean"] == pytest.approx(20.0)
  assert summary["mean_of_window"]["mean"] == pytest.approx(15.5)
  assert summary["last"]["seeds"] == 2
  assert summary["runs"][2] == {
    "id": "c",
    "seed": 2,
    "diverged_at": 4000,
    "no_score_at": None,
    "last": None,
    "mean_of_window": None,
  }
  table = text([results])
  assert " ".join(lines_with(table, "seed 2")[0].split()) == "seed 2 diverged at step 4000"
  assert "2 of 3 seeds" in table
  assert "1000000000" not in table


def test_divergence_at_the_first_step_counts():
  assert summarise(make_results(frozen_at=np.array([0, -1, -1])))["last"]["seeds"] == 2


def test_a_missing_score_is_named_and_not_averaged():
  scores = make_results().scores
  scores[0, 7] = np.nan
  results = make_results(scores=scores)
  assert summarise(results)["runs"][0]["no_score_at"] == 8000
  assert summarise(results)["last"]["mean"] == pytest.approx(45.0)
  assert lines_with(text([results]), "seed 0")[0].endswith("no score at step 8000")


def test_a_missing_score_before_the_window_does_no_harm():
  scores = make_results().scores
  scores[0, 1] = np.nan
  assert summarise(make_results(scores=scores))["last"]["seeds"] == 3


def test_table_shows_the_numbers_of_the_summary():
  table = text([make_results()])
  assert lines_with(table, "seed 0")[0].split() == ["seed", "0", "15.0", "10.5"]
  assert lines_with(table, "mean ± sd")[0].split()[-6:] == [
    "35.0",
    "±",
    "26.5",
    "30.5",
    "±",
    "26.5",
  ]
  low, high = summarise(make_results())["last"]["iqm_interval"]
  assert f"[{low:.1f}, {high:.1f}]" in table
  data = " ".join(lines_with(table, "the data's own mean")[0].split())
  assert data.endswith("return 1422.1 score 44.3")
  assert "100.6 ± 1.9   (sd, 5 seeds)" in table
  assert "100.5 ± 1.0   (95 % interval, 10 seeds)" in table
  assert "at gradient step 12000, mean over a fixed number of 10 episodes" in table


def test_every_table_fits_a_hundred_columns():
  for results in (
    make_results(),
    make_results(task="a/" + "very-" * 40 + "long-name"),
    make_results(scores=make_results().scores * 1e4, unit=RETURN),
    make_results(steps=np.arange(1, 13) * 10**8, frozen_at=np.full(3, 10**9), episodes=1000),
  ):
    assert max(len(line) for line in text([results]).splitlines()) <= 100


def test_one_seed_claims_no_spread():
  results = make_results(
    runs=("a",), seeds=np.array([7]), scores=np.full((1, 12), 3.0), frozen_at=np.array([-1])
  )
  summary = summarise(results)
  assert summary["last"] == {
    "seeds": 1,
    "mean": 3.0,
    "sd": None,
    "iqm": 3.0,
    "iqm_interval": None,
  }
  assert lines_with(text([results]), "mean ± sd")[0].split()[-2:] == ["3.0", "3.0"]
  assert "nan" not in text([results])


def test_fewer_evaluations_than_the_window_say_so():
  results = make_results(steps=np.array([10, 20]), scores=np.array([[1.0, 3.0]] * 3))
  assert summarise(results)["mean_of_window"]["mean"] == pytest.approx(2.0)
  assert "mean of last 2" in text([results])


def test_small_returns_keep_their_digits():
  results = make_results(unit=RETURN, scores=np.full((3, 12), 0.1234), data_return=0.5)
  assert lines_with(text([results]), "seed 0")[0].split()[-1] == "0.123"


def test_returns_are_not_compared_with_the_paper():
  results = make_results(unit=RETURN)
  assert summarise(results)["paper"] is None
  assert "the paper" not in text([results])


def test_all_seeds_diverged():
  results = make_results(frozen_at=np.array([1000, 2000, 3000]))
  assert summarise(results)["last"]["mean"] is None
  assert "no seed is left to average" in text([results])


def test_without_a_simulator_one_line_says_so():
  results = make_results(
    steps=np.zeros(0, int),
    scores=np.zeros((3, 0)),
    frozen_at=np.array([-1, 500, -1]),
    simulator=False,
  )
  table = text([results])
  assert len(lines_with(table, "No evaluations")) == 1
  assert lines_with(table, "seed 1")[0].endswith("diverged at step 500")
  assert "IQM" not in table
  assert summarise(results)["last_step"] is None


@pytest.mark.parametrize(
  "changes",
  [
    {},
    {"frozen_at": np.array([1000, -1, -1])},
    {"steps": np.zeros(0, int), "scores": np.zeros((3, 0))},
    {"data_return": float("nan"), "data_score": None, "paper": None},
    {"scores": np.full((3, 12), np.nan)},
  ],
)
def test_summary_is_json_without_special_numbers(changes):
  summary = summarise(make_results(**changes))
  assert json.loads(json.dumps(summary, allow_nan=False)) == summary


@pytest.mark.parametrize(
  "changes",
  [
    {"seeds": np.zeros(2)},
    {"scores": np.zeros((2, 12))},
    {"steps": np.arange(3)},
    {"frozen_at": np.array([-1])},
  ],
)
def test_arrays_that_do_not_belong_together_are_refused(changes):
  with pytest.raises(ValueError, match="3 runs and"):
    text([make_results(**changes)])


def test_all_diverged_is_not_told_as_a_missing_simulator():
  results = make_results(
    steps=np.zeros(0, int), scores=np.zeros((3, 0)), frozen_at=np.array([2, 500, 7])
  )
  table = text([results])
  assert "No evaluations: every run diverged before its first." in table
  assert "no simulator" not in table


def test_no_number_is_minus_zero():
  scores = np.full((3, 12), -0.04)
  for unit in (SCORE, RETURN):
    results = make_results(scores=scores / 100, unit=unit, data_return=-1e-9, data_score=-0.01)
    assert "-0.0" not in text([results])
    assert "-0.0" not in text([results, results._replace(label="BC")])


def test_several_groups_have_one_line_each_beneath_their_data_set():
  groups = [
    make_results(),
    make_results(label="BC", method="bc", scores=make_results().scores - 5, paper=None),
    make_results(task="b", paper=None, data_score=None, frozen_at=np.array([-1, 40, -1])),
  ]
  lines = text(groups).splitlines()
  assert lines[0].split() == [
    "data", "set,", "method", "last", "evaluation", "mean", "of", "last", "10", "IQM,", "last",
    "seeds",
  ]  # fmt: skip
  assert lines[2] == "hopper-medium-v2: D4RL-normalised score"
  cells = [line.split() for line in lines]
  assert cells[3][:7] == ["DMG", "35.0", "±", "26.5", "30.5", "±", "26.5"]
  assert cells[4][:4] == ["BC", "30.0", "±", "26.5"]
  assert cells[5] == ["paper's", "DMG,", "Table", "2", "100.6", "±", "1.9", "5"]
  assert cells[6] == ["the", "data's", "own", "mean", "44.3"]
  assert lines[7].startswith("b: ")
  # Seeds 0 and 2: 15 and 65.
  assert cells[8][:4] == ["DMG", "40.0", "±", "35.4"]
  assert lines[8].endswith(" 2; 1 diverged")


def test_a_table_of_many_groups_fits_a_hundred_columns():
  groups = [
    make_results(label=f"DMG (lam {lam}, actor_hidden_sizes 256x256x256, nu 0.001)", task=task)
    for lam in np.linspace(0, 1, 7)
    for task in ("a/" + "long-" * 30, "hopper-medium-v2")
  ]
  groups.append(make_results(scores=make_results().scores * 1e4, unit=RETURN, task="c"))
  groups.append(make_results(label="TD3", frozen_at=np.array([5, 5, 5])))
  lines = text(groups).splitlines()
  assert max(map(len, lines)) <= 100
  # Long labels are whole: what is cut off could be what tells two groups apart.
  assert f"  {groups[3].label}" in lines


def test_settings_that_all_groups_share_stand_below_once():
  groups = [
    make_results(label="DMG (lam 0.5, discount 0.9)", paper=None),
    make_results(label="DMG (discount 0.9)", paper=None),
    make_results(label="IQL (discount 0.9)", method="iql"),
    make_results(label="BC", method="bc"),
  ]
  lines = text(groups).splitlines()
  assert [line.split("  ")[1] for line in lines[3:7]] == [
    "DMG (lam 0.5)", "DMG", "IQL", "BC",
  ]  # fmt: skip
  assert "All that use them: discount 0.9." in lines
