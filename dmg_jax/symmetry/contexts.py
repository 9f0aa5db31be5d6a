"""Contexts of the rotational reacher, in degrees: to train in, and to test in."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dmg_jax.agents import discrete
from dmg_jax.envs import reacher
from dmg_jax.errors import UserError
from dmg_jax.networks import Outputs
from dmg_jax.types import Agent, Array

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


# From parameters of a policy and observations (E, 10) to torques (E, 2).
Torques = Callable[[Any, Array], Array]


@functools.cache
def of_largest_output(network: Outputs) -> Torques:
  """The torques of the discrete action with the largest output; one object for each network."""

  def torques(policy: Any, observations: Array) -> Array:
    _, output = discrete.apply(network, policy, observations)
    return reacher.torques_of(jnp.argmax(output, axis=-1))

  return torques


@functools.cache
def of_actor(agent: Agent) -> Torques:
  """The torques of an agent's continuous actions in [-1, 1]; one object for each agent."""
  return lambda policy, observations: reacher.MAX_TORQUE * agent.act(policy, observations)


def greedy_return(torques: Torques, policy: Any, contexts: Array) -> Array:
  """(E,): 1 where a policy comes to the goal within the horizon, else 0.

  One episode in each context (E,), radians; ends when the last has ended.
  """

  def going(carry):
    _, alive, time = carry
    return jnp.any(alive) & (time < reacher.HORIZON)

  def advance(carry):
    arm, alive, time = carry
    outcome = reacher.step(arm, torques(policy, reacher.observe(arm)))
    return outcome.arm, alive & ~outcome.terminated, time + 1

  begin = reacher.start(contexts), jnp.ones(contexts.shape, bool), 0
  _, alive, _ = jax.lax.while_loop(going, advance, begin)
  return 1.0 - alive


@functools.partial(jax.jit, static_argnames=("torques", "side_by_side"))
def _returns(torques: Torques, policies: Any, contexts: Array, *, side_by_side: bool) -> Array:
  def one(policy):
    return greedy_return(torques, policy, contexts)

  return jax.vmap(one)(policies) if side_by_side else jax.lax.map(one, policies)


def returns(
  torques: Torques, policies: Any, training: Sequence[float], test: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
  """Mean greedy returns (R,) of policies with a leading axis R, in both sets of contexts.

  Args:
    torques: of a policy; static, one compilation for each.
    policies: parameters.
    training, test: degrees.

  Raises:
    UserError: where both share a context.
  """
  check(training, test)
  # One after another, each policy stops when its last episode has ended.
  side_by_side = jax.default_backend() != "cpu"
  everywhere = radians([*training, *test])
  found = np.asarray(_returns(torques, policies, everywhere, side_by_side=side_by_side))
  return found[:, : len(training)].mean(axis=1), found[:, len(training) :].mean(axis=1)
