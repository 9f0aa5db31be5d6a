"""What training costs: operations of a gradient step, and the machine's rate of them."""

import itertools
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from dmg_jax import training
from dmg_jax.agents.form import DMG, Form
from dmg_jax.networks import Architecture

FORMULA = "2 m n k for each product that is needed; per step, the mean over a cycle"
_SIZE, _PRODUCTS = 256, 100


def forward_flops(batch_size: int, sizes: Sequence[int]) -> int:
  """Of a perceptron with these layer sizes, inputs and outputs included, on a batch."""
  return 2 * batch_size * sum(a * b for a, b in itertools.pairwise(sizes))


def backward_flops(
  batch_size: int, sizes: Sequence[int], *, weights: bool = True, inputs: int = 0
) -> int:
  """Of the gradients of its weights, and of its hidden layers and first `inputs` inputs."""
  to_hidden = forward_flops(batch_size, sizes[1:])
  to_weights = forward_flops(batch_size, sizes) if weights else 0
  return to_weights + to_hidden + 2 * batch_size * inputs * sizes[1]


def step_flops(
  architecture: Architecture,
  observation_size: int,
  action_size: int,
  batch_size: int,
  policy_delay: int,
  form: Form = DMG,
) -> float:
  """Floating-point operations of a step of `dmg.update`, in the products that it needs.

  Each step: target critics on (s, a) and, with the target actor, on s'; the value
  on s with its gradient, and on s'; the critics on (s, a) with theirs. Once a
  cycle: the value and the actor on s, the critics (or the first) on (s, pi(s)), the
  gradient through them to the action, and the actor's. What the form lacks costs nothing.
  """
  state, pair = observation_size, observation_size + action_size
  value = [state, *architecture.value_hidden_sizes, 1]
  critic = [pair, *architecture.critic_hidden_sizes, 1]
  actor = [state, *architecture.actor_hidden_sizes, action_size]

  def forward(sizes: list[int]) -> int:
    return forward_flops(batch_size, sizes)

  critics = architecture.critics
  each = delayed = 0
  if form.value:
    each += critics * forward(critic) + forward(value) + backward_flops(batch_size, value)
  if form.value and form.bootstraps_in_sample:
    each += forward(value)
  if form.target_actor:
    each += forward(actor) + critics * forward(critic)
  if form.critics:
    each += critics * (forward(critic) + backward_flops(batch_size, critic))
  if form.weighted:
    delayed += forward(value)
  if form.maximises:
    climbed = 1 if form.first_critic else critics
    delayed += climbed * forward(critic)
    delayed += climbed * backward_flops(batch_size, critic, weights=False, inputs=action_size)
  delayed += forward(actor) + backward_flops(batch_size, actor)
  return each + delayed / policy_delay


def matmul_rate() -> float:
  """Operations per second of float32 256 x 256 products on one thread of the first device.

  The best of three short scans, a tenth of a second in all on a present CPU.
  """
  right = jnp.eye(_SIZE)

  def scan(left):
    product = lambda left, _: (jnp.matmul(left, right, precision="float32"), None)  # noqa: E731
    return jax.lax.scan(product, left, length=_PRODUCTS)[0]

  options = training.compiler_options(jax.default_backend())
  compiled = jax.jit(scan).lower(right).compile(compiler_options=options)
  best = float("inf")
  for _ in range(3):
    started = time.perf_counter()
    jax.block_until_ready(compiled(right))
    best = min(best, time.perf_counter() - started)
  return 2 * _SIZE**3 * _PRODUCTS / best
