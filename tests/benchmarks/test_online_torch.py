"""The plain loop that ours is compared with does what it says."""

import numpy as np
import pytest
import recorded_trace
from conftest import ACTION_SIZE, OBSERVATION_SIZE, make_transitions
from gymnasium import Env, spaces

torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs the extra [bench]")
import online_torch  # noqa: E402

SETTINGS = recorded_trace.Settings(
  S=OBSERVATION_SIZE, A=ACTION_SIZE, B=8, N=5, start_step=0, mode="online", discount=0.99,
  tau=0.005, policy_freq=2, expectile=0.9, temperature=10.0, lam=0.25, lam_end=0.5, nu=0.5,
  nu_end=0.005, max_weight=100.0, lr_actor_final=3e-4,
)  # fmt: skip


class Short(Env):
  """Episodes of three steps; an observation counts them."""

  observation_space = spaces.Box(-np.inf, np.inf, (OBSERVATION_SIZE,))
  action_space = spaces.Box(-1, 1, (ACTION_SIZE,))

  def reset(self, **_):
    self.steps = 0
    return np.zeros(OBSERVATION_SIZE), {}

  def step(self, action):
    self.steps += 1
    return np.full(OBSERVATION_SIZE, self.steps), 1.0, self.steps == 3, False, {}


def test_it_takes_one_gradient_step_for_each_environment_step():
  loop = online_torch.Loop(Short(), make_transitions(20), 5, SETTINGS, (8, 8), 0.1, 1, "cpu")
  loop.advance(5)
  assert loop._agent.steps == 5
  rows = {name: leaf[20:] for name, leaf in loop._rows.items()}
  assert rows["observations"][:, 0].tolist() == [0, 1, 2, 0, 1]
  assert rows["next_observations"][:, 0].tolist() == [1, 2, 3, 1, 2]
  assert rows["not_dones"].tolist() == [1, 1, 0, 1, 1]
  assert rows["rewards"].tolist() == [0.0] * 5
