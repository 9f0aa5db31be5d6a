"""How the runs of a population share a CPU: turns, workers, freezing, errors."""

import jax
import numpy as np
import pytest
from conftest import make_points
from small_jobs import SIZES, pendulum

from dmg_jax import methods, training
from dmg_jax.parts import takes_turns
from dmg_jax.population import Population, active

BATCH = SIZES["batch_size"]
# The compiled program of all small jobs.
AGENT = methods.agent("dmg", {**SIZES, "policy_delay": 2}, action_size=1)


def population(seeds, workers=2, **changes):
  program = training.make_program(AGENT, len(seeds), BATCH)
  data = pendulum().transitions
  runs = training.start(seeds, AGENT, data)
  return Population(program, runs, make_points(len(seeds), **changes), data, workers)


def assert_same(first, second):
  jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.fixture(scope="module")
def reference():
  """Three runs, advanced by 8 cycles on one worker."""
  made = population([0, 5, 9], workers=1, lam=np.array([0.0, 0.25, 1.0]))
  metrics = made.advance(8)
  return metrics, made.runs()


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_bits_do_not_depend_on_the_workers(reference, workers):
  made = population([0, 5, 9], workers, lam=np.array([0.0, 0.25, 1.0]))
  metrics = made.advance(8)
  assert_same((metrics, made.runs()), reference)


def test_products_that_take_several_threads_give_the_same_bits():
  """A run with more workers than runs, at the paper's sizes, where products are divided."""
  wide = dict.fromkeys(("actor_hidden_sizes", "critic_hidden_sizes", "value_hidden_sizes"), (256,))
  agent = methods.agent("dmg", {"policy_delay": 1, **wide}, action_size=1)
  data = pendulum(rows=300).transitions
  found = []
  for workers in (1, 3):
    program = training.make_program(agent, 1, 256)
    runs = training.start([4], agent, data)
    made = Population(program, runs, make_points(1), data, workers)
    found.append((made.advance(4), made.runs()))
  assert_same(*found)


def test_bits_do_not_depend_on_the_neighbours(reference):
  made = population([5], lam=0.25)
  metrics = made.advance(8)
  one = jax.tree.map(lambda leaf: leaf[1:2], reference)
  assert_same((metrics, made.runs()), one)


def test_it_is_what_advance_does(reference):
  """In turns of one cycle: the states of one call, and the mean of its metrics."""
  made = population([0, 5, 9], lam=np.array([0.0, 0.25, 1.0]))
  found = [made.advance(1) for _ in range(8)]
  assert_same(made.runs(), reference[1])
  mean = jax.tree.map(lambda *values: np.mean(np.stack(values), axis=0), *found)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), mean, reference[0])
  np.testing.assert_array_equal(made.runs().states.step, [16, 16, 16])


def test_one_compilation_for_each_length_of_a_turn(monkeypatch):
  """8 and 16 cycles take 8 turns, of 1 and 2; 4 cycles are 4 turns of 1; 7 are one turn."""
  made = population([0, 1])
  lengths = []

  class Lowered:
    def __init__(self, length):
      lengths.append(length)

    def compile(self, compiler_options):
      assert compiler_options == {"xla_cpu_multi_thread_eigen": False}
      return None

  class Advance:
    @staticmethod
    def lower(runs, hyperparameters, data, program, length):
      return Lowered(length)

  monkeypatch.setattr(training, "advance", Advance)
  assert [made.prepare(cycles) > 0 for cycles in (8, 8, 4, 16, 7, 14, 7)] == [
    True, False, False, True, True, False, False,
  ]  # fmt: skip
  assert lengths == [1, 2, 7]


def test_all_data_are_on_the_device_once():
  made = population([0, 1, 2])
  again = Population(
    training.make_program(AGENT, 3, BATCH), made.runs(), make_points(3), made.data, 1
  )
  for ours, theirs in zip(jax.tree.leaves(made.data), jax.tree.leaves(again.data), strict=True):
    assert ours.unsafe_buffer_pointer() == theirs.unsafe_buffer_pointer()


def test_a_frozen_run_stays_and_the_others_go_on(reference):
  made = population([0, 5, 9], lam=np.array([0.0, 0.25, 1.0]))
  made.freeze(1, 0)
  np.testing.assert_array_equal(made.frozen_at(), [training.ACTIVE, 0, training.ACTIVE])
  np.testing.assert_array_equal(active(made.frozen_at()), [0, 2])
  made.advance(8)
  runs = made.runs()
  np.testing.assert_array_equal(runs.states.step, [16, 0, 16])
  for place in (0, 2):
    assert_same(
      jax.tree.map(lambda leaf, place=place: leaf[place], runs.states),
      jax.tree.map(lambda leaf, place=place: leaf[place], reference[1].states),
    )


def test_what_is_given_away_are_copies():
  """Later, donating calls do not change them."""
  made = population([0, 1])
  runs, policies = made.runs(), made.policies()
  before = jax.tree.map(np.copy, (runs, policies))
  made.advance(1)
  assert_same((runs, policies), before)
  kernels = jax.tree.leaves(policies)
  assert all(leaf.shape[0] == 2 for leaf in kernels)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_worker_ends_all_of_them(workers):
  made = population([0, 1, 2], workers)
  made.prepare(1)
  calls = []

  def fail(*arguments):
    calls.append(arguments)
    raise RuntimeError("out of memory")

  made._compiled[1] = fail
  with pytest.raises(RuntimeError, match="out of memory"):
    made.advance(1)
  assert 1 <= len(calls) <= workers


def test_runs_are_spread_over_threads_on_a_cpu():
  """On this machine, whose one device is its CPU."""
  assert takes_turns(training.make_program(AGENT, 5, BATCH))
