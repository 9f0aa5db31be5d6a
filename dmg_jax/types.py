"""The pytrees that everything else passes around."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from flax import linen as nn
from flax import struct

Array = jax.Array | np.ndarray
Parameters = Any
Metrics = dict[str, Array]


class Transitions(struct.PyTreeNode):
  """Logged experience; every field shares its leading axis (samples).

  Attributes:
    observations: (N, S) as the networks see them (normalised, if at all).
    actions: (N, A) in [-1, 1].
    rewards: (N,).
    next_observations: (N, S).
    not_dones: (N,), 0 where the environment ended the episode (not where a
      time limit cut it), else 1.
  """

  observations: Array
  actions: Array
  rewards: Array
  next_observations: Array
  not_dones: Array


class Hyperparameters(struct.PyTreeNode):
  """Every number of the family that an ablation may vary, as traced leaves.

  The defaults are the paper's for D4RL's Gym-MuJoCo data sets (Table 5 and
  App. C.1); the clip of the weights and the actor's 1 / mean|Q| scale, which
  gives `nu` its meaning, are those of the authors' code.

  Attributes:
    lam: lambda, the share of generalisation in the Bellman target (Eq. 16).
    nu: weight of the regression to reshaped behaviour in the actor (Eq. 14).
    q_coefficient: weight of the scaled Q term in the actor; 1 in DMG.
    expectile: tau of the value regression (Eq. 15).
    inverse_temperature: alpha of the advantage weights exp(alpha * A).
    value_temperature: beta of XQL's loss of V, alpha of SQL's and EQL's, in units of
      return; DMG's expectile regression does not use it.
    weight_clip: upper bound of the advantage weights.
    discount: gamma.
    target_rate: xi, the share of new parameters in a target update.
    smoothing_noise: standard deviation of the target policy's noise.
    smoothing_clip: bound of that noise.
    actor_learning_rate: Adam's rate for the actor, before its cosine.
    critic_learning_rate: Adam's rate for both critics.
    value_learning_rate: Adam's rate for the value network.
    actor_schedule_steps: actor steps until the cosine reaches 0; infinite
      keeps the rate constant.
  """

  lam: Array | float = 0.25
  nu: Array | float = 0.1
  q_coefficient: Array | float = 1.0
  expectile: Array | float = 0.7
  inverse_temperature: Array | float = 3.0
  value_temperature: Array | float = 1.0
  weight_clip: Array | float = 3.0
  discount: Array | float = 0.99
  target_rate: Array | float = 0.005
  smoothing_noise: Array | float = 0.2
  smoothing_clip: Array | float = 0.5
  actor_learning_rate: Array | float = 3e-4
  critic_learning_rate: Array | float = 3e-4
  value_learning_rate: Array | float = 3e-4
  actor_schedule_steps: Array | float = 500_000.0


class Agent(NamedTuple):
  """A learning algorithm as pure functions; hashable, hence static under `jax.jit`.

  `training.advance`, `evaluation` and the online loop know an algorithm only by
  this. Make one through a cached function, so that equal agents are one object
  and compile once.

  Attributes:
    init: (key, observation_size, action_size, dtype) -> state, a pytree with an
      int32 scalar `step` that starts at 0.
    update: (state, batch, noise, hyperparameters, *, update_actor) -> (state,
      metrics): one gradient step, which adds 1 to `step`. `update_actor` is static.
    policy: state -> parameters of the policy that is evaluated.
    act: (those parameters, observations (..., S)) -> actions (..., A) in [-1, 1],
      deterministic.
    cycle: gradient steps of a cycle; the last one has `update_actor` set.
    noise_shape: (batch_size, action_size) -> shape of the standard normal noise
      that one update takes.
  """

  init: Callable[..., Any]
  update: Callable[..., tuple[Any, Metrics]]
  policy: Callable[[Any], Parameters]
  act: Callable[[Parameters, Array], Array]
  cycle: int
  noise_shape: Callable[[int, int], tuple[int, ...]]


class Learner(struct.PyTreeNode):
  """A network's parameters and the state of the Adam that moves them."""

  parameters: Parameters
  optimiser: optax.ScaleByAdamState


class Networks(struct.PyTreeNode):
  """The three modules of an agent; hashable, hence static under `jax.jit`."""

  actor: nn.Module = struct.field(pytree_node=False)
  critic: nn.Module = struct.field(pytree_node=False)
  value: nn.Module = struct.field(pytree_node=False)


class TrainState(struct.PyTreeNode):
  """One agent: what `dmg.update` maps to its successor.

  Attributes:
    actor: a `Learner`.
    critic, value: `Learner`s, or None where the method has none; `critic` holds all
      critics.
    target_actor, target_critic: parameters of the slow copies, or None.
    step: gradient steps taken so far, int32.
    networks: the modules that the parameters belong to (static).
  """

  actor: Learner
  critic: Any
  value: Any
  target_actor: Parameters
  target_critic: Parameters
  step: Array
  networks: Networks = struct.field(pytree_node=False)
