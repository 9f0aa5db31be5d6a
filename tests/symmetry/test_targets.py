"""Contexts, the shipped teacher, and the targets that are made of its values."""

import jax
import numpy as np
import pytest

from dmg_jax.errors import UserError
from dmg_jax.symmetry import contexts, distillation, offline, targets, teacher, teachers


@pytest.fixture(scope="module")
def shipped():
  return teacher.load()


def test_the_teacher_comes_to_the_goal_in_every_context_by_rotated_copies(shipped):
  policy, taught = shipped
  assert teacher.greedy_steps(policy) == len(taught.values) <= 28
  np.testing.assert_allclose(
    teacher.values_of(policy, taught.observations), taught.values, atol=1e-4
  )
  # The first observation of a context, and of its copy from context 0.
  copies = targets.rotated(taught.observations, contexts.TRAINING)
  played = teacher.play(policy, 0.0, contexts.radians(contexts.TRAINING), jax.random.key(0))
  np.testing.assert_allclose(copies[:, 0], played.observations[0], atol=1e-6)
  assert copies.shape == (4, len(taught.values), 10)


def test_turned_actions_are_never_the_teachers(shipped):
  pair = targets.turned_actions(shipped[1].values)
  assert not set(np.argmax(shipped[1].values, axis=1)) & set(pair)


@pytest.mark.parametrize("kind", teachers.KINDS)
@pytest.mark.parametrize("eta", distillation.ETAS)
def test_both_targets_are_optimal_in_training_and_have_the_pessimism_that_they_say(kind, eta):
  values = teachers.KINDS[kind].taught().values.astype(float)
  for target in distillation.TARGETS.values():
    made = target(values, eta, 4)
    np.testing.assert_array_equal(np.argmax(made, axis=2), [np.argmax(values, axis=1)] * 4)
    assert targets.pessimism(values, made) == pytest.approx(eta, abs=1e-9)


def test_the_targets_agree_at_the_smallest_pessimism_alone(shipped):
  values = shipped[1].values
  first, second = (
    [target(values, eta, 4) for target in distillation.TARGETS.values()] for eta in (0.01, 1.0)
  )
  np.testing.assert_array_equal(*first)
  assert np.ptp(second[0], axis=0).max() == 0
  assert np.ptp(second[1], axis=0).max() == pytest.approx(0.99, abs=1e-6)


def test_the_turned_pair_goes_round_in_four_steps():
  values = np.zeros((1, 9))
  values[0, 8] = 1
  made = (
    targets.asymmetric(values, 1.01, 4)[:, 0][:, targets.turned_actions(values)] + targets.SMALLEST
  )
  np.testing.assert_allclose(made, [[0, 0], [-1, 0], [-1, -1], [0, -1]], atol=1e-12)


def test_test_contexts_are_apart_from_the_trainings():
  held = contexts.held_out()
  assert len(set(held)) == 100
  contexts.check(contexts.TRAINING, held)
  with pytest.raises(UserError, match="contexts 90 are in training and in test"):
    contexts.check([0, 90], [450, 1])


def test_a_distillation_in_small_gives_returns_of_every_seed():
  found = distillation.measure("asymmetric", 10.0, 0, seeds=2, steps=5, hidden_sizes=(16, 16))
  assert len(found["training"]) == len(found["test"]) == len(found["right_in_training"]) == 2
  assert all(0 <= value <= 1 for value in found["training"] + found["test"])
  assert found["diverged"] == 0


def test_data_are_fresh_for_each_seed_and_as_greedy_as_their_name_says(shipped):
  _, taught = shipped
  (expert,) = offline.data_sets("dqn", "expert", (0,))
  assert len(expert.rewards) == 10 * len(taught.values)
  assert expert.rewards.sum() == 10
  some, other = offline.data_sets("dqn", "suboptimal", (0, 1))
  assert len(some.rewards) > len(expert.rewards)
  assert len(some.rewards) != len(other.rewards) or (some.actions != other.actions).any()
  (mixed,) = offline.data_sets("dqn", "mixed", (0,))
  np.testing.assert_allclose(mixed.observations[0], taught.observations[0], atol=1e-6)
  assert mixed.rewards.sum() >= 5
  joined, spans = offline.join([some, other])
  assert len(joined.rewards) % 16_384 == 0
  start, size = spans[1]
  np.testing.assert_array_equal(joined.rewards[start : start + size], other.rewards)


def test_cells_of_a_population_in_small_are_what_each_is_alone():
  sources = {"first": ("dqn", "expert"), "second": ("dqn", "suboptimal")}

  def measure(names):
    population = offline.Population(
      "cql", "critic", "dac_output", {name: sources[name] for name in names}
    )
    return offline.measure(population, 0, seeds=2, steps=5, hidden_sizes=(16,))

  found, alone = measure(["first", "second"]), measure(["second"])
  for cell in found.values():
    assert len(cell["test"]) == len(cell["training"]) == len(cell["rows"]) == 2
    assert cell["diverged"] == 0
  assert found["first"]["data_return"] == [1, 1]
  assert found["second"]["rows"] == alone["second"]["rows"] != found["first"]["rows"]
  np.testing.assert_allclose(
    found["second"]["inconsistency"], alone["second"]["inconsistency"], rtol=1e-4
  )
  assert found["first"]["inconsistency"] != found["second"]["inconsistency"]
