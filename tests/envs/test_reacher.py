"""The rotational reacher: its facts, its symmetry, and the same functions in Gymnasium."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dmg_jax.envs import make, reacher
from dmg_jax.errors import UserError
from dmg_jax.symmetry import reacher_facts


def some_arms(count: int, seed: int = 0) -> reacher.Arm:
  """Arms in random poses, with random speeds, about the whole circle."""
  draws = np.random.default_rng(seed)
  context, upper, forearm = draws.uniform(-np.pi, np.pi, (3, count)).astype(np.float32)
  arm = reacher.start(context)
  return arm.replace(
    upper=reacher.rotate(arm.upper, upper),
    forearm=reacher.rotate(arm.forearm, forearm),
    speeds=draws.uniform(-4, 4, (count, 2)).astype(np.float32),
    nearest=draws.uniform(0, 2, count).astype(np.float32),
  )


def blocks(angle: np.ndarray) -> np.ndarray:
  """(N, 10, 10): a rotation of all five vectors of an observation."""
  cosine, sine = np.cos(angle), np.sin(angle)
  small = np.moveaxis(np.array([[cosine, -sine], [sine, cosine]]), -1, 0)
  return np.einsum("ij,nab->niajb", np.eye(5), small).reshape(-1, 10, 10)


def test_a_step_commutes_with_every_rotation():
  count = 1000
  draws = np.random.default_rng(1)
  arms = some_arms(count)
  angle = draws.uniform(-np.pi, np.pi, count).astype(np.float32)
  torques = draws.uniform(-2, 2, (count, 2)).astype(np.float32)
  plain, turned = reacher.step(arms, torques), reacher.step(reacher.turn(arms, angle), torques)
  expected = np.einsum("nij,nj->ni", blocks(angle), reacher.observe(plain.arm))
  np.testing.assert_allclose(reacher.observe(turned.arm), expected, atol=1e-6)
  np.testing.assert_allclose(turned.shaped, plain.shaped, atol=1e-6)
  np.testing.assert_array_equal(turned.terminated, plain.terminated)


def test_the_plan_takes_27_steps_at_every_rotation():
  steps, sparse, shaped = reacher_facts.play_plan(np.linspace(0, 7, 200, dtype=np.float32))
  np.testing.assert_array_equal(steps, np.full(200, 27))
  np.testing.assert_array_equal(sparse, np.ones(200))
  np.testing.assert_allclose(shaped, np.full(200, 1.159), atol=5e-4)


def test_a_hand_that_passes_the_goal_within_a_step_has_reached_it():
  # From 0.05 on one side to 0.05 on the other: both ends are farther than the goal's radius.
  arm = reacher.Arm(
    shoulder=np.array([-0.5, 0.55], np.float32),
    upper=np.array([0.0, -1.0], np.float32),
    forearm=np.array([1.0, 0.0], np.float32),
    speeds=np.array([0.0, -4.0], np.float32),
    nearest=np.float32(1),
  )
  after = reacher.step(arm, np.zeros(2, np.float32))
  assert np.linalg.norm(arm.hand) > reacher.GOAL_RADIUS
  assert np.linalg.norm(after.arm.hand) > reacher.GOAL_RADIUS
  assert after.terminated
  assert after.sparse == after.shaped == 1
  slow = reacher.step(arm.replace(speeds=np.zeros(2, np.float32)), np.zeros(2, np.float32))
  assert not slow.terminated


def test_links_keep_their_length_and_speeds_their_bound():
  arm = some_arms(50)
  for _ in range(reacher.HORIZON):
    arm = reacher.step(arm, np.full(2, 9.0, np.float32)).arm
  for link in (arm.upper, arm.forearm):
    np.testing.assert_allclose(np.linalg.norm(link, axis=-1), 1, atol=1e-4)
  assert np.max(np.abs(arm.speeds)) == reacher.MAX_SPEED
  assert np.max(np.abs(reacher.observe(arm))) <= 2.001


def test_the_start_is_the_papers():
  arm = reacher.start(jnp.deg2rad(jnp.array([0.0, 90.0])))
  np.testing.assert_allclose(arm.shoulder, [[0, 1], [-1, 0]], atol=1e-6)
  to_goal = -np.asarray(arm.shoulder)
  np.testing.assert_allclose(np.sum(to_goal * arm.upper, axis=1), np.cos(np.pi / 4), atol=1e-6)
  np.testing.assert_array_equal(reacher.observe(arm)[:, 6:], np.zeros((2, 4)))


def test_discrete_actions_are_all_pairs_of_torques():
  torques = reacher.torques_of(np.arange(reacher.ACTIONS))
  assert torques[2].tolist() == [-2, 2]
  assert torques[8].tolist() == [2, 2]
  assert len({tuple(pair) for pair in torques.tolist()}) == 9


@pytest.mark.parametrize("discrete", [False, True])
def test_gymnasium_plays_the_same_functions(discrete):
  env = gymnasium.make(
    "dmg_jax/RotationalReacher-v0", contexts=[90], discrete=discrete, shaped=True
  )
  observation, info = env.reset(seed=0)
  assert info["context"] == 90
  assert env.observation_space.contains(observation)
  total, steps, terminated = 0.0, 0, False
  while not terminated:
    action = int(reacher_facts.plan_actions()[steps])
    torques = np.asarray(reacher.torques_of(action), np.float32)
    observation, reward, terminated, truncated, _ = env.step(action if discrete else torques)
    total, steps = total + reward, steps + 1
    assert not truncated
  assert steps == 27
  assert abs(total - 1.159) < 5e-4


def test_gymnasiums_checker_and_this_packages_door_accept_it():
  env = make.make("dmg_jax/RotationalReacher-v0")
  check_env(env.unwrapped, skip_render_check=True)
  assert make.step_limit(env) == reacher.HORIZON
  env.reset(seed=1)
  truncated = [env.step(np.zeros(2, np.float32))[3] for _ in range(reacher.HORIZON)]
  assert truncated.index(True) == reacher.HORIZON - 1


@pytest.mark.parametrize("contexts", [[], ["north"]])
def test_contexts_that_are_no_angles_are_one_line(contexts):
  with pytest.raises(UserError, match="give a list of angles in degrees"):
    make.make("dmg_jax/RotationalReacher-v0", {"contexts": contexts})


def test_episodes_are_one_compilation_and_end_at_the_goal():
  compiled = []

  def policy(observations, key, alive):
    compiled.append(1)
    return reacher_facts.random_torques(observations, key, alive)

  play = jax.jit(lambda contexts, key: reacher.episodes(policy, contexts, key, discrete=False))
  for seed in range(3):
    played = play(jnp.linspace(0, 6, 50), jax.random.key(seed))
  assert len(compiled) == 1
  ends = np.asarray(played.terminated & played.alive)
  assert ends.sum(axis=0).max() == 1
  lengths = np.asarray(played.alive).sum(axis=0)
  reached = ends.any(axis=0)
  np.testing.assert_array_equal(lengths[reached], ends.argmax(axis=0)[reached] + 1)
  assert (lengths[~reached] == reacher.HORIZON).all()
