import numpy as np
import pytest

from dmg_jax.report.diagnostics import diagnose
from dmg_jax.report.tables.job_table import Results
from dmg_jax.report.units import RETURN, SCORE

WIGGLE = np.array([1.0, -1.0] * 6)


def make_results(**changes):
  results = Results(
    task="data",
    method="dmg",
    label="DMG",
    point={"discount": 0.99, "inverse_temperature": 3.0},
    runs=("a", "b"),
    seeds=np.array([4, 5]),
    steps=np.arange(1, 13) * 1000,
    scores=np.array([[90.0], [92.0]]) + 3 * WIGGLE,
    unit=SCORE,
    episodes=10,
    frozen_at=np.array([-1, -1]),
    data_return=1400.0,
    data_score=45.0,
  )
  return results._replace(**changes)


def make_metrics(policy_q=250.0, clipped=0.4):
  return {
    "step": np.arange(1, 31) * 500,
    "policy_q": np.full((2, 30), policy_q),
    "q": np.full((2, 30), 250.0),
    "clipped_weights": np.full((2, 30), clipped),
  }


def hints(results=None, metrics=None, bounded_actions=True):
  found = diagnose(
    results or make_results(),
    metrics or make_metrics(),
    largest_reward=6.0,
    bounded_actions=bounded_actions,
  )
  return list(found.values())


def only(found):
  assert len(found) == 1
  return found[0]


def test_a_healthy_job_gets_no_hint():
  assert hints() == []


def test_no_evaluations_and_no_metrics_get_no_hint():
  results = make_results(steps=np.zeros(0, int), scores=np.zeros((2, 0)))
  metrics = {name: values[..., :0] for name, values in make_metrics().items()}
  assert hints(results, metrics) == []


def test_frozen_runs_are_named_with_the_first_step():
  hint = only(hints(make_results(frozen_at=np.array([-1, 7000]))))
  assert hint.startswith("Seed 5 diverged, first at step 7000")
  hint = only(hints(make_results(frozen_at=np.array([9000, 7000]))))
  assert hint.startswith("Seeds 4, 5 diverged, first at step 7000")


@pytest.mark.parametrize("sign", [1, -1])
def test_q_far_beyond_any_return_is_diverging(sign):
  # The bound is 6 / 0.01 = 600, the alarm at 900.
  metrics = make_metrics()
  metrics["policy_q"][1, 25] = sign * 950.0
  hint = only(hints(metrics=metrics))
  assert "Seed 5" in hint
  assert "950 (step 13000," in hint
  assert "exceed 600" in hint
  assert "lambda" in hint


def test_q_just_beyond_the_bound_is_left_alone():
  assert hints(metrics=make_metrics(policy_q=890.0)) == []


def test_q_of_the_initial_networks_is_left_alone():
  metrics = make_metrics()
  metrics["policy_q"][0, 0] = 1e6
  assert hints(metrics=metrics) == []


def test_q_of_a_frozen_run_is_read_before_it_froze():
  metrics = make_metrics()
  metrics["policy_q"][0, 5] = 1e7
  metrics["policy_q"][0, 6:] = metrics["q"][0, 6:] = np.nan
  found = hints(make_results(frozen_at=np.array([3500, -1])), metrics)
  assert len(found) == 2
  assert "1e+07 (step 3000," in found[1]


def test_scores_below_the_data_suggest_more_imitation():
  hint = only(hints(make_results(scores=np.array([[30.0], [32.0]]) + WIGGLE)))
  assert "31" in hint
  assert "45" in hint
  assert "Raise nu" in hint


def test_negative_returns_below_the_data():
  results = make_results(
    unit=RETURN, scores=np.array([[-300.0], [-310.0]]) + WIGGLE, data_return=-200.0
  )
  assert "below the data's own mean of -200" in only(hints(results))
  assert hints(results._replace(data_return=-300.0)) == []


def test_a_tie_with_the_data_is_no_hint():
  assert hints(make_results(scores=np.array([[43.0], [43.5]]) + WIGGLE)) == []


def test_a_shortfall_within_the_error_over_seeds_is_no_hint():
  # Means 20 and 60: 40 is below 45, but its standard error is 20.
  assert hints(make_results(scores=np.array([[20.0], [60.0]]) + WIGGLE)) == []


def test_diverged_scores_are_not_held_against_the_others():
  scores = np.array([[90.0], [-1000.0]]) + WIGGLE
  assert len(hints(make_results(scores=scores, frozen_at=np.array([-1, 9000])))) == 1


def test_unknown_data_mean_is_no_hint():
  assert hints(make_results(scores=np.full((2, 12), 1.0), data_score=None)) == []


def test_late_swings_are_unstable():
  scores = np.array([[90.0], [92.0]]) + np.array([[3.0], [40.0]]) * WIGGLE
  hint = only(hints(make_results(scores=scores)))
  assert "Seed 5 is unstable" in hint
  assert "target rate" in hint


def test_steady_learning_is_not_unstable():
  rising = np.tile(np.linspace(0, 110, 12), (2, 1))
  assert hints(make_results(scores=rising)) == []


def test_early_swings_and_few_evaluations_are_not_unstable():
  early = np.full((2, 12), 90.0)
  early[:, :2] = [[0.0, 300.0]]
  assert hints(make_results(scores=early)) == []
  few = make_results(steps=np.arange(4), scores=90 + 50 * np.tile(WIGGLE[:4], (2, 1)))
  assert hints(few) == []


def test_swings_of_a_failed_policy_are_not_unstable():
  scores = np.array([[3.0], [3.0]]) + 2.5 * WIGGLE
  assert hints(make_results(scores=scores, data_score=2.0)) == []


def test_weights_at_their_clip_suggest_a_lower_temperature():
  hint = only(hints(metrics=make_metrics(clipped=0.97)))
  assert hint.startswith("97%")
  assert "inverse temperature" in hint


def test_unweighted_regression_is_clipped_on_purpose():
  results = make_results(point={"discount": 0.99, "inverse_temperature": 0.0})
  assert hints(results, make_metrics(clipped=1.0)) == []


def test_weights_clipped_early_only_are_no_hint():
  metrics = make_metrics()
  metrics["clipped_weights"][:, :15] = 1.0
  assert hints(metrics=metrics) == []


def short(steps=2):
  """A job of two evaluations and a few steps, in which everything looks wrong."""
  results = make_results(steps=np.array([steps - 1, steps]), scores=np.array([[1.0, 2.0]] * 2))
  metrics = {name: values[..., :2] for name, values in make_metrics(1e9, 1.0).items()}
  return results, metrics | {"step": results.steps}


def test_two_steps_of_training_are_nothing_to_judge_by():
  assert hints(*short()) == []
  # The same numbers later on are three signs of trouble.
  assert len(hints(*short(10_000))) == 2
  results, metrics = short(10_000)
  results = results._replace(steps=np.arange(3) + 9_998, scores=np.full((2, 3), 1.0))
  assert len(hints(results, metrics)) == 3


def test_hints_say_what_they_rest_on():
  hint = only(hints(make_results(scores=np.array([[30.0], [32.0]]) + WIGGLE)))
  assert "over the last 10 evaluations of 2 seeds up to step 12000" in hint
  assert "of the last 10 rows logged" in only(hints(metrics=make_metrics(policy_q=1e4)))
  assert "mean of the last 10 rows logged" in only(hints(metrics=make_metrics(clipped=0.97)))


def test_an_infinite_box_of_actions_is_named_and_lambda_is_not():
  results = make_results(frozen_at=np.array([7000, 7000]))
  hint = only(hints(results, make_metrics(1e9), bounded_actions=False))
  assert "bounds of the actions are infinite" in hint
  assert "lambda" not in hint
  assert "nu" not in hint.replace("numbers", "")


def test_a_divergence_at_the_start_blames_the_data():
  hint = only(hints(make_results(frozen_at=np.array([-1, 2]))))
  assert "look for extreme observations, rewards or actions" in hint
  assert "lambda" not in hint


@pytest.mark.parametrize("method", ["bc", "iql", "td3"])
def test_methods_without_lambda_and_nu_are_not_told_to_change_them(method):
  results = make_results(method=method, scores=np.array([[30.0], [32.0]]) + WIGGLE)
  found = hints(results, make_metrics(policy_q=1e4))
  assert len(found) == 2
  assert not any("lambda" in hint or "raise nu" in hint.lower() for hint in found)


def test_without_a_discount_no_value_is_too_large():
  point = {"discount": 1.0, "inverse_temperature": 3.0}
  assert hints(make_results(point=point), make_metrics(policy_q=1e9)) == []
