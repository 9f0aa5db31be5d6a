"""The compiled program: its draws, its devices, its compilations, its divergence."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ACTION_SIZE, make_points, make_transitions

from dmg_jax import experience, training
from dmg_jax.agents import dmg

BATCH, DELAY = 16, 2


def population(small_networks, seeds, data, points=None, vectorised=False, spans=None):
  """Placed runs on this process's devices, and their program."""
  agent = dmg.make(small_networks, DELAY)
  program = training.make_program(agent, len(seeds), BATCH)
  program = dataclasses.replace(program, vectorised=vectorised)
  points = make_points(len(seeds), data.rewards.dtype) if points is None else points
  runs = training.start(seeds, agent, data, spans)
  return *training.place(runs, points, data, program), program


def advanced(small_networks, seeds, data, chunks, **options):
  """Runs after several calls of given numbers of cycles, and the last metrics."""
  runs, points, data, program = population(small_networks, seeds, data, **options)
  for cycles in chunks:
    runs, metrics = training.advance(runs, points, data, program, cycles)
  return training.gather((runs, metrics), len(seeds))


def assert_same(first, second):
  jax.tree.map(np.testing.assert_array_equal, first, second)


def assert_close(first, second, tolerance):
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance), first, second)


def test_draws_stay_in_the_runs_span_and_cover_it():
  rows, noise = experience.draw(
    jnp.uint32(3),
    jnp.int32(7),
    experience.Span(jnp.int32(100), jnp.int32(8)),
    500,
    (500, ACTION_SIZE),
    jnp.float32,
  )
  assert set(np.asarray(rows)) == set(range(100, 108))
  assert abs(float(noise.mean())) < 0.1
  assert abs(float(noise.std()) - 1) < 0.1


def test_draws_differ_between_steps_and_seeds():
  def rows(seed, step):
    span = experience.Span(jnp.int32(0), jnp.int32(10**6))
    return tuple(
      np.asarray(
        experience.draw(jnp.uint32(seed), jnp.int32(step), span, 8, (8, 1), jnp.float32)[0]
      )
    )

  assert len({rows(seed, step) for seed in range(4) for step in range(4)}) == 16


def test_calls_of_part_of_a_cycle_take_the_same_steps(small_networks, transitions):
  """Online, a call's steps are the updates of one or more environment steps."""
  whole, _ = advanced(small_networks, [0, 1], transitions, [3])
  runs, points, data, program = population(small_networks, [0, 1], transitions)
  for phase in (0, 1):
    runs, _ = training.advance_steps(runs, points, data, program, phase, 3)
  runs = training.gather(runs, 2)
  assert_close(runs.states, whole.states, 1e-6)
  for learner, count in (("critic", 6), ("actor", 3)):
    assert getattr(runs.states, learner).optimiser.count.tolist() == [count] * 2


def test_chunk_length_changes_nothing(small_networks, transitions):
  whole = advanced(small_networks, [0, 1, 2], transitions, [4])
  parts = advanced(small_networks, [0, 1, 2], transitions, [2, 2])
  assert_same(whole[0], parts[0])


@pytest.mark.parametrize("vectorised", [False, True])
def test_company_changes_no_draws(small_networks, vectorised):
  """Seed 5 alone ends where seed 5 among others does, but for rounding."""
  with jax.enable_x64(True):
    data = make_transitions(200, np.float64)
    alone, _ = advanced(small_networks, [5], data, [2, 2])
    among, _ = advanced(small_networks, [3, 5, 9], data, [2, 2], vectorised=vectorised)
    assert_close(
      jax.tree.map(lambda leaf: leaf[0], alone), jax.tree.map(lambda leaf: leaf[1], among), 1e-10
    )


def test_advance_is_the_step_that_parity_proves(small_networks):
  """What `advance` draws, replayed one `dmg.update` at a time, ends in the same state."""
  with jax.enable_x64(True):
    data = make_transitions(200, np.float64)
    cycles = 10
    points = make_points(1, np.float64, lam=0.4, nu=2.0)
    runs, _ = advanced(small_networks, [11], data, [2] * (cycles // 2), points=points)
    update = jax.jit(dmg.update, static_argnames="update_actor")
    state = jax.tree.map(
      lambda leaf: leaf[0], training.start([11], dmg.make(small_networks), data).states
    )
    point = jax.tree.map(lambda leaf: leaf[0], points)
    for step in range(cycles * DELAY):
      rows, noise = experience.draw(
        jnp.uint32(11),
        jnp.int32(step),
        experience.Span(0, 200),
        BATCH,
        (BATCH, ACTION_SIZE),
        jnp.float64,
      )
      batch = jax.tree.map(lambda leaf, rows=rows: jnp.asarray(leaf)[rows], data)
      state, _ = update(state, batch, noise, point, update_actor=step % DELAY == DELAY - 1)
    assert_close(jax.tree.map(lambda leaf: leaf[0], runs.states), state, 1e-12)


def test_one_compilation_serves_every_value(small_networks, transitions):
  """Other hyperparameters, seeds and data of the same shapes compile nothing."""
  chex.clear_trace_counter()
  counted = jax.jit(
    chex.assert_max_traces(training.advance.__wrapped__, n=1),
    static_argnames=("program", "cycles"),
    donate_argnums=0,
  )
  for seed, lam in ((0, 0.25), (1, 0.9)):
    points = make_points(2, lam=lam)
    runs, points, data, program = population(
      small_networks, [seed, seed + 7], make_transitions(200, seed=seed), points
    )
    for _ in range(2):
      runs, _ = counted(runs, points, data, program=program, cycles=2)
  with pytest.raises(AssertionError, match="traced"):
    counted(runs, points, data, program=program, cycles=3)


def test_each_run_has_its_own_point(small_networks, transitions):
  points = make_points(3, lam=np.array([0.0, 0.25, 1.0]))
  runs, metrics = advanced(small_networks, [4, 4, 4], transitions, [2], points=points)
  np.testing.assert_allclose(metrics["lam"], [0.0, 0.25, 1.0])
  kernel = runs.states.critic.parameters["params"]["critics"]["layer_0"]["kernel"]
  assert not np.allclose(kernel[0], kernel[1])
  assert not np.allclose(kernel[1], kernel[2])


def test_runs_read_only_their_rows(small_networks, transitions):
  """Rows outside a run's span may hold anything."""
  poisoned = jax.tree.map(np.copy, transitions)
  poisoned.rewards[100:] = np.nan
  clean, _ = advanced(small_networks, [0, 1, 2], transitions, [2], spans=[(0, 100)] * 3)
  other, _ = advanced(small_networks, [0, 1, 2], poisoned, [2], spans=[(0, 100)] * 3)
  assert_same(clean, other)


@pytest.mark.parametrize("vectorised", [False, True])
def test_a_diverging_run_freezes_and_its_neighbours_go_on(small_networks, transitions, vectorised):
  """A run whose data hold a NaN keeps its last finite state; the others do not notice."""
  poisoned = jax.tree.map(np.copy, transitions)
  poisoned.rewards[100:] = np.nan
  options = {"vectorised": vectorised, "spans": [(0, 100), (100, 100), (0, 100)]}
  runs, _ = advanced(small_networks, [0, 1, 2], poisoned, [2, 2], **options)
  np.testing.assert_array_equal(runs.frozen_at, [training.ACTIVE, 0, training.ACTIVE])
  np.testing.assert_array_equal(runs.states.step, [8, 0, 8])
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(runs.states))
  fresh = training.start([0, 1, 2], dmg.make(small_networks), transitions)
  assert_same(
    jax.tree.map(lambda leaf: leaf[1], runs.states),
    jax.tree.map(lambda leaf: np.asarray(leaf)[1], fresh.states),
  )
  healthy, _ = advanced(
    small_networks, [0, 1, 2], transitions, [2, 2], vectorised=vectorised, spans=[(0, 100)] * 3
  )
  for run in (0, 2):
    assert_same(
      jax.tree.map(lambda leaf, run=run: leaf[run], runs.states),
      jax.tree.map(lambda leaf, run=run: leaf[run], healthy.states),
    )


@pytest.mark.parametrize("vectorised", [False, True])
def test_the_program_lowers_for_accelerators(small_networks, transitions, vectorised):
  runs, points, data, program = population(
    small_networks, [0, 1], transitions, vectorised=vectorised
  )
  exported = jax.export.export(training.advance, platforms=["tpu", "cuda"])(
    runs, points, data, program, 2
  )
  assert exported.platforms == ("tpu", "cuda")


def test_the_rule_for_vectorising():
  assert not training.vectorise("cpu", 10)
  assert not training.vectorise("gpu", 1)
  assert training.vectorise("gpu", 5)
  assert training.vectorise("tpu", 2)


def test_devices_change_nothing_but_rounding(tmp_path):
  """5 runs on 4 virtual devices, 3 places filled up, against one; float64, 20 steps."""
  script = Path(__file__).parent / "sharded_training.py"
  result = subprocess.run(
    [sys.executable, script], capture_output=True, text=True, check=False, timeout=300
  )
  assert result.returncode == 0, result.stderr
  assert result.stdout.split() == ["4", "devices:", "ok"]
