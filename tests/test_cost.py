"""Operations of a step, against counts by hand."""

import pytest

from dmg_jax import cost, methods, networks
from dmg_jax.networks import Architecture


def test_a_forward_and_a_backward_pass_by_hand():
  """A batch of 2 through 3 -> 4 -> 1: 2 * 2 * (3 * 4 + 4 * 1)."""
  assert cost.forward_flops(2, [3, 4, 1]) == 64
  # To the weights as much again; to the hidden layer 2 * 2 * 4.
  assert cost.backward_flops(2, [3, 4, 1]) == 64 + 16
  # And to two of the inputs 2 * 2 * 2 * 4; without weights.
  assert cost.backward_flops(2, [3, 4, 1], weights=False, inputs=2) == 16 + 32


def test_a_step_by_hand():
  """S = 2, A = 1, one hidden layer of 1 in each network, a batch of 1, delay 4, one critic."""
  sizes = (1,)
  made = Architecture(sizes, sizes, sizes, critics=1)
  value, critic, actor = 2 * (2 + 1), 2 * (3 + 1), 2 * (2 + 1)
  each = 2 * critic + actor + 2 * value + (value + 2) + critic + (critic + 2)
  delayed = value + actor + critic + (2 + 2) + (actor + 2)
  assert each == 60
  assert delayed == 32
  assert cost.step_flops(made, 2, 1, 1, 4) == 60 + 32 / 4


@pytest.mark.parametrize(
  ("method", "flops"),
  [
    # As above, without what the method lacks: target critics, target actor, critics.
    ("td3_bc", (8 + 6) + (8 + 10) + (6 + 8 + 4 + 8) / 4),
    # Target critics and V on s and s', critics; once a cycle V and the actor.
    ("iql", (8 + 6 + 8 + 6) + (8 + 10) + (6 + 6 + 8) / 4),
    ("bc", (6 + 8) / 4),
  ],
)
def test_what_a_method_lacks_costs_nothing(method, flops):
  sizes = (1,)
  made = Architecture(sizes, sizes, sizes, critics=1)
  assert cost.step_flops(made, 2, 1, 1, 4, methods.find(method).form) == flops


def test_hoppers_step_is_what_the_earlier_formula_gave():
  """Which stood in benchmarks/throughput.py and counted three products for each network."""
  batch, width, state, action = 256, 256, 11, 3

  def forward(inputs, outputs):
    return 2 * batch * (inputs * width + width * width + width * outputs)

  def backward(inputs, outputs, weights):
    hidden = 2 * batch * (width * width + width * outputs)
    return weights * (hidden + 2 * batch * inputs * width) + hidden

  pair = state + action
  each = 6 * forward(pair, 1) + forward(state, action) + 2 * forward(state, 1)
  each += backward(state, 1, True) + 2 * backward(pair, 1, True)
  delayed = forward(state, 1) + forward(state, action) + 2 * forward(pair, 1)
  delayed += 2 * (backward(pair, 1, False) + 2 * batch * action * width)
  delayed += backward(state, action, True)
  assert each + delayed / 2 == 665_518_080
  assert cost.step_flops(networks.PAPER, state, action, batch, 2) == 665_518_080


def test_cost_grows_with_what_it_should():
  def flops(**changes):
    return cost.step_flops(networks.PAPER._replace(**changes), 11, 3, 256, 2)

  base = flops()
  assert flops(critic_layer_norm=True) == base
  four = flops(critics=4)
  assert four - base == pytest.approx(flops(critics=6) - four)
  assert cost.step_flops(networks.PAPER, 11, 3, 512, 2) == 2 * base


def test_the_rate_of_this_machine_is_one_of_a_machine():
  assert 1e8 < cost.matmul_rate() < 1e16
