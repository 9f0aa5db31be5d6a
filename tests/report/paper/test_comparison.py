import numpy as np
import pytest
from made_scores import final_only, made

from dmg_jax.errors import UserError
from dmg_jax.report.paper import paper_scores
from dmg_jax.report.paper.comparison import compare
from dmg_jax.report.paper.comparison_text import caption, missing

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"


def entry(comparison, dataset, method="DMG"):
  (row,) = (row for section in comparison.sections for row in section.rows if row.name == dataset)
  return row.entries[method]


def totals(comparison, method="DMG"):
  return [section.total.entries[method] for section in comparison.sections]


def test_a_cell_beside_the_paper():
  # The paper: 100.6 ± 1.9.
  scores = made("DMG", MEDIUM, [100.0, 102.0, 104.0], curve=[40.0])
  cell = entry(compare(2, scores), MEDIUM)
  assert cell.measured.mean == pytest.approx(102.0)
  assert cell.measured.spread == pytest.approx(2.0)
  assert cell.measured.other == pytest.approx(71.0)
  assert (cell.measured.seeds, cell.measured.steps) == ((0, 1, 2), 1_000_000)
  assert (cell.printed.mean, cell.printed.spread) == (100.6, 1.9)
  assert cell.difference == 1.4
  assert cell.within is True


@pytest.mark.parametrize(
  ("mean", "within"), [(102.5, True), (102.54, True), (102.56, False), (98.7, True), (98.6, False)]
)
def test_within_is_judged_at_the_precision_that_is_shown(mean, within):
  assert entry(compare(2, made("DMG", MEDIUM, [mean])), MEDIUM).within is within


def test_where_the_paper_prints_no_spread_ours_decides():
  # BC on hopper-medium: 56.2, without ±. Deviations of the two: 1 and 0.
  near = entry(compare(2, made("BC", MEDIUM, [56.4, 57.8])), MEDIUM, "BC")
  assert (near.difference, near.within) == (0.9, True)
  alone = entry(compare(2, made("BC", MEDIUM, [56.4])), MEDIUM, "BC")
  assert (alone.difference, alone.within) == (0.2, None)


def test_table_6_has_students_interval():
  cell = entry(compare(6, made("DMG", MEDIUM, [99.0, 101.0])), MEDIUM)
  assert cell.measured.spread == pytest.approx(12.7062, abs=1e-3)
  assert cell.printed == paper_scores.cells(6)[MEDIUM, "DMG"]


@pytest.mark.parametrize(
  ("statistic", "mean", "other"), [("last", 30, 20), ("last_ten", 20, 30), ("best", 40, 30)]
)
def test_statistics(statistic, mean, other):
  scores = made("DMG", MEDIUM, [30.0, 30.0], curve=[0.0, 10.0, 40.0])
  measured = entry(compare(2, scores, statistic), MEDIUM).measured
  assert (measured.mean, measured.other) == (mean, other)


def test_best_is_named():
  assert "BEST" in " ".join(caption(compare(2, made("DMG", MEDIUM, [1.0]), "best")))
  assert "BEST" not in " ".join(caption(compare(2, made("DMG", MEDIUM, [1.0]))))


def test_totals_need_every_row():
  names = [dataset for dataset, method in paper_scores.cells(2) if method == "DMG"]
  locomotion = [name for name in names if "antmaze" not in name]
  whole = [score for name in locomotion for score in made("DMG", name, [1.0, 3.0])]
  first, second = totals(compare(2, whole))
  assert first.measured.mean == pytest.approx(30.0)
  assert first.measured.spread is None
  assert first.printed.mean == pytest.approx(1182.9)
  assert second.measured is None
  assert second.printed.mean == pytest.approx(439.4)
  assert totals(compare(2, whole[2:]))[0].measured is None


def test_our_data_is_never_in_a_row_of_the_papers():
  comparison = compare(2, made("DMG", OWN, [65.0, 66.0], steps=22_400))
  assert OWN not in {row.name for section in comparison.sections for row in section.rows}
  assert all(
    row.entries["DMG"].measured is None for section in comparison.sections for row in section.rows
  )
  (cell,) = comparison.beside
  assert (cell.title, cell.dataset, cell.measured.mean) == ("our own data", OWN, 65.5)


def test_other_data_stands_apart_too():
  names = ["mujoco/hopper/medium-v0", "hopper-medium-v0", "hopper-full-replay-v2"]
  comparison = compare(2, [score for name in names for score in made("DMG", name, [1.0])])
  assert {(cell.title, cell.dataset) for cell in comparison.beside} == {
    ("other data", name) for name in names
  }


def test_other_settings_are_not_in_the_papers_row():
  scores = [*made("DMG", MEDIUM, [100.0]), *made("DMG (lam 0.5)", MEDIUM, [1.0], lam=0.5)]
  comparison = compare(2, scores)
  assert comparison.measured == ("DMG",)
  assert entry(comparison, MEDIUM).measured.mean == 100.0
  assert [(cell.title, cell.method) for cell in comparison.beside] == [
    ("other settings", "DMG (lam 0.5)")
  ]


def test_methods_that_the_paper_does_not_have_are_columns():
  comparison = compare(2, final_only("IQL (elsewhere)", MEDIUM, [60.0, 61.0]))
  assert comparison.measured == ("DMG", "IQL (elsewhere)")
  cell = entry(comparison, MEDIUM, "IQL (elsewhere)")
  assert (cell.measured.steps, cell.measured.other, cell.printed) == (0, None, None)


def test_what_has_no_curve_has_no_best():
  comparison = compare(2, final_only("other", MEDIUM, [60.0]), "best")
  assert comparison.measured == ("DMG",)
  assert comparison.notices == (f"left out: other on {MEDIUM}: only its final scores are known",)


def test_table_3_has_both_learners_with_and_without():
  scores = [
    score
    for method, last in (("XQL", 70.0), ("XQL+DMG", 90.0), ("SQL", 75.0), ("SQL+DMG", 97.0))
    for score in made(method, MEDIUM, [last, last + 1])
  ]
  comparison = compare(3, scores)
  assert comparison.measured == ("XQL", "XQL+DMG", "SQL", "SQL+DMG")
  assert [entry(comparison, MEDIUM, m).difference for m in comparison.measured] == [
    -0.6, 0.4, 0.0, -0.2,
  ]  # fmt: skip
  assert len(comparison.sections) == 1


def test_table_4_takes_offline_runs_as_its_first_half():
  maze = "antmaze-umaze-v2"
  scores = [*made("DMG", maze, [90.0, 92.0]), *made("DMG after 1M online steps", maze, [98.0])]
  comparison = compare(4, scores)
  assert entry(comparison, maze, "DMG offline").measured.mean == 91.0
  assert entry(comparison, maze, "DMG after 1M online steps").difference == -0.4


def test_table_4_counts_no_seed_twice():
  maze = "antmaze-umaze-v2"
  with pytest.raises(UserError, match="DMG offline on antmaze-umaze-v2 is in"):
    compare(4, [*made("DMG", maze, [90.0]), *made("DMG offline", maze, [90.0])])


def test_table_4_puts_no_foreign_method_into_its_offline_column():
  maze = "antmaze-umaze-v2"
  comparison = compare(4, final_only("IQL", maze, [60.0]))
  assert entry(comparison, maze, "IQL offline").measured is None
  assert entry(comparison, maze, "IQL").measured.mean == 60.0
  assert entry(compare(4, made("IQL", maze, [61.0])), maze, "IQL offline").measured.mean == 61.0


def test_table_4_has_the_runs_that_went_on_in_its_second_column():
  maze = "antmaze-umaze-v2"
  scores = [*made("DMG", maze, [90.0]), *made("DMG fine-tuned", maze, [99.0])]
  comparison = compare(4, scores)
  assert entry(comparison, maze, "DMG offline").measured.mean == 90.0
  assert entry(comparison, maze, "DMG after 1M online steps").measured.mean == 99.0
  kept = compare(4, made("DMG fine-tuned (lam and nu kept)", maze, [97.0]))
  assert entry(kept, maze, "DMG after 1M online steps").measured is None
  assert [cell.method for cell in kept.beside] == ["DMG fine-tuned (lam and nu kept)"]


def test_td3_bc_has_one_name_in_the_papers_tables_and_in_ours():
  scores = [*made("TD3+BC", MEDIUM, [60.0, 62.0]), *made("TD3+BC (nu 1)", MEDIUM, [50.0], nu=1.0)]
  comparison = compare(2, scores)
  assert comparison.measured == ("TD3+BC", "DMG")
  assert "TD3BC" not in comparison.printed
  cell = entry(comparison, MEDIUM, "TD3+BC")
  assert (cell.measured.mean, cell.printed.mean) == (61.0, 59.3)
  assert [cell.method for cell in comparison.beside] == ["TD3+BC (nu 1)"]


def test_a_difference_is_never_minus_zero():
  difference = entry(compare(2, made("DMG", MEDIUM, [100.58])), MEDIUM).difference
  assert str(difference) == "0.0"


def test_a_data_set_of_another_table_is_named():
  comparison = compare(4, made("DMG", MEDIUM, [100.0]))
  assert comparison.beside == ()
  assert comparison.notices == (f"left out: {MEDIUM}: not in Table 4",)


def test_missing_cells_name_their_command():
  scores = [
    *made("DMG", MEDIUM, [100.0] * 5),
    *made("DMG", "hopper-expert-v2", [100.0] * 3),
    *made("DMG", "hopper-random-v2", [20.0] * 5, steps=200_000),
  ]
  lines = missing(compare(2, [score._replace(job=None) for score in scores]))
  assert not [line for line in lines if line.startswith(f"DMG on {MEDIUM},")]
  main = "python launch/main.py --config=configs/mujoco.py"
  assert f"DMG on walker2d-medium-v2, all 5 seeds: {main}:walker2d-medium-v2" in lines
  assert (
    f"DMG on hopper-expert-v2, 2 of 5 seeds: {main}:hopper-expert-v2 --config.seeds=2 "
    "--config.first_seed=3"
  ) in lines
  mazes = "python launch/main.py --config=configs/antmaze.py"
  assert f"DMG on antmaze-umaze-v2, all 5 seeds: {mazes}:antmaze-umaze-v2" in lines


def missing_of(dataset, scores, diverged=(), table=2):
  lines = missing(compare(table, [score._replace(job=None) for score in scores], "last", diverged))
  return [line for line in lines if line.startswith(f"DMG on {dataset},")]


MAIN = f"python launch/main.py --config=configs/mujoco.py:{MEDIUM}"


def test_no_other_seed_replaces_one_that_diverged():
  scores = [*made("DMG", MEDIUM, [1.0, 2.0]), *made("DMG", MEDIUM, [3.0, 4.0], first_seed=3)]
  assert missing_of(MEDIUM, scores, [("DMG", MEDIUM, 2)]) == []
  (line,) = missing_of(MEDIUM, scores)
  assert line == (f"DMG on {MEDIUM}, 1 of 5 seeds: {MAIN} --config.seeds=1 --config.first_seed=2")
  # Another data set's, and another method's, are not this one's.
  assert missing_of(MEDIUM, scores, [("DMG", OWN, 2), ("BC", MEDIUM, 2)]) == [line]
  assert missing_of(MEDIUM, [], [("DMG", MEDIUM, seed) for seed in range(5)]) == []


def test_the_lowest_seeds_never_run_are_asked_for():
  (line,) = missing_of(MEDIUM, made("DMG", MEDIUM, [1.0, 2.0, 3.0], first_seed=2))
  assert line == f"DMG on {MEDIUM}, 2 of 5 seeds: {MAIN} --config.seeds=2"
  apart = [*made("DMG", MEDIUM, [1.0], first_seed=1), *made("DMG", MEDIUM, [1.0], first_seed=3)]
  (line,) = missing_of(MEDIUM, apart, [("DMG", MEDIUM, 4)])
  assert line == (
    f"DMG on {MEDIUM}, 2 of 5 seeds: {MAIN} --config.seeds=1 && "
    f"{MAIN} --config.seeds=1 --config.first_seed=2"
  )


def test_table_4_knows_the_diverged_of_its_first_half():
  maze = "antmaze-umaze-v2"
  comparison = compare(4, [], "last", [("DMG", maze, 3), ("DMG", maze, 1)])
  assert comparison.diverged == {(maze, "DMG offline"): (1, 3)}


def test_short_runs_are_continued_by_their_own_command():
  # Two directories of two seeds and of one, and two seeds never run.
  scores = [
    *made("DMG", MEDIUM, [1.0, 2.0], steps=20),
    *(
      s._replace(source="other place", job=s.job._replace(directory="other place"))
      for s in made("DMG", MEDIUM, [3.0], steps=20, first_seed=2)
    ),
  ]
  what = f"DMG on {MEDIUM}, 999,980 of 1,000,000 steps: {MAIN} --config.steps=1000000"
  lines = [line for line in missing(compare(2, scores)) if line.startswith(f"DMG on {MEDIUM},")]
  assert lines == [
    f"{what} --run_dir={scores[0].source}",
    f"{what} '--run_dir=other place'",
    # As the others, so that they share a cell once all are as long.
    f"DMG on {MEDIUM}, 2 of 5 seeds: {MAIN} --config.first_seed=3 --config.seeds=2 "
    "--config.steps=1000000",
  ]


def test_short_runs_of_others_have_no_command():
  (line,) = missing_of(MEDIUM, made("DMG", MEDIUM, [1.0] * 5, steps=20))
  assert line.endswith("999,980 of 1,000,000 steps: train longer what DMG was read from")


def test_what_table_4_lacks_names_the_offline_job_and_the_one_that_goes_on():
  lines = missing(compare(4, []))
  assert sum("launch/main.py" in line and "finetune" not in line for line in lines) == 6
  assert sum("launch/finetune.py" in line for line in lines) == 6


def test_five_more_seeds_make_table_6():
  (line,) = (
    line
    for line in missing_of(MEDIUM, made("DMG", MEDIUM, [100.0] * 5), table=6)
    if line.startswith(f"DMG on {MEDIUM},")
  )
  assert line.endswith(f"configs/mujoco.py:{MEDIUM} --config.first_seed=5")


def test_nothing_is_missing_from_a_whole_table():
  names = [dataset for dataset, method in paper_scores.cells(2) if method == "DMG"]
  scores = [score for name in names for score in made("DMG", name, np.arange(5.0))]
  assert missing(compare(2, scores)) == []


def test_the_caption_says_what_the_numbers_are():
  two = " ".join(caption(compare(2, []), [10, 100, 10]))
  assert "standard deviation over seeds (n - 1), over the seeds counted (the paper's: 5)" in two
  assert "score of the last evaluation" in two
  assert "A seed that diverged is in no mean" in two
  assert "episodes an evaluation: 10 or 100" in two
  six = " ".join(caption(compare(6, [])))
  assert "95 % interval" in six
  assert "(the paper's: 10)" in six
  assert "episodes" not in six


@pytest.mark.parametrize("table", [1, 5])
def test_there_are_four_tables(table):
  with pytest.raises(ValueError, match="no scores of the paper's table"):
    compare(table, [])
