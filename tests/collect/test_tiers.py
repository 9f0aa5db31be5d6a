"""What becomes of a data set whose policies share few steps."""

import gymnasium
import pytest

from dmg_jax.collect import rollout, tiers
from dmg_jax.collect.request import check_keep
from dmg_jax.errors import UserError


@pytest.mark.parametrize(
  ("transitions", "limit", "count"),
  [(100_000, 1000, 10), (10_000, 1000, 10), (9_999, 1000, 9), (999, 1000, 1), (50, None, 10)],
)
def test_few_steps_are_shared_by_fewer_environments(transitions, limit, count):
  assert rollout.together(transitions, limit) == count


def test_each_of_few_environments_plays_an_episode():
  """Ten environments would have 40 steps each, of the 200 of an episode."""
  (episodes,) = tiers.behaviour_episodes("Pendulum-v1", [None], 400, seed=0)
  assert [len(episode.rewards) for episode in episodes] == [200, 200]


def test_neighbouring_seeds_share_no_random_numbers():
  """With seed + place, the second behaviour of seed 0 was the first of seed 1."""
  first, second = (
    tiers.behaviour_episodes("Pendulum-v1", [None, None], 400, seed=seed) for seed in (0, 1)
  )
  seeds = [episode.seed for share in (*first, *second) for episode in share]
  actions = [episode.actions[0, 0] for share in (*first, *second) for episode in share]
  assert len(set(seeds)) == len(seeds) == 4
  assert len(set(actions)) == 4


def test_too_few_transitions_are_refused_with_the_least_number():
  check_keep(400, 2, "Pendulum-v1", 200)
  check_keep(1, 6, "Endless-v0", None)
  with pytest.raises(UserError, match=r"--keep is 399, but it must be at least 400: one episode f"):
    check_keep(399, 2, "Pendulum-v1", 200)


def test_an_environment_without_a_step_limit_may_never_end(monkeypatch):
  monkeypatch.setattr(gymnasium.spec("Pendulum-v1"), "max_episode_steps", None)
  message = "Pendulum-v1, which has no step limit, ended in 50 steps .*raise --keep, to 1000 for"
  with pytest.raises(UserError, match=message):
    tiers.behaviour_episodes("Pendulum-v1", [None, None], 100, seed=0)
