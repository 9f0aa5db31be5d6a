"""Every method of the family on a chain of three states, against solutions by hand.

State 0 leads to 1, 1 to 2, and 2 ends. Only the last step has a reward, r(a). The
data hold 21 actions, evenly spaced, in each state. So, with a policy pi and with
V the in-sample learner's summary of what the data's actions are worth,

  Q(2, a) = r(a)
  Q(1, a) = gamma * (lambda * r(pi(2) + smoothing) + (1 - lambda) * V(2))
  Q(0, a) = gamma * Q(1, .)
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from dmg_jax import in_sample, methods, networks
from dmg_jax.agents import dmg
from dmg_jax.agents.form import Form
from dmg_jax.types import Hyperparameters, TrainState, Transitions

GAMMA = 0.8
STEPS, RATE = 1500, 5e-3
SIZES = (32, 32)
NETWORKS = networks.make(1, networks.Architecture(SIZES, SIZES, SIZES))
BASE = Hyperparameters(discount=GAMMA, target_rate=0.05, smoothing_noise=0.0, value_temperature=0.3)
# Noise of 0.4 to one side or the other, as the clip decides.
SMOOTHED = {"smoothing_noise": 1e6, "smoothing_clip": 0.4}


def peaked(actions):
  """The best action, 0.5, lies among the data's, which go from -1 to 1."""
  return 1 - np.square(actions - 0.5)


def rising(actions):
  """Of the data's actions, from -1 to 0, the last is the best; beyond lie better ones, unseen."""
  return 1 + actions


DATA_ACTIONS = {peaked: np.linspace(-1, 1, 21), rising: np.linspace(-1, 0, 21)}

CASES = {
  ("dmg", peaked): methods.point("dmg", BASE),
  ("td3", peaked): methods.point("td3", BASE),
  ("td3, smoothed", peaked): methods.point("td3", BASE).replace(**SMOOTHED),
  ("td3_bc", peaked): methods.point("td3_bc", BASE),
  ("iql", peaked): methods.point("iql", BASE),
  ("bc", peaked): methods.point("bc", BASE),
  ("dmg", rising): methods.point("dmg", BASE),
  ("td3", rising): methods.point("td3", BASE),
  ("iql", rising): methods.point("iql", BASE),
  ("iql, expectile 0.99", rising): methods.point("iql", BASE).replace(expectile=0.99),
  ("bc", rising): methods.point("bc", BASE),
} | {
  (method, reward): methods.point(method, BASE)
  for method in ("xql", "sql", "eql", "xql_dmg", "sql_dmg", "eql_dmg")
  for reward in (peaked, rising)
}  # fmt: skip
IN_SAMPLE = ("iql", "iql, expectile 0.99", "bc", "xql", "sql", "eql")


def learner(method: str) -> in_sample.Learner:
  """Of V, of a case's method."""
  return methods.find(method.split(",")[0]).learner


def chain(reward) -> Transitions:
  actions = DATA_ACTIONS[reward]
  states = np.repeat(np.eye(3), len(actions), axis=0)
  last = states[:, 2]
  return Transitions(
    observations=np.float32(states),
    actions=np.float32(np.tile(actions, 3))[:, None],
    rewards=np.float32(last * reward(np.tile(actions, 3))),
    next_observations=np.float32(np.roll(states, 1, axis=1)),
    not_dones=np.float32(1 - last),
  )


def fresh() -> TrainState:
  """An agent with random parameters, made without a compilation for each shape."""
  generator = np.random.default_rng(0)
  shapes = jax.eval_shape(lambda: dmg.init(jax.random.key(0), 3, 1, networks=NETWORKS))
  fill = lambda leaf: jnp.asarray(generator.uniform(-0.3, 0.3, leaf.shape), leaf.dtype)  # noqa: E731
  parts = (shapes.actor, shapes.critic, shapes.value)
  return dmg.from_parameters(NETWORKS, *(jax.tree.map(fill, part.parameters) for part in parts))


def learn(form, point: Hyperparameters, data: Transitions, start: TrainState, noise) -> TrainState:
  """Steps on all rows at once, whose rates fall to 0."""

  def step(state, inputs):
    rate, noise = inputs
    rates = {f"{name}_learning_rate": rate for name in ("actor", "critic", "value")}
    point_now = point.replace(**rates)
    return dmg.update(state, data, noise, point_now, update_actor=True, form=form)[0], None

  return jax.lax.scan(step, start, (jnp.linspace(RATE, 0, STEPS), noise))[0]


class Learned(NamedTuple):
  """What an agent holds of the chain.

  Attributes:
    values: (3,) V.
    q: (3, 21) the smaller critic at the data's actions.
    policy: (3,) actions.
    policy_q: (3,) the smaller critic at them.
  """

  values: np.ndarray
  q: np.ndarray
  policy: np.ndarray
  policy_q: np.ndarray


@pytest.fixture(scope="module")
def learned():
  """All cases, trained in one call for each in-sample learner."""
  noise = np.random.default_rng(1).normal(size=(STEPS, 63, 1)).astype(np.float32)
  found: dict = {}
  for which in dict.fromkeys(learner(method) for method, _ in CASES):
    cases = [case for case in CASES if learner(case[0]) is which]
    points = jax.tree.map(lambda *leaves: np.float32(leaves), *(CASES[case] for case in cases))
    data = jax.tree.map(lambda *leaves: np.stack(leaves), *(chain(reward) for _, reward in cases))
    train = functools.partial(learn, Form(learner=which))
    states = jax.jit(jax.vmap(train, (0, 0, None, None)))(points, data, fresh(), noise)
    found |= read(states, cases)
  return found


def read(states: TrainState, cases) -> dict:
  """What the agents of some cases hold."""
  found = {}
  for place, case in enumerate(cases):
    actor, critic, value = (
      jax.tree.map(lambda leaf, place=place: leaf[place], part.parameters)
      for part in (states.actor, states.critic, states.value)
    )
    observations = np.eye(3, dtype=np.float32)
    actions = dmg.act(NETWORKS, actor, observations)
    rows = chain(case[1])
    q = NETWORKS.critic.apply(critic, rows.observations, rows.actions).min(axis=0)
    found[case] = Learned(
      np.asarray(NETWORKS.value.apply(value, observations)),
      np.asarray(q).reshape(3, 21),
      np.asarray(actions[:, 0]),
      np.asarray(NETWORKS.critic.apply(critic, observations, actions).min(axis=0)),
    )
  return found


def expectile(values: np.ndarray, tau: float) -> float:
  """m with tau * sum of (x - m) above it = (1 - tau) * sum of (m - x) below it."""
  low, high = values.min(), values.max()
  for _ in range(60):
    m = (low + high) / 2
    above, below = np.maximum(values - m, 0).sum(), np.maximum(m - values, 0).sum()
    low, high = (m, high) if tau * above > (1 - tau) * below else (low, m)
  return m


def in_sample_value(method: str, rewards: np.ndarray, point: Hyperparameters) -> float:
  """V of the data's actions by the closed forms of the learners (`test_in_sample`)."""
  which, temperature = learner(method), point.value_temperature
  if which is in_sample.EXPECTILE:
    return expectile(rewards, point.expectile)
  if which is in_sample.SPARSE:
    excess = lambda v: np.maximum(1 + (rewards - v) / (2 * temperature), 0).mean() - 1  # noqa: E731
    return scipy.optimize.brentq(excess, rewards.min() - 1, rewards.max())
  return temperature * np.log(np.mean(np.exp(rewards / temperature)))


def in_sample_weights(method: str, advantages: np.ndarray, point: Hyperparameters) -> np.ndarray:
  which = learner(method)
  if which is in_sample.SPARSE:
    return np.clip(advantages, 0, point.weight_clip)
  inverse = point.inverse_temperature
  if which is in_sample.EXPONENTIAL:
    inverse = 10 / point.value_temperature
  return np.minimum(np.exp(inverse * advantages), point.weight_clip)


def by_hand(method: str, point: Hyperparameters) -> tuple[float, float, float, float]:
  """V(2), Q(1, .), Q(0, .) and pi(2) where the reward is peaked.

  With N = mean |Q(s, pi(s))|, the actor's loss in state 2 is, but for a constant,
  q (pi - 0.5)^2 / N + nu * mean(w (pi - a)^2), whose minimum is a weighted mean.
  """
  actions, reward = DATA_ACTIONS[peaked], peaked(DATA_ACTIONS[peaked])
  value = in_sample_value(method, reward, point)
  weights = in_sample_weights(method, reward - value, point)
  noise = point.smoothing_clip if point.smoothing_noise else 0.0
  action = 0.0
  for _ in range(100):
    bootstrap = (peaked(action + noise) + peaked(action - noise)) / 2
    first = GAMMA * (point.lam * bootstrap + (1 - point.lam) * value)
    magnitude = (GAMMA * first + first + peaked(action)) / 3
    pull, hold = point.q_coefficient / magnitude, point.nu * weights
    action = (0.5 * pull + np.mean(hold * actions)) / (pull + np.mean(hold))
  return value, first, GAMMA * first, action


@pytest.mark.parametrize("method", [name for name, reward in CASES if reward is peaked])
def test_values_and_policies_are_those_of_the_solution(learned, method):
  found, point = learned[method, peaked], CASES[method, peaked]
  value, first, zeroth, action = by_hand(method, point)
  np.testing.assert_allclose(found.q[2], peaked(DATA_ACTIONS[peaked]), atol=0.04)
  np.testing.assert_allclose(found.q[1], first, atol=0.03)
  np.testing.assert_allclose(found.q[0], zeroth, atol=0.03)
  np.testing.assert_allclose(found.values, [zeroth, first, value], atol=0.03)
  np.testing.assert_allclose(found.policy[2], action, atol=0.06)


def test_the_solution_in_numbers():
  """What `by_hand` says where it needs no computer."""
  solutions = {
    method: by_hand(method, point) for (method, reward), point in CASES.items() if reward is peaked
  }
  # TD3 takes the best action: gamma and gamma squared. Smoothing costs 0.4^2.
  np.testing.assert_allclose(solutions["td3"][1:], [0.8, 0.64, 0.5])
  np.testing.assert_allclose(solutions["td3, smoothed"][1:], [0.8 * 0.84, 0.64 * 0.84, 0.5])
  # Cloning takes the mean action.
  np.testing.assert_allclose(solutions["bc"][3], 0, atol=1e-12)
  # Between the two, with N = (1 + 0.8 + 0.64) / 3 to a percent: 0.5 / (1 + 0.4 * 0.81).
  np.testing.assert_allclose(solutions["td3_bc"][3], 0.378, atol=2e-3)
  # IQL and cloning learn the values of the data alone.
  np.testing.assert_allclose(solutions["iql"][:3], solutions["bc"][:3])
  assert expectile(np.array([0.0, 1.0]), 0.7) == pytest.approx(0.7)


def test_lambda_mixes_the_policys_value_with_the_datas(learned):
  """Also where the policy goes beyond the data, and its Q is made up."""
  for (method, reward), found in learned.items():
    lam = CASES[method, reward].lam
    if not CASES[method, reward].smoothing_noise:
      mixture = lam * found.policy_q[2] + (1 - lam) * found.values[2]
      np.testing.assert_allclose(found.q[1], GAMMA * mixture, atol=0.04, err_msg=method)


def test_in_sample_values_never_exceed_the_datas_best_action(learned):
  best = np.array([GAMMA**2, GAMMA, 1.0])
  for method in IN_SAMPLE:
    found, point = learned[method, rising], CASES[method, rising]
    assert (found.values < best).all(), method
    value = in_sample_value(method, rising(DATA_ACTIONS[rising]), point)
    np.testing.assert_allclose(found.values, best * value, atol=0.02, err_msg=method)
    assert -1 < found.policy[2] < 0, method


def test_generalisation_exceeds_them_and_doubly_mild_less_so(learned):
  """TD3 leaves the data's actions and believes in more than they ever gave."""
  td3, mild, in_sample = (learned[method, rising] for method in ("td3", "dmg", "iql"))
  assert td3.policy[2] > 0.5
  assert td3.q[1].min() > 1.2 * GAMMA
  assert in_sample.q[1].max() < mild.q[1].min()
  assert mild.q[1].max() < GAMMA < td3.q[1].min()
  for alone in ("xql", "sql", "eql"):
    without, with_dmg = learned[alone, rising], learned[f"{alone}_dmg", rising]
    assert without.q[1].max() < with_dmg.q[1].min()
    assert with_dmg.policy[2] > without.policy[2]
