import numpy as np
import pytest
from made_scores import ablated, final_only, made

from dmg_jax.report.scores.lines import lines, on_lines

MEDIUM, OWN = "hopper-medium-v2", "dmg/hopper/medium-replay-v0"


def scores_on(scores):
  """Data set -> label -> value of lambda -> scores of the seeds."""
  return {
    dataset: {
      label: {value: list(point.scores) for (value,), point in line.items()}
      for label, line in found.items()
    }
    for dataset, found in lines(scores, [], ("lam",), "last").items()
  }


def test_an_ablation_is_one_line_over_the_values():
  scores = [*made("DMG", MEDIUM, [4.0, 6.0]), *ablated("lam", [1.0, 0.5])]
  assert scores_on(scores) == {
    MEDIUM: {"DMG": {0.25: [4.0, 6.0], 0.5: [0.5, 2.5], 1.0: [1.0, 3.0]}}
  }


def test_two_settings_make_a_grid_and_one_of_them_does_not():
  grid = [
    score
    for lam in (0.0, 0.5)
    for nu in (0.1, 1.0)
    for score in made(f"DMG (lam {lam}, nu {nu})", MEDIUM, [lam, nu], lam=lam, nu=nu)
  ]
  (line,) = lines(grid, [], ("lam", "nu"), "last")[MEDIUM].values()
  assert {values: list(point.scores) for values, point in line.items()} == {
    (0.0, 0.1): [0.0, 0.1], (0.0, 1.0): [0.0, 1.0], (0.5, 0.1): [0.5, 0.1], (0.5, 1.0): [0.5, 1.0],
  }  # fmt: skip
  assert on_lines(ablated("lam", [0.0, 1.0]), ("lam", "nu")) == []


def test_a_point_counts_who_diverged_by_either_rule():
  """Beyond 1.5 times the bound; or not finite, without a score."""
  scores = ablated("lam", [0.0, 1.0])
  bound = {"q": 1.0, "q_bound": 10.0}
  ends = [{**bound, "largest_q": largest} for largest in (14.9, 15.1, 5.0, 5.0)]
  scores = [score._replace(learned=end) for score, end in zip(scores, ends, strict=True)]
  lost = [score._replace(last=np.nan, seed=7, learned={}) for score in scores[2:3]]
  alone = [score._replace(last=np.nan) for score in ablated("lam", [0.5])]
  (line,) = lines(scores, [*lost, *alone], ("lam",), "last")[MEDIUM].values()
  found = {value: (len(p.scores), len(p.q), p.diverged) for (value,), p in line.items()}
  assert found == {0.0: (2, 2, 1), 0.5: (0, 0, 2), 1.0: (2, 2, 1)}
  assert line[(0.0,)].q_bound == 10.0


def test_runs_that_differ_in_more_are_on_lines_of_their_own():
  scores = [*ablated("lam", [0.0, 1.0]), *ablated("lam", [0.25, 0.5], nu=10.0)]
  found = scores_on(scores)[MEDIUM]
  assert {label: list(line) for label, line in found.items()} == {
    r"DMG, $\nu$ = 0.1": [0.0, 1.0],
    r"DMG, $\nu$ = 10": [0.25, 0.5],
  }


def test_runs_that_settings_do_not_tell_apart_are_on_no_line_together():
  # What a label tells and the settings do not keeps its runs apart.
  scores = [
    *made("DMG", MEDIUM, [100.0] * 3),
    *made("DMG (precision bfloat16)", MEDIUM, [0.0] * 3),
    *made("DMG (lam 0.5, batch_size 32)", MEDIUM, [50.0] * 3, lam=0.5),
  ]
  assert scores_on(scores) == {}
  scores += made("DMG (lam 0.5, precision bfloat16)", MEDIUM, [2.0], lam=0.5)
  scores += made("DMG (lam 0)", MEDIUM, [4.0], lam=0.0)
  found = scores_on(scores)[MEDIUM]
  found = {label: {k: list(v) for k, v in line.items()} for label, line in found.items()}
  assert found == {
    "DMG": {0.0: [4.0], 0.25: [100.0] * 3},
    "DMG (precision bfloat16)": {0.25: [0.0] * 3, 0.5: [2.0]},
  }


def test_two_methods_are_never_one_point():
  scores = [*made("DMG", MEDIUM, [1.0]), *made("DMG (lam 0.5)", MEDIUM, [2.0])]
  scores += made("DMG (lam 0)", MEDIUM, [1.0], lam=0.0)
  with pytest.raises(ValueError, match=r"DMG and DMG \(lam 0.5\) on .* differ in no setting"):
    scores_on(scores)


def test_one_value_or_none_is_no_ablation():
  scores = [*made("DMG", MEDIUM, [4.0]), *final_only("other", MEDIUM, [1.0])]
  assert scores_on(scores) == {}


def test_static_settings_are_told_apart_and_named():
  wide = {"actor_hidden_sizes": (64, 64)}
  scores = [
    *made("DMG", MEDIUM, [1.0]), *made("DMG (lam 0)", MEDIUM, [2.0], lam=0.0),
    *made("DMG (actor_hidden_sizes 64x64)", MEDIUM, [3.0], **wide),
    *made("DMG (lam 0, actor_hidden_sizes 64x64)", MEDIUM, [4.0], lam=0.0, **wide),
  ]  # fmt: skip
  assert list(scores_on(scores)[MEDIUM]) == [
    "DMG", "DMG, actor_hidden_sizes = 64x64",
  ]  # fmt: skip
