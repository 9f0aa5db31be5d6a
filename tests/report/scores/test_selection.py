import numpy as np
import pytest
from made_scores import made_job

from dmg_jax.errors import UserError
from dmg_jax.report.scores.score import Score
from dmg_jax.report.scores.selection import by_task, join

NAN = float("nan")


def score(method="DMG", dataset="hopper-medium-v2", seed=0, **changes):
  plain = Score(method, dataset, seed, 200, 3.0, 2.0, (100, 200), (7.0, 3.0), {}, "here")
  return plain._replace(**changes)


def final(seed, last, **changes):
  plain = {"steps": 0, "last_ten": NAN, "evaluation_steps": (), "evaluation_scores": ()}
  return score(seed=seed, last=last, **{**plain, **changes})


def test_columns_hold_the_last_and_the_mean_and_on_demand_the_best():
  scores = [score(seed=1, last=4.0), score()]
  assert by_task(scores)["DMG"]["hopper-medium-v2"].tolist() == [3.0, 4.0]
  assert by_task(scores, "last_ten")["DMG"]["hopper-medium-v2"].tolist() == [2.0, 2.0]
  assert by_task(scores, "best")["DMG"]["hopper-medium-v2"].tolist() == [7.0, 7.0]


def test_methods_and_datasets_keep_their_order():
  scores = [score("B", "y", 5), score("B", "x", 0), score("A", "x", 0)]
  assert [(method, list(data)) for method, data in by_task(scores).items()] == [
    ("B", ["y", "x"]),
    ("A", ["x"]),
  ]


def test_cells_not_known_for_every_seed_are_left_out():
  scores = [
    score("A"),
    score("A", "other", 0),
    final(0, 1.0, method="A", dataset="other"),
    final(0, 1.0, method="B"),
  ]
  assert list(by_task(scores, "last")) == ["A", "B"]
  for column in ("last_ten", "best"):
    known = by_task(scores, column)
    assert {method: list(data) for method, data in known.items()} == {"A": ["hopper-medium-v2"]}


def test_other_columns_are_refused():
  with pytest.raises(ValueError, match="not 'max'"):
    by_task([score()], "max")


def test_joined_scores_are_all_there():
  ours, theirs = [score(), score(seed=1)], [final(0, 5.0, method="ReBRAC")]
  assert join(ours, theirs) == [*ours, *theirs]


def test_a_cell_of_two_parts_is_refused_with_both():
  with pytest.raises(UserError, match=r"DMG on hopper-medium-v2 is in a and in b, .* another name"):
    join([score(source="a")], [score(seed=1, source="b")])


def test_a_run_of_ours_shares_no_cell_with_foreign_scores_that_an_alias_brings_to_it():
  ours = score(source="a", job=made_job("DMG", "hopper-medium-v2", [0], 200))
  with pytest.raises(UserError, match="is in a and in b, which cannot share a cell"):
    join([ours, score(seed=1, source="b")])


def test_a_seed_of_two_sources_is_refused_with_both():
  with pytest.raises(UserError, match=r"seed 3 of DMG on hopper-medium-v2 is in a and again in b"):
    join([score(seed=3, source="a"), score(seed=3, source="b")])


def test_the_same_seed_of_other_methods_or_data_is_another_run():
  assert len(join([score(), score("IQL"), score(dataset="hopper-medium-v0")])) == 3


def test_different_lengths_are_refused_with_both():
  with pytest.raises(UserError, match=r"DMG on .*: 200 steps in a, 1,000 steps in b"):
    join([score(source="a"), score(seed=1, steps=1000, source="b")])
  with pytest.raises(UserError, match="an unknown number of steps in b"):
    join([score(source="a"), final(1, 4.0, source="b")])


def test_fine_tuning_is_two_methods_of_one_run():
  # Table 4: what a run scored before and after its online steps.
  before = score("DMG (offline)", "antmaze-umaze-v2", steps=1_000_000, last=92.0)
  after = score("DMG (online)", "antmaze-umaze-v2", steps=2_000_000, last=98.0)
  table = by_task(join([before, after]))
  assert np.subtract(
    table["DMG (online)"]["antmaze-umaze-v2"], table["DMG (offline)"]["antmaze-umaze-v2"]
  ) == [6.0]
