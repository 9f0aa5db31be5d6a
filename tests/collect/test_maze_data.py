"""Agents sent through mazes: where to, and what is recorded of it."""

import json
from itertools import pairwise

import gymnasium
import jax
import numpy as np
import pytest

import dmg_jax
from dmg_jax import networks, run_log
from dmg_jax.collect import maze_data
from dmg_jax.data import minari_files, policies
from dmg_jax.data.load import load
from dmg_jax.envs.make import make
from dmg_jax.envs.maze_maps import MAZES
from dmg_jax.envs.waypoints import Way
from dmg_jax.errors import UserError
from dmg_jax.experiments.verify import replay

UMAZE = "dmg_jax/PointMaze-UMaze-v0"


def send(env_id=UMAZE, tier="diverse"):
  """A maze whose agent is sent, on its own."""
  env = make(env_id)
  maze = env.unwrapped.maze
  where = maze_data.cells(maze, tier)
  return maze_data.Sent(env, where, {cell: Way(maze, cell) for cell in where.targets})


def test_play_has_d4rls_targets_and_diverse_all_cells():
  play = maze_data.cells(MAZES["umaze"], "play")
  assert play == ([(1, 1)], [(3, 1)])
  play = maze_data.cells(MAZES["medium"], "play")
  assert play.targets == [(2, 6), (5, 1), (6, 5), (6, 6)]
  assert len(play.starts) == 26 - 4
  assert not {*play.starts} & {*play.targets}
  diverse = maze_data.cells(MAZES["umaze"], "diverse")
  assert diverse.starts == [(1, 1), (1, 2), (1, 3), (2, 3), (3, 2), (3, 3)]
  assert diverse.targets == [(1, 1), (1, 2), (1, 3), (2, 3), (3, 1), (3, 2), (3, 3)]


@pytest.mark.parametrize("name", sorted(MAZES))
@pytest.mark.parametrize("tier", maze_data.TIERS)
def test_all_cells_are_free_and_the_goal_is_a_target(name, tier):
  maze = MAZES[name]
  starts, targets = maze_data.cells(maze, tier)
  assert {*starts, *targets} <= {*maze.free_cells}
  assert maze.goal in targets
  assert maze.goal not in starts


def test_the_spring_pulls_to_the_waypoint_and_the_damper_holds_back():
  observations = np.array([[1, 2, 0, 0], [1, 2, 0.5, -0.25], [0, 0, 5, 0]], np.float64)
  waypoints = np.array([[1.05, 1.98], [1, 2], [9, 0]], np.float64)
  expected = [[0.5, -0.2], [-0.5, 0.25], [1, 0]]
  np.testing.assert_allclose(maze_data.pull(observations, waypoints), expected, atol=1e-12)


def test_an_agent_is_sent_on_when_it_has_arrived():
  sent = send()
  targets = []
  observation, _ = sent.reset(seed=0)
  for _ in range(20):
    targets.append(sent._target)
    observation = np.array([*sent._target, 0, 0])
    sent.waypoint(observation)
  cells = [sent.unwrapped.maze.cell(target) for target in targets]
  assert all(one != other for one, other in pairwise(cells))
  assert len(set(cells)) == 7
  for cell, target in zip(cells, targets, strict=True):
    away = np.abs(target - sent.unwrapped.maze.position(cell)).max()
    assert away <= 0.25
    assert cell != (3, 1) or away == 0


def test_an_agent_with_one_target_stays_there():
  sent = send(tier="play")
  observation, _ = sent.reset(seed=0)
  np.testing.assert_allclose(observation[:2], 0, atol=0.25)
  for _ in range(3):
    np.testing.assert_array_equal(sent.waypoint(np.array([0.1, 2, 0, 0])), [0, 2])


def test_episodes_come_from_their_seeds():
  sent = send()

  def begin(seed):
    observation, _ = sent.reset(seed=seed)
    return np.concatenate([observation, sent._target])

  np.testing.assert_array_equal(begin(5), begin(5))
  assert not np.array_equal(begin(5), begin(6))
  np.testing.assert_array_equal(begin(5)[:2], sent.options(5)["start"])


def test_starts_and_targets_do_not_depend_on_the_environments_own_draws():
  """Of 300 episodes: a start's offset was once a linear function of the goal's noise."""
  sent = send(tier="play")  # One start cell: the offset is the start's first draw.
  seeds = range(300)
  starts = np.array([sent.options(seed)["start"] for seed in seeds])
  own = np.array([np.random.default_rng(seed).uniform(size=2) for seed in seeds])
  targets = []
  for seed in seeds:
    sent.reset(seed=seed)
    targets.append(sent._generator.uniform(size=2))
  for one, other in ((starts, own), (np.array(targets), own), (starts, np.array(targets))):
    correlations = np.corrcoef(one.T, other.T)[:2, 2:]
    # 0.2 is 3.5 standard deviations of what independent draws have.
    assert np.abs(correlations).max() < 0.2


def test_the_ants_start_does_not_tell_its_goal():
  pytest.importorskip("ogbench", reason="the ant's body comes with it")
  sent = send("dmg_jax/AntMaze-UMaze-v0", "play")
  goals = np.array([sent.reset(seed=seed)[1]["goal"] for seed in range(300)])
  starts = np.array([sent.options(seed)["start"] for seed in range(300)])
  # Was 0.894: the goal is the same draw plus half of another.
  assert np.abs(np.corrcoef(starts.T, goals.T)[:2, 2:]).max() < 0.2


@pytest.mark.parametrize(("tier", "reached"), [("play", 1.0), ("diverse", 0.3)])
def test_the_ball_gets_to_the_goal_and_the_episode_ends_there(tier, reached):
  found, rules = maze_data.episodes(UMAZE, tier, steps=6000, noise=0.2, seed=0)
  returns = np.array([episode.rewards.sum() for episode in found])
  assert set(returns) <= {0, 1}
  assert returns.mean() >= reached
  for episode in found:
    np.testing.assert_array_equal(episode.rewards > 0, episode.terminations)
    distances = np.linalg.norm(episode.observations[:, :2] - [0, 2], axis=1)
    np.testing.assert_array_equal(distances[1:] <= 0.5, episode.terminations)
    assert episode.terminations[-1] != episode.truncations[-1]
    np.testing.assert_array_equal(np.float32(episode.options["start"]), episode.observations[0, :2])
    assert np.abs(episode.actions).max() <= 1
  assert rules["target_cells"] == maze_data.cells(MAZES["umaze"], tier).targets


def test_noise_is_on_the_actions():
  def jitter(noise):
    found, _ = maze_data.episodes(UMAZE, "play", steps=3000, noise=noise, seed=0)
    residuals = []
    maze = make(UMAZE).unwrapped.maze
    way = Way(maze, maze.goal)
    for episode in found:
      observations = episode.observations[:-1]
      goals = [way.waypoint(position, np.array([0, 2])) for position in observations[:, :2]]
      forces = maze_data.pull(observations, np.stack(goals))
      inside = np.abs(forces) < 0.2
      residuals.append((episode.actions - forces)[inside])
    return np.concatenate(residuals).std()

  assert jitter(0.0) < 1e-6
  assert jitter(0.2) == pytest.approx(0.2, rel=0.1)


def test_recorded_episodes_play_again(tmp_path):
  found, _ = maze_data.episodes(UMAZE, "diverse", steps=4000, noise=0.2, seed=1)
  folder = minari_files.write(tmp_path, "dmg/x/y-v0", found, make(UMAZE), algorithm_name="-")
  replayed = replay(folder, UMAZE, count=5)
  assert replayed.episodes == 5
  assert replayed.deviation == 0
  assert load(str(folder)).env_id == UMAZE


def test_dmg_trains_on_them_and_is_scored_by_its_successes(tmp_path, monkeypatch):
  monkeypatch.setattr(gymnasium.spec(UMAZE), "max_episode_steps", 15)
  found, _ = maze_data.episodes(UMAZE, "diverse", steps=1000, noise=0.2, seed=1)
  folder = minari_files.write(
    tmp_path, "dmg/x/diverse-v0", found, make(UMAZE), ref_min_score=0.0, ref_max_score=1.0
  )
  dmg_jax.train(
    str(folder),
    family="antmaze",
    run_dir=tmp_path / "run",
    seeds=2,
    steps=4,
    batch_size=8,
    log_interval=2,
    evaluation_episodes=3,
    **{f"{network}_hidden_sizes": (8, 8) for network in ("actor", "critic", "value")},
  )
  rows = run_log.read(tmp_path / "run", run_log.EVALUATIONS)
  assert [(row["score"], row["length"]) for row in rows] == [(0.0, 15)] * 6


def test_what_is_no_maze_and_too_few_steps_are_one_line():
  with pytest.raises(UserError, match=r"--tier=play is for mazes, .* Hopper-v4 is none"):
    maze_data.episodes("Hopper-v4", "play", 100, 0.2, 0)
  with pytest.raises(UserError, match=r"no episode of .* ended in 20 steps .* to at least 8000"):
    maze_data.episodes("dmg_jax/PointMaze-Large-v0", "diverse", 20, 0.2, 0)


def test_a_policy_that_walks_sees_its_waypoint(monkeypatch, tmp_path):
  modules = networks.make(8)
  actor = modules.actor.init(jax.random.key(0), np.zeros((1, 28), np.float32))
  policies.save(tmp_path / "expert.npz", jax.tree.map(np.asarray, actor))
  training = dict.fromkeys(policies._TRAINING, "told")
  stored = {**training, "expert": {"return": 1.0}, "evaluations": [1, 2]}
  (tmp_path / "provenance.json").write_text(json.dumps(stored))
  monkeypatch.setattr(policies, "shipped", lambda env_id, tier: {tier: tmp_path / f"{tier}.npz"})
  walk, provenance = maze_data.walker(8)
  assert provenance == {"return": 1.0, "training": training}
  observations = np.zeros((2, 29))
  observations[:, 3] = 1
  observations[1, :2] = 5
  ahead = walk(observations, observations[:, :2] + np.array([[3.0, 0], [0.1, 0]]))
  assert ahead.shape == (2, 8)
  np.testing.assert_allclose(ahead[0], ahead[1], atol=1e-6)
  aside = walk(observations, observations[:, :2] + np.array([[3.0, 0], [0, 0.1]]))
  np.testing.assert_allclose(aside[0], ahead[0], atol=1e-6)
  assert np.abs(aside[1] - ahead[1]).max() > 1e-3


@pytest.mark.parametrize(("maze", "reached"), [("UMaze", 0.9), ("Medium", 0.5)])
def test_the_ant_walks_where_it_is_sent(maze, reached):
  pytest.importorskip("ogbench", reason="the ant's body comes with it")
  found, rules = maze_data.episodes(f"dmg_jax/AntMaze-{maze}-v0", "play", 10_000, 0.2, seed=1)
  assert np.mean([episode.rewards.sum() for episode in found]) >= reached
  assert rules["controller"]["training"]["recipe"]["env_id"] == maze_data.WALKER[0]
