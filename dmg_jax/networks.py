"""Actor, twin critics and value: two-layer ReLU perceptrons (Flax Linen)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from dmg_jax.types import Array, Networks


def _uniform_fan_in(fan_in: int) -> nn.initializers.Initializer:
  """PyTorch's default for a linear layer: U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""

  def initialise(key: Array, shape: Sequence[int], dtype=jnp.float32) -> Array:
    bound = fan_in**-0.5
    return jax.random.uniform(key, shape, dtype, -bound, bound)

  return initialise


class Perceptron(nn.Module):
  """Dense layers with ReLU between them; computes in its input's dtype.

  If `normalised`, hidden layers are normalised (arXiv 1607.06450) before the ReLU.
  """

  hidden_sizes: tuple[int, ...]
  outputs: int
  precision: str
  normalised: bool = False

  @nn.compact
  def __call__(self, inputs: Array) -> Array:
    hidden = inputs
    for layer, width in enumerate((*self.hidden_sizes, self.outputs)):
      initialise = _uniform_fan_in(hidden.shape[-1])
      hidden = nn.Dense(
        width,
        precision=self.precision,
        param_dtype=inputs.dtype,
        kernel_init=initialise,
        bias_init=initialise,
        name=f"layer_{layer}",
      )(hidden)
      if layer < len(self.hidden_sizes):
        if self.normalised:
          hidden = nn.LayerNorm(name=f"norm_{layer}")(hidden)
        hidden = nn.relu(hidden)
    return hidden


class Actor(nn.Module):
  """Deterministic policy: observations (..., S) -> actions (..., A) in [-1, 1]."""

  hidden_sizes: tuple[int, ...]
  action_size: int
  precision: str

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    return jnp.tanh(
      Perceptron(self.hidden_sizes, self.action_size, self.precision, name="policy")(observations)
    )


class Critic(nn.Module):
  """Twin critics: observations (..., S), actions (..., A) -> values (2, ...)."""

  hidden_sizes: tuple[int, ...]
  precision: str
  normalised: bool = False

  @nn.compact
  def __call__(self, observations: Array, actions: Array) -> Array:
    inputs = jnp.concatenate([observations, actions], axis=-1)
    values = [
      Perceptron(self.hidden_sizes, 1, self.precision, self.normalised, name=name)(inputs)
      for name in ("critic_1", "critic_2")
    ]
    return jnp.stack(values).squeeze(-1)


class Value(nn.Module):
  """State value: observations (..., S) -> values (...)."""

  hidden_sizes: tuple[int, ...]
  precision: str

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    return Perceptron(self.hidden_sizes, 1, self.precision, name="value")(observations).squeeze(-1)


def make(
  action_size: int, hidden_sizes: tuple[int, ...] = (256, 256), precision: str = "float32"
) -> Networks:
  """The paper's networks (256-256 each).

  Args:
    action_size: A.
    hidden_sizes: widths of the hidden layers.
    precision: of the matrix products: "float32" (full, also on TPU and on GPUs
      with reduced-precision tensor cores), or "default" or "bfloat16" for speed.
  """
  return Networks(
    actor=Actor(hidden_sizes, action_size, precision),
    critic=Critic(hidden_sizes, precision),
    value=Value(hidden_sizes, precision),
  )
