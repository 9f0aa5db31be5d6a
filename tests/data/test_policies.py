"""The policies that come with the package do what is said of them."""

import functools

import jax
import numpy as np
import pytest

from dmg_jax import networks
from dmg_jax.agents import dmg
from dmg_jax.data import policies, scaling
from dmg_jax.envs.make import make, spaces
from dmg_jax.evaluation import Policies, Simulators, evaluate

BODIES = ("HalfCheetah", "Hopper", "Walker2d")
EPISODES = 5


@pytest.mark.parametrize(
  ("env_id", "tier"),
  [
    ("dmg_jax/AntDirections-v0", "expert"),
    *((f"{body}-v4", tier) for body in BODIES for tier in ("medium", "expert")),
  ],
)
def test_it_returns_what_is_quoted(env_id, tier):
  if "Ant" in env_id:
    pytest.importorskip("ogbench", reason="the ant's body comes with it")
  path = policies.shipped(env_id, tier)[tier]
  quote = policies.provenance(path)
  size, low, high = spaces(make(env_id))
  actors, scalings = jax.tree.map(
    lambda leaf: np.asarray(leaf)[None],
    (policies.load(path), scaling.for_actions(size, low, high)),
  )
  seeds = np.arange(EPISODES)[None]
  act = functools.partial(dmg.act, networks.make(len(low)))
  found = evaluate(Simulators(env_id), Policies(act, actors, scalings), seeds)
  error = quote["standard_deviation"] / np.sqrt(EPISODES)
  assert abs(found.returns.mean() - quote["return"]) < 4 * error
  assert quote["training"]["recipe"]["env_id"] == env_id


@pytest.mark.parametrize("body", BODIES)
def test_replays_have_policies_in_order_of_their_training(body):
  for tier in ("medium-replay", "full-replay"):
    paths = policies.shipped(f"{body}-v4", tier)
    quotes = [policies.provenance(path) for path in paths.values()]
    steps = [quote["step"] for quote in quotes]
    assert steps == sorted(steps)
    assert len(steps) == 6
    assert quotes[-1]["return"] > 10 * abs(quotes[0]["return"])


def test_there_are_none_for_other_environments():
  assert policies.shipped("Pendulum-v1", "medium") == {}
  assert policies.shipped("Pendulum-v1", "medium-expert") == {}
  assert policies.shipped("Pendulum-v1", "full-replay") == {}
