"""From theory to practice: Eq. 13 to 16 with tiny networks on an MDP whose truth is known.

There are few states, so V and the policy are tables; Q is a ReLU network of a one-hot state
and the action, as it is Q that has to generalise over actions. The data hold a few actions in
a narrow window of each state, in equal shares, and each batch is all of them with all next
states weighted by their probability: what is seen is generalisation, without sampling noise.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import struct

from dmg_jax.theory import generators
from dmg_jax.theory.generators import SmoothMDP
from dmg_jax.theory.mdp import FiniteMDP, expected_return
from dmg_jax.theory.networks import init, value
from dmg_jax.theory.operators import (
  Data,
  greedy,
  in_sample_fixed_point,
  nearest_distance,
  optimal_q,
)
from dmg_jax.types import Array, Parameters

_STATES, _IN_DATA, _WIDTH = 4, 5, 32
# Of the data's actions in a state, from the lowest to the highest; policies act in [-1, 1].
_WINDOW = 0.4
_DISCOUNT = 0.9
_LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0)
_NUS = (10.0, 1.0, 0.5, 0.1, 0.05, 0.01, 0.001)
# Held while the other one varies; the paper's for these figures.
FIXED_NU, FIXED_LAMBDA = 0.1, 0.25
# tau and alpha are the paper's for Gym; its code clips the weights at 3.
_EXPECTILE, _INVERSE_TEMPERATURE, _WEIGHT_CLIP = 0.7, 3.0, 3.0
# Of Adam, for (critic, values, policy): a table moves by no more than its rate in a step, and V
# has to come from 0 to about 1 / (1 - gamma).
_LEARNING_RATES = (2e-3, 2e-2, 5e-3)
_TARGET_RATE = 0.02
_GRID = np.linspace(-1, 1, 81)
# What is stored of each run, see `judge`.
_STORED = ("true_return", "own_q", "true_q", "radius", "steepness", "limit")


class Setting(NamedTuple):
  """What differs between runs of an MDP: lambda and nu."""

  lam: Array
  nu: Array


class Agent(struct.PyTreeNode):
  """Attributes:
  critic: parameters of Q. values: V, (S,). policy: (S,), actions before the tanh.
  target_critic, target_policy: slow copies.
  """

  critic: Parameters
  values: Array
  policy: Array
  target_critic: Parameters
  target_policy: Array


def problem(key: Array) -> tuple[SmoothMDP, FiniteMDP]:
  """A random MDP, and its finite version at the actions of the data."""
  keys = jax.random.split(key)
  functions = generators.smooth_mdp(keys[0], _STATES, 1, reward_slope=1.5, transition_slope=1.0)
  functions = functions.replace(discount=jnp.asarray(_DISCOUNT))
  lowest = jax.random.uniform(keys[1], (_STATES, 1), minval=-0.7, maxval=0.3)
  actions = lowest + jnp.linspace(0, _WINDOW, _IN_DATA)
  return functions, functions.at(actions[..., None])


def q_at(critic: Parameters, actions: Array) -> Array:
  """(S, N): Q of actions (S, N) in each state."""
  q = partial(value, critic, activation=jax.nn.relu)
  places = actions[..., None]
  return jax.vmap(jax.vmap(q, in_axes=(None, 0)))(jnp.eye(len(actions)), places)


def act(policy: Array) -> Array:
  """(S, 1): the actions of a policy's table."""
  return jnp.tanh(policy)[:, None]


def losses(
  learned: tuple[Parameters, Array, Array], agent: Agent, mdp: FiniteMDP, setting: Setting
) -> Array:
  """Eq. 14 to 16, summed: each of the three terms moves one of (critic, values, policy)."""
  critic, values, policy = learned
  stop = jax.lax.stop_gradient
  actions = mdp.actions[..., 0]
  target_q = q_at(agent.target_critic, actions)
  # Eq. 15: the expectile of Q over the data's actions.
  difference = target_q - values[:, None]
  weight = jnp.where(difference < 0, 1 - _EXPECTILE, _EXPECTILE)
  value_loss = jnp.mean(weight * jnp.square(difference))
  # Eq. 16.
  generalised = q_at(agent.target_critic, act(agent.target_policy))[:, 0]
  mixture = setting.lam * generalised + (1 - setting.lam) * stop(values)
  target = mdp.rewards + mdp.discount * jnp.sum(mdp.transitions * mixture, axis=-1)
  critic_loss = jnp.mean(jnp.square(q_at(critic, actions) - target))
  # Eq. 13 and 14 for a deterministic policy, with the released code's scale 1 / mean|Q|.
  q = q_at(stop(critic), act(policy))
  scale = 1 / jnp.mean(jnp.abs(stop(q)))
  advantages = target_q - stop(values)[:, None]
  weights = jnp.minimum(jnp.exp(_INVERSE_TEMPERATURE * advantages), _WEIGHT_CLIP)
  regression = jnp.mean(weights * jnp.square(act(policy) - actions))
  return critic_loss + value_loss - scale * jnp.mean(q) + setting.nu * regression


def train(key: Array, setting: Setting, mdp: FiniteMDP, steps: int) -> Agent:
  """An agent after so many full-batch steps; the data's actions are those of the MDP."""
  critic = init(key, _STATES + 1, _WIDTH)
  # In the middle of the window, where cloning begins too.
  policy = jnp.arctanh(jnp.mean(mdp.actions[..., 0], axis=1))
  agent = Agent(critic, jnp.zeros(_STATES), policy, critic, policy)
  optimiser = optax.scale_by_adam()

  def step(carry, _):
    agent, state = carry
    learned = agent.critic, agent.values, agent.policy
    gradients = jax.grad(losses)(learned, agent, mdp, setting)
    updates, state = optimiser.update(gradients, state)
    scaled = (
      jax.tree.map(lambda leaf, rate=rate: -rate * leaf, part)
      for part, rate in zip(updates, _LEARNING_RATES, strict=True)
    )
    critic, values, policy = optax.apply_updates(learned, tuple(scaled))
    slow = optax.incremental_update(
      (critic, policy), (agent.target_critic, agent.target_policy), _TARGET_RATE
    )
    return (Agent(critic, values, policy, *slow), state), None

  start = (agent, optimiser.init((agent.critic, agent.values, agent.policy)))
  (agent, _), _ = jax.lax.scan(step, start, None, length=steps)
  return agent


def expectile_fixed_point(mdp: FiniteMDP, steps: int = 300) -> Array:
  """(S, A): Q of in-sample learning with the expectile in the place of the maximum."""

  def expectile_of(q: Array) -> Array:
    def closer(_, v):
      weight = jnp.where(q < v[:, None], 1 - _EXPECTILE, _EXPECTILE)
      return jnp.sum(weight * q, axis=1) / jnp.sum(weight, axis=1)

    return jax.lax.fori_loop(0, 30, closer, jnp.mean(q, axis=1))

  def step(_, q):
    return mdp.rewards + mdp.discount * jnp.sum(mdp.transitions * expectile_of(q), axis=-1)

  return jax.lax.fori_loop(0, steps, step, jnp.zeros_like(mdp.rewards))


def judge(agent: Agent, setting: Setting, functions: SmoothMDP, mdp: FiniteMDP) -> dict:
  """What was learned, beside the truth.

  Returns:
    q: (S, A), learned values of the data. true_return: J of the policy, exactly. own_q, true_q:
    means over states of the learned Q at the policy's actions and of their true values.
    radius: eps_a, the largest distance of the policy from the data. steepness: K_Q, the
    largest slope of the learned Q on a grid of actions within eps_a of the data. limit:
    lambda eps_a K_Q gamma / (1 - gamma).
  """
  actions = act(agent.policy)
  at_policy = functions.at(actions[..., None])
  only = jnp.ones((_STATES, 1))
  beside = jnp.concatenate([mdp.actions[..., 0], actions], axis=1)
  support = jnp.broadcast_to(jnp.arange(_IN_DATA + 1) < _IN_DATA, beside.shape)
  radius = jnp.max(nearest_distance(beside[..., None], support))
  grid = jnp.broadcast_to(jnp.asarray(_GRID), (_STATES, len(_GRID)))
  low, high = mdp.actions[:, :1, 0] - radius, mdp.actions[:, -1:, 0] + radius
  rises = jnp.abs(jnp.diff(q_at(agent.critic, grid), axis=1)) / jnp.diff(grid, axis=1)
  near = (grid[:, 1:] >= low) & (grid[:, :-1] <= high)
  steepness = jnp.max(jnp.where(near, rises, 0))
  discount = mdp.discount
  transitions = at_policy.transitions[:, 0]
  true = jnp.linalg.solve(jnp.eye(_STATES) - discount * transitions, at_policy.rewards[:, 0])
  return {
    "q": q_at(agent.critic, mdp.actions[..., 0]),
    "true_return": expected_return(at_policy, only),
    "own_q": jnp.mean(q_at(agent.critic, actions)),
    "true_q": jnp.mean(true),
    "radius": radius,
    "steepness": steepness,
    "limit": setting.lam * radius * steepness * discount / (1 - discount),
  }


def references(functions: SmoothMDP, mdp: FiniteMDP) -> dict:
  """What is true of an MDP and its data, whatever is learned.

  Returns:
    in_sample_q: (S, A), Q*_In. expectile_q: (S, A), see `expectile_fixed_point`. optimal,
    in_sample, behaviour: J of the best policy on the grid, of the in-sample policy, and of the
    data's.
  """
  support = jnp.ones(mdp.rewards.shape, bool)
  in_sample_q = in_sample_fixed_point(mdp, Data(support, support))
  grid = jnp.broadcast_to(jnp.asarray(_GRID)[:, None], (_STATES, len(_GRID), 1))
  everywhere = functions.at(grid)
  best = greedy(optimal_q(everywhere), jnp.ones(everywhere.rewards.shape, bool))
  return {
    "in_sample_q": in_sample_q,
    "expectile_q": expectile_fixed_point(mdp),
    "optimal": expected_return(everywhere, best),
    "in_sample": expected_return(mdp, greedy(in_sample_q, support)),
    "behaviour": expected_return(mdp, jnp.full(mdp.rewards.shape, 1 / _IN_DATA)),
  }


def sweeps() -> Setting:
  """The points of both sweeps, on one axis: first lambda, then nu."""
  lams = [*_LAMBDAS, *[FIXED_LAMBDA] * len(_NUS)]
  nus = [*[FIXED_NU] * len(_LAMBDAS), *_NUS]
  return Setting(jnp.array(lams), jnp.array(nus))


def measure(seed: int, mdps: int = 4, seeds: int = 3, steps: int = 4000) -> dict[str, Any]:
  """The row of the practical objective.

  Args:
    seed: of the MDPs and of the runs.
    mdps: how many; none was chosen for what it shows.
    seeds: runs of each point.
    steps: gradient steps.
  """
  functions, finite = generators.draw_many(problem, seed, mdps)
  keys = jax.random.split(jax.random.key(seed + 1), seeds)
  points = sweeps()

  def of_run(key, setting, functions, mdp):
    return judge(train(key, setting, mdp, steps), setting, functions, mdp)

  over_seeds = jax.vmap(of_run, in_axes=(0, None, None, None))
  over_points = jax.vmap(over_seeds, in_axes=(None, 0, None, None))
  over_mdps = jax.jit(jax.vmap(over_points, in_axes=(None, None, 0, 0)))
  judged = jax.tree.map(np.asarray, over_mdps(keys, points, functions, finite))
  truth = jax.tree.map(np.asarray, jax.jit(jax.vmap(references))(functions, finite))
  rows = []
  for place in range(mdps):
    of_mdp = {name: values[place] for name, values in judged.items()}
    truth_of_mdp = {name: values[place] for name, values in truth.items()}
    rows.append(_summary(of_mdp, truth_of_mdp, points))
  points_of = [row for mdp in rows for row in mdp["lambdas"] + mdp["nus"]]
  generalising = [row for row in points_of if row["lam"] > 0]
  return {
    "instances": mdps,
    "runs": mdps * seeds * len(points.lam),
    "seeds": seeds,
    "steps": steps,
    "expectile": _EXPECTILE,
    "discount": _DISCOUNT,
    "fixed": {"nu": FIXED_NU, "lam": FIXED_LAMBDA},
    "worst_margin": min(row["lowest_below_bound"] for row in generalising),
    "above_bound": float(np.mean([row["above_bound"] for row in generalising])),
    "below_expectile": float(np.mean([row["below_expectile"] for row in points_of])),
    "below_in_sample": float(np.mean([row["below_in_sample"] for row in points_of])),
    "lowest_above_expectile": min(row["lowest_above_expectile"] for row in points_of),
    "mdps": rows,
  }


def _summary(judged: dict, truth: dict, points: Setting) -> dict:
  """Of one MDP: a row for each point, and how many values lie where Theorem 4 has them."""
  above_maximum = judged["q"] - truth["in_sample_q"]
  above_expectile = judged["q"] - truth["expectile_q"]
  below_bound = judged["limit"][..., None, None] - above_maximum
  rows = [
    {
      "lam": round(float(points.lam[index]), 6),
      "nu": round(float(points.nu[index]), 6),
      "q": judged["q"][index].mean(axis=(1, 2)).tolist(),
      **{name: judged[name][index].tolist() for name in _STORED},
      "below_in_sample": float((above_maximum[index] < 0).mean()),
      "below_expectile": float((above_expectile[index] < 0).mean()),
      "above_bound": float((below_bound[index] < 0).mean()),
      "lowest_above_expectile": float(above_expectile[index].min()),
      "lowest_below_bound": float(below_bound[index].min()),
    }
    for index in range(len(points.lam))
  ]
  return {
    "return": {name: float(truth[name]) for name in ("optimal", "in_sample", "behaviour")},
    "mean_in_sample_q": float(truth["in_sample_q"].mean()),
    "mean_expectile_q": float(truth["expectile_q"].mean()),
    "lambdas": rows[: len(_LAMBDAS)],
    "nus": rows[len(_LAMBDAS) :],
  }
