"""Contexts of the rotational reacher, in degrees: to train in, and to test in."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.agents import discrete
from dmg_jax.envs import reacher
from dmg_jax.errors import UserError
from dmg_jax.networks import Outputs
from dmg_jax.types import Array

TRAINING = (0, 90, 180, 270)
_TESTS = 100


def held_out(training: Sequence[int] = TRAINING, count: int = _TESTS, seed: int = 0) -> list[int]:
  """Distinct whole angles outside of the training's, drawn once for all runs."""
  others = [angle for angle in range(360) if angle not in training]
  return sorted(np.random.default_rng(seed).choice(others, count, replace=False).tolist())


def check(training: Sequence[float], test: Sequence[float]) -> None:
  """Refuses a test in a context of the training.

  Raises:
    UserError: naming the contexts that both have; angles count up to whole turns.
  """
  shared = {angle % 360 for angle in training} & {angle % 360 for angle in test}
  if shared:
    named = ", ".join(f"{angle:g}" for angle in sorted(shared))
    raise UserError(f"contexts {named} are in training and in test: the test would say nothing")


def radians(angles: Sequence[float]) -> np.ndarray:
  """(E,) float32."""
  return np.deg2rad(np.asarray(angles, float)).astype(np.float32)


def greedy_return(network: Outputs, policy: Any, contexts: Array) -> Array:
  """(E,): 1 where the action of the largest output leads to the goal within the horizon, else 0.

  One episode in each context (E,), radians; ends when the last has ended.
  """

  def going(carry):
    _, alive, time = carry
    return jnp.any(alive) & (time < reacher.HORIZON)

  def advance(carry):
    arm, alive, time = carry
    _, output = discrete.apply(network, policy, reacher.observe(arm))
    outcome = reacher.step(arm, reacher.torques_of(jnp.argmax(output, axis=-1)))
    return outcome.arm, alive & ~outcome.terminated, time + 1

  begin = reacher.start(contexts), jnp.ones(contexts.shape, bool), 0
  _, alive, _ = jax.lax.while_loop(going, advance, begin)
  return 1.0 - alive


@partial(jax.jit, static_argnames="network")
def _returns(network: Outputs, policies: Any, contexts: Array) -> Array:
  return jax.lax.map(lambda policy: greedy_return(network, policy, contexts), policies)


def returns(
  network: Outputs, policies: Any, training: Sequence[float], test: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
  """Mean greedy returns (R,) of policies with a leading axis R, in both sets of contexts.

  Args:
    network: of all policies; static, so that one compilation serves all agents that have it.
    policies: parameters.
    training, test: degrees.

  Raises:
    UserError: where both share a context.
  """
  check(training, test)
  found = np.asarray(_returns(network, policies, radians([*training, *test])))
  return found[:, : len(training)].mean(axis=1), found[:, len(training) :].mean(axis=1)
