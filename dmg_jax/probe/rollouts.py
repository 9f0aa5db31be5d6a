"""Discounted returns of a policy from given states with given first actions."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dmg_jax.envs.host import IDLE, RESET, STEP
from dmg_jax.envs.workers import Kind, Workers


class Rollouts(NamedTuple):
  """N rollouts, and what they had done at K depths.

  Where the simulator ended a rollout, what follows is worth 0: `going` is false
  and `partial` has its whole return.

  Attributes:
    returns: (N,) sum of discount^t r_t over t < horizon; NaN where the policy gave
      an action that is not finite.
    lengths: (N,) steps.
    partial: (K, N) the same sum over t < depth.
    observations: (K, N, S) float32, after depth steps.
    going: (K, N) whether the rollout had not ended by then.
  """

  returns: np.ndarray
  lengths: np.ndarray
  partial: np.ndarray
  observations: np.ndarray
  going: np.ndarray


def roll_out(
  workers: Workers,
  kind: Kind,
  act: Callable[[np.ndarray], Any],
  seeds: np.ndarray,
  first_actions: np.ndarray,
  *,
  discount: float,
  horizon: int,
  depths: Sequence[int] = (),
  reward_shift: float = 0.0,
) -> Rollouts:
  """Plays all rollouts in lockstep, each to its end or to the horizon.

  Args:
    workers, kind: of the simulators; results do not depend on the workers' number.
    act: from observations (N, S) to actions (N, A).
    seeds: (N,) of the resets.
    first_actions: (N, A), in the environment's units.
    discount: gamma.
    horizon: steps at most. With rewards of at most R, the return that is left out is at
      most discount^horizon R / (1 - discount).
    depths: at which to note the state, each at most the horizon.
    reward_shift: added to each reward.
  """
  count, sizes = len(seeds), kind.sizes
  orders = np.zeros(count, sizes.orders())
  orders["command"], orders["seed"] = RESET, seeds
  observations = workers.play(kind, orders)["observation"].copy()
  returns, lengths = np.zeros(count), np.zeros(count, np.int64)
  going = np.ones(count, bool)
  places = len(depths)
  partial, alive = np.zeros((places, count)), np.zeros((places, count), bool)
  noted = np.zeros((places, count, sizes.observation), np.float32)
  for step in range(horizon + 1):
    for place in np.flatnonzero(np.asarray(depths) == step):
      partial[place], noted[place], alive[place] = returns, observations, going
    if step == horizon:
      break
    actions = np.asarray(first_actions if step == 0 else act(observations))
    lost = going & ~np.isfinite(actions).all(axis=-1)
    returns[lost] = np.nan
    going &= ~lost
    if going.any():
      orders["command"] = np.where(going, STEP, IDLE)
      orders["action"] = actions
      results = workers.play(kind, orders)
      returns[going] += discount**step * (results["reward"][going] + reward_shift)
      lengths[going] += 1
      observations[going] = results["observation"][going]
      going = going & ~results["ended"]
  return Rollouts(returns, lengths, partial, noted, alive)
