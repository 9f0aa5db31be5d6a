"""The planner: its plan, its values against the reacher itself, and its episodes."""

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.envs import reacher
from dmg_jax.symmetry import contexts, planner, teacher, teachers

PLAN = [2] * 12 + [8] * 15


def test_the_plan_from_the_start_is_the_same_in_every_context():
  played = teachers.KINDS["planner"].play(0.0, contexts.radians([90, 211]), jax.random.key(0))
  alive = np.asarray(played.alive)
  for context in range(alive.shape[1]):
    actions = np.argmax(played.actions[:, context], axis=1)[alive[:, context]]
    np.testing.assert_array_equal(actions, PLAN)
  assert (played.rewards * alive).sum(axis=0).tolist() == [1] * 2


def test_values_are_those_of_the_steps_that_the_best_plan_takes():
  taught = teachers.KINDS["planner"].taught()
  np.testing.assert_array_equal(np.argmax(taught.values, axis=1), PLAN)
  left = len(PLAN) - np.arange(len(PLAN))
  # Ties are told apart by less than a thousandth, which is less than a step counts.
  error = planner.DISCOUNT ** (left - 1) - taught.values.max(axis=1)
  assert error.min() > -1e-6
  assert error.max() < 1e-3 < planner.DISCOUNT ** (planner.HORIZON - 2) * 0.05


def test_aimed_at_the_full_radius_it_arrives_a_step_earlier_with_more_phases(monkeypatch):
  monkeypatch.setattr(planner, "AIM", reacher.GOAL_RADIUS)
  values, advance = jax.jit(lambda *given: planner.values(*given)), jax.jit(reacher.step)
  arm, actions, reached = reacher.start(jnp.zeros(())), [], False
  while not reached:
    actions.append(int(np.argmax(values(reacher.observe(arm)))))
    arm, _, _, reached = advance(arm, reacher.torques_of(jnp.asarray(actions[-1])))
  assert len(actions) == len(PLAN) - 1
  assert np.count_nonzero(np.diff(actions)) > 1


def test_a_value_is_0_where_no_plan_comes_to_the_goal():
  found = jax.jit(planner.values)
  arm = reacher.start(jnp.zeros(()))
  # As if the shoulder were fixed farther from the goal than the arm is long.
  far = arm.replace(shoulder=2 * arm.shoulder)
  np.testing.assert_array_equal(found(reacher.observe(far)), np.zeros(reacher.ACTIONS))
  assert found(reacher.observe(arm)).min() == 0  # action 4, no torque, comes nowhere in time
  assert np.argmax(found(reacher.observe(arm))) == PLAN[0]


def test_the_state_is_read_from_its_observation():
  draws = np.random.default_rng(0)
  arm = reacher.start(jnp.asarray(draws.uniform(0, 6, 20), jnp.float32)).replace(
    speeds=jnp.asarray(draws.uniform(-4, 4, (20, 2)), jnp.float32)
  )
  read = planner.arm_of(reacher.observe(arm))
  for mine, theirs in zip(jax.tree.leaves(read), jax.tree.leaves(arm), strict=True):
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_exploring_episodes_of_the_planner_come_to_the_goal():
  played = teachers.KINDS["planner"].play(0.6, np.zeros(3, np.float32), jax.random.key(1))
  rows = teacher.rows_of(played)
  assert rows.rewards.sum() >= 2
  assert len(rows.rewards) > 3 * len(PLAN)


def test_the_irregular_teacher_is_as_fast_and_changes_its_action_more_often():
  changes = {
    kind: np.count_nonzero(np.diff(teachers.facts(kind)["greedy_actions"]))
    for kind in teachers.KINDS
  }
  assert changes["planner"] == 1
  assert changes["dqn"] > 5
  assert len(teachers.KINDS["dqn"].taught().values) == len(PLAN)
