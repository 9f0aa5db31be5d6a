"""Evaluation: fixed numbers of episodes, seeds of their own, any number of workers."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import small_architecture
from toy_environments import COUNTDOWN

from dmg_jax import evaluation, networks
from dmg_jax.agents import dmg
from dmg_jax.data import scaling
from dmg_jax.envs.workers import Workers, automatic_workers
from dmg_jax.errors import SimulatorError, UserError
from dmg_jax.evaluation import Evaluation, Policies, Simulators, episode_seeds, evaluate

# Of two policies, seven episodes each; the countdowns begin at 1 + seed % 5.
SEEDS = np.array([[0, 1, 2, 3, 4, 5, 6], [14, 13, 12, 11, 10, 9, 8]])
LENGTHS = np.array([[1, 2, 3, 4, 5, 1, 2], [5, 4, 3, 2, 1, 5, 4]])


def proportional(gain, observations):
  return gain * observations


def stack(*trees):
  return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def proportional_policies(*gains: float, act=proportional) -> Policies:
  """Actions 2 * gain * (count - 1): with two hand-made scalings in between."""
  units = scaling.for_actions(1, np.array([-2.0]), np.array([2.0]))
  units = units.replace(observation_mean=np.float32([1]))
  return Policies(act, np.float32(gains), stack(*[units] * len(gains)))


# With gains 1 and -3, an episode of n steps returns 2 * gain * (0 + 1 + ... + (n - 1)).
RETURNS = np.array([[1.0], [-3.0]]) * LENGTHS * (LENGTHS - 1)


@pytest.fixture(scope="module")
def shared_workers():
  """Workers by their number; several tests play in them."""
  found = {count: Workers(count) for count in (1, 2, 3)}
  yield found
  for workers in found.values():
    workers.close()


def gone(process_ids) -> bool:
  """Whether processes end within some seconds."""
  deadline = time.monotonic() + 20
  while time.monotonic() < deadline:
    if not any(Path(f"/proc/{process_id}").exists() for process_id in process_ids):
      return True
    time.sleep(0.05)
  return False


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("concurrent", [1, 3, 5, 256])
def test_episodes_of_different_lengths_by_hand(shared_workers, tmp_path, count, concurrent):
  """The same returns in any number of workers and places, and never too many simulators."""
  log = tmp_path / "made"
  simulators = Simulators(
    COUNTDOWN, {"log": str(log)}, workers=shared_workers[count], concurrent=concurrent
  )
  for _ in range(2):
    result = evaluate(simulators, proportional_policies(1, -3), SEEDS)
    np.testing.assert_array_equal(result.returns, RETURNS)
    np.testing.assert_array_equal(result.lengths, LENGTHS)
  # Each of the two policies plays in the same number of places.
  expected = {1: 1, 3: 2, 5: 4, 256: 14}[concurrent]
  assert len(log.read_text().splitlines()) == expected


@pytest.fixture(scope="module")
def policies() -> Policies:
  """Two random Pendulum policies, whose actions reach [-2, 2]."""
  modules = networks.make(1, small_architecture(8))
  actors = [modules.actor.init(jax.random.key(i), np.zeros((1, 3), np.float32)) for i in range(2)]
  units = scaling.for_actions(3, np.array([-2.0]), np.array([2.0]))
  units = units.replace(observation_mean=np.float32([0.1, 0.2, 0.3]))
  return Policies(dmg.make(modules).act, stack(*actors), stack(units, units))


def by_hand(policies: Policies, run: int, seed: int) -> tuple[float, int]:
  """One episode, one step at a time, in plain Gymnasium."""
  env = gymnasium.make("Pendulum-v1")
  act = jax.jit(policies.act)
  actor, units = jax.tree.map(lambda leaf: leaf[run], (policies.actors, policies.scalings))
  observation, _ = env.reset(seed=seed)
  total, length, done = 0.0, 0, False
  while not done:
    raw = np.asarray(observation, np.float32)
    action = 2 * act(actor, raw - units.observation_mean)
    observation, reward, terminated, truncated, _ = env.step(np.asarray(action))
    total, length, done = total + float(reward), length + 1, terminated or truncated
  return total, length


def test_equals_pendulums_played_by_hand(policies):
  seeds = np.array([[3, 4], [5, 6]])
  result = evaluate(Simulators("Pendulum-v1", workers=1), policies, seeds)
  for run, episode in np.ndindex(2, 2):
    total, length = by_hand(policies, run, int(seeds[run, episode]))
    np.testing.assert_allclose(result.returns[run, episode], total, rtol=1e-3)
    assert result.lengths[run, episode] == length


def test_workers_and_what_ran_before_change_no_bit(policies, shared_workers):
  seeds = episode_seeds(0, [0, 1], 100, 3)
  first, *others = [
    evaluate(simulators, policies, seeds).returns
    for workers in shared_workers.values()
    for simulators in [Simulators("Pendulum-v1", workers=workers)]
    for _ in range(2)
  ]
  for other in others:
    np.testing.assert_array_equal(first, other)


def test_concurrency_changes_nothing_but_rounding(policies):
  seeds = episode_seeds(0, [0, 1], 100, 3)
  wide, narrow = (
    evaluate(Simulators("Pendulum-v1", workers=1, concurrent=count), policies, seeds).returns
    for count in (256, 4)
  )
  np.testing.assert_allclose(narrow, wide, rtol=1e-4)


@pytest.mark.parametrize("concurrent", [1, 3, 256])
def test_one_upload_and_one_compilation_serve_all_rounds(monkeypatch, concurrent):
  traced, seen = [], []

  def act(gain, observations):
    traced.append(observations.shape)
    return gain * observations

  def recording(act, actors, scalings, observations):
    seen.append((actors, *jax.tree.leaves(scalings)))
    return original(act, actors, scalings, observations)

  original = evaluation._act
  monkeypatch.setattr(evaluation, "_act", recording)
  simulators = Simulators(COUNTDOWN, workers=1, concurrent=concurrent)
  for gain in (1, 2):
    seen.clear()
    evaluate(simulators, proportional_policies(gain, -3, act=act), SEEDS)
    # The same arrays on the device in every round; one at a time, each policy has its own.
    uploads = {tuple(map(id, leaves)) for leaves in seen}
    assert len(uploads) == (2 if concurrent == 1 else 1)
    assert all(isinstance(leaf, jax.Array) for leaves in seen for leaf in leaves)
    assert len(seen) > len(uploads)
  assert len(traced) == 1


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("concurrent", [2, 256])
def test_a_non_finite_action_ends_its_episode_alone(shared_workers, count, concurrent):
  def act(gain, observations):
    # At a count of 3, and only there, the second policy is lost.
    return gain * observations / jnp.where((gain < 0) & (observations == 2), 0.0, 1.0)

  simulators = Simulators(COUNTDOWN, workers=shared_workers[count], concurrent=concurrent)
  result = evaluate(simulators, proportional_policies(1, -3, act=act), SEEDS)
  lost = LENGTHS[1] >= 3
  np.testing.assert_array_equal(result.returns[0], RETURNS[0])
  np.testing.assert_array_equal(result.returns[1], np.where(lost, np.nan, RETURNS[1]))
  np.testing.assert_array_equal(result.lengths[1], np.where(lost, LENGTHS[1] - 3, LENGTHS[1]))


def test_no_policies_and_no_episodes_are_nothing():
  simulators = Simulators("NoSuch-v0")
  for shape in ((0, 3), (2, 0)):
    result = evaluate(simulators, proportional_policies(1, -3), np.zeros(shape, int))
    assert result.returns.shape == result.lengths.shape == shape


def test_two_environments_share_workers_from_two_threads(policies, shared_workers):
  """Neither thread reads the other's replies."""
  seeds = episode_seeds(0, [0, 1], 100, 3)
  pendulums, countdowns = (
    Simulators(env_id, workers=shared_workers[2]) for env_id in ("Pendulum-v1", COUNTDOWN)
  )
  cases = [(pendulums, policies, seeds), (countdowns, proportional_policies(1, -3), SEEDS)] * 2

  def play(case) -> Evaluation:
    return evaluate(*case)

  with ThreadPoolExecutor(4) as threads:
    together = list(threads.map(play, cases))
  for case, found in zip(cases, together, strict=True):
    np.testing.assert_array_equal(found.returns, play(case).returns)


def test_seeds_depend_on_all_four_and_on_nothing_else():
  base = episode_seeds(0, [0, 1], 100, 2)
  np.testing.assert_array_equal(base, episode_seeds(0, [0, 1], 100, 2))
  np.testing.assert_array_equal(base[1:, :1], episode_seeds(0, [1], 100, 1))
  others = [base, episode_seeds(1, [0, 1], 100, 2), episode_seeds(0, [0, 1], 101, 2)]
  assert len({int(seed) for seeds in others for seed in seeds.flat}) == 12


@pytest.mark.parametrize(
  ("episodes", "cores", "workers"),
  [(1, 8, 1), (15, 8, 1), (16, 8, 2), (50, 2, 2), (50, 8, 6), (750, 32, 32), (750, 1, 1)],
)
def test_the_rule_for_the_number_of_workers(episodes, cores, workers):
  assert automatic_workers(episodes, cores) == workers


@pytest.mark.parametrize("count", [1, 2])
def test_an_unknown_environment_is_the_users_mistake(count):
  simulators = Simulators("NoSuch-v0", workers=count)
  with pytest.raises(UserError, match=r"^environment 'NoSuch-v0' cannot be made.*"):
    evaluate(simulators, proportional_policies(1, -3), SEEDS)
  simulators.close()


def test_an_environment_that_workers_cannot_import_lives_in_this_process():
  workers = Workers(2)
  result = evaluate(
    Simulators("toy/ByClass-v0", workers=workers), proportional_policies(1, -3), SEEDS
  )
  np.testing.assert_array_equal(result.returns, RETURNS)
  assert not workers.process_ids()


def test_fewer_than_one_worker_is_refused():
  with pytest.raises(UserError, match="at least 1 worker, not 0"):
    Simulators(COUNTDOWN, workers=0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_simulator_that_raises_is_named_in_one_line(count):
  workers = Workers(count)
  simulators = Simulators(COUNTDOWN, {"fails_at": 3}, workers=workers)
  with pytest.raises(SimulatorError) as caught:
    evaluate(simulators, proportional_policies(1, -3), np.array([[0, 1], [0, 7]]))
  message = str(caught.value)
  assert message.startswith(
    "environment 'toy/Countdown-v0' failed in step, in the episode of seed 7: RuntimeError: the "
    "toy broke ("
  )
  assert "toy_environments.py:" in message
  assert "\n" not in message
  assert gone(workers.process_ids())
  workers.close()
  with pytest.raises(SimulatorError, match="closed"):
    evaluate(simulators, proportional_policies(1, -3), SEEDS)


def test_a_killed_worker_is_told_and_ends_the_others():
  workers = Workers(2)
  simulators = Simulators(COUNTDOWN, workers=workers)
  simulators.open(14)
  first, second = workers.process_ids()
  os.kill(second, signal.SIGKILL)
  with pytest.raises(SimulatorError, match="simulator process 2 of 2 was killed by SIGKILL"):
    evaluate(simulators, proportional_policies(1, -3), SEEDS)
  assert gone([first, second])


@pytest.mark.parametrize("dropped", [False, True])
def test_closed_or_dropped_workers_end(dropped):
  workers = Workers(2)
  Simulators(COUNTDOWN, workers=workers).open(2)
  process_ids = workers.process_ids()
  assert all(Path(f"/proc/{process_id}").exists() for process_id in process_ids)
  if dropped:
    del workers
  else:
    workers.close()
    workers.close()
  assert gone(process_ids)


@pytest.mark.parametrize(
  ("number", "to_group"),
  [(signal.SIGKILL, False), (signal.SIGTERM, False), (signal.SIGINT, True)],
)
def test_workers_end_with_the_main_program(number, to_group):
  """However it ends; Ctrl-C, which reaches a whole process group, is the main program's alone."""
  script = Path(__file__).parent / "endless_evaluation.py"
  main = subprocess.Popen(
    [sys.executable, script],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    start_new_session=True,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
  )
  assert main.stdout is not None
  try:
    process_ids = [int(word) for word in main.stdout.readline().split()]
    assert len(process_ids) == 2
    time.sleep(0.5)
    if to_group:
      os.killpg(main.pid, number)
    else:
      main.send_signal(number)
    _, errors = main.communicate(timeout=60)
  finally:
    main.kill()
  assert main.returncode == -number
  assert errors.count("Traceback") == (1 if number == signal.SIGINT else 0)
  assert gone(process_ids)


def test_a_worker_needs_no_jax():
  command = "import sys, dmg_jax.envs.workers; print('jax' in sys.modules, 'flax' in sys.modules)"
  result = subprocess.run(
    [sys.executable, "-c", command], capture_output=True, text=True, check=True
  )
  assert result.stdout.split() == ["False", "False"]
