"""What is true of the rotational reacher whatever is learned, and how fast it is."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.envs import reacher
from dmg_jax.symmetry.cells import Cells
from dmg_jax.types import Array

BATCHES = (100, 1000, 10_000)
# Shoulder back and elbow forward for so many steps, then both forward: of the plans of two
# phases the shortest.
FIRST_PHASE, FIRST_ACTION, SECOND_ACTION = 12, 2, 8
SETTINGS: dict[str, Any] = {
  "batches": BATCHES,
  "goal_radius": reacher.GOAL_RADIUS,
  "rotations": 360,
  "random_episodes": 10_000,
}


def fill(seed: int, cells: Cells) -> None:
  """The plan at all rotations, a random policy, and steps per second."""
  cells.fill("plan", plan_at_all_rotations)
  cells.fill("random policy", partial(random_policy, seed))
  for batch in BATCHES:
    cells.fill(f"{batch} episodes", partial(speed, batch, seed))


def plan_actions(horizon: int = reacher.HORIZON) -> Array:
  """(horizon,): the plan's discrete actions."""
  return jnp.where(jnp.arange(horizon) < FIRST_PHASE, FIRST_ACTION, SECOND_ACTION)


@jax.jit
def play_plan(contexts: Array) -> tuple[Array, Array, Array]:
  """Steps, sparse and shaped returns (E,) of the plan."""

  def advance(carry, action):
    arm, alive = carry
    outcome = reacher.step(arm, reacher.torques_of(action))
    return (outcome.arm, alive & ~outcome.terminated), (alive, outcome.sparse, outcome.shaped)

  begin = reacher.start(contexts), jnp.ones(contexts.shape, bool)
  _, (alive, sparse, shaped) = jax.lax.scan(advance, begin, plan_actions())
  return alive.sum(0), (sparse * alive).sum(0), (shaped * alive).sum(0)


def plan_at_all_rotations() -> dict[str, Any]:
  """Steps and returns of the plan with the shoulder at each whole degree."""
  angles = np.deg2rad(np.arange(SETTINGS["rotations"])).astype(np.float32)
  steps, sparse, shaped = map(np.asarray, play_plan(angles))
  return {
    "fewest_steps": int(steps.min()),
    "most_steps": int(steps.max()),
    "successes": int(sparse.sum()),
    "lowest_shaped_return": float(shaped.min()),
    "highest_shaped_return": float(shaped.max()),
  }


def random_torques(observations: Array, key: Array, alive: Array) -> Array:
  """(E, 2), uniform in [-1, 1]."""
  del alive
  return jax.random.uniform(key, (len(observations), 2), minval=-1)


@partial(jax.jit, static_argnames="batch")
def play_random(key: Array, batch: int) -> tuple[Array, Array, Array]:
  """(batch,) sparse returns and lengths of a policy of random torques, and the mean
  observation (batch, 10), so that every observation is computed."""
  played = reacher.episodes(random_torques, jnp.zeros(batch), key, discrete=False)
  returns, lengths = jnp.sum(played.rewards * played.alive, axis=0), jnp.sum(played.alive, axis=0)
  return returns, lengths, jnp.mean(played.next_observations, axis=0)


def random_policy(seed: int) -> dict[str, Any]:
  """How often a policy of random torques comes to the goal."""
  episodes = SETTINGS["random_episodes"]
  returns, lengths, _ = play_random(jax.random.key(seed), episodes)
  return {"return": float(returns.mean()), "mean_length": float(lengths.mean())}


def speed(batch: int, seed: int, rounds: int = 5) -> dict[str, Any]:
  """Steps per second of whole episodes side by side, all 200 steps of each, the best round."""
  key = jax.random.key(seed)
  jax.block_until_ready(play_random(key, batch))
  best = np.inf
  for count in range(rounds):
    started = time.perf_counter()
    jax.block_until_ready(play_random(jax.random.fold_in(key, count), batch))
    best = min(best, time.perf_counter() - started)
  return {"steps_per_second": batch * reacher.HORIZON / best}
