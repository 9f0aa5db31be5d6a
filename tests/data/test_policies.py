"""The policies that come with the package do what is said of them."""

import jax
import numpy as np
import pytest

from dmg_jax import networks
from dmg_jax.data import policies, scaling
from dmg_jax.envs.make import make, spaces
from dmg_jax.evaluation import Policies, Simulators, evaluate

EPISODES = 5


@pytest.mark.parametrize(
  ("env_id", "tier"),
  [
    ("dmg_jax/AntDirections-v0", "expert"),
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
  found = evaluate(Simulators(env_id), Policies(networks.make(len(low)), actors, scalings), seeds)
  error = quote["standard_deviation"] / np.sqrt(EPISODES)
  assert abs(found.returns.mean() - quote["return"]) < 4 * error
  assert quote["training"]["recipe"]["env_id"] == env_id


def test_there_are_none_for_other_environments():
  assert policies.shipped("Pendulum-v1", "medium") == {}
  assert policies.shipped("Pendulum-v1", "medium-expert") == {}
  assert policies.shipped("Pendulum-v1", "full-replay") == {}
