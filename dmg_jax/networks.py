"""Actor, critics and value: ReLU perceptrons (Flax Linen)."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from dmg_jax.errors import UserError
from dmg_jax.types import Array, Networks


def check_float32() -> None:
  """Refuses JAX's float64 mode: its random numbers, and so all that is trained, are others.

  Raises:
    UserError: if it is on.
  """
  if jnp.result_type(float) != jnp.float32:
    raise UserError(
      "JAX's float64 mode is on, in which the same command gives other numbers; unset "
      "JAX_ENABLE_X64, or call jax.config.update('jax_enable_x64', False)"
    )


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
          hidden = nn.LayerNorm(param_dtype=inputs.dtype, name=f"norm_{layer}")(hidden)
        hidden = nn.relu(hidden)
    return hidden


class Actor(nn.Module):
  """Deterministic policy: observations (..., S) -> actions (..., A) in [-1, 1]."""

  hidden_sizes: tuple[int, ...]
  action_size: int
  precision: str
  normalised: bool = False

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    policy = Perceptron(
      self.hidden_sizes, self.action_size, self.precision, self.normalised, name="policy"
    )
    return jnp.tanh(policy(observations))


class Critic(nn.Module):
  """C critics: observations (..., S), actions (..., A) -> values (C, ...).

  Their parameters lie on a leading axis C, and are initialised independently.
  """

  hidden_sizes: tuple[int, ...]
  precision: str
  normalised: bool = False
  critics: int = 2

  @nn.compact
  def __call__(self, observations: Array, actions: Array) -> Array:
    inputs = jnp.concatenate([observations, actions], axis=-1)
    ensemble = nn.vmap(
      Perceptron,
      variable_axes={"params": 0},
      split_rngs={"params": True},
      in_axes=None,
      out_axes=0,
      axis_size=self.critics,
    )
    values = ensemble(self.hidden_sizes, 1, self.precision, self.normalised, name="critics")
    return values(inputs).squeeze(-1)

  def first_alone(self) -> nn.Module:
    """The module of the first critic's parameters, which keep their leading axis."""
    return self.clone(critics=1)


class Value(nn.Module):
  """State value: observations (..., S) -> values (...)."""

  hidden_sizes: tuple[int, ...]
  precision: str
  normalised: bool = False

  @nn.compact
  def __call__(self, observations: Array) -> Array:
    value = Perceptron(self.hidden_sizes, 1, self.precision, self.normalised, name="value")
    return value(observations).squeeze(-1)


class Outputs(nn.Module):
  """Observations (..., S) -> the last hidden layer (..., H) and outputs (..., A).

  For discrete actions: an output is the value of an action, or its logit.
  """

  hidden_sizes: tuple[int, ...]
  outputs: int
  precision: str

  @nn.compact
  def __call__(self, observations: Array) -> tuple[Array, Array]:
    *below, last = self.hidden_sizes
    features = Perceptron(tuple(below), last, self.precision, name="features")
    hidden = nn.relu(features(observations))
    return hidden, Perceptron((), self.outputs, self.precision, name="head")(hidden)


# Precisions of matrix products, and JAX's names of what computes them. Full
# precision is that of the inputs, also where there are faster units. The others
# round the factors and add in float32; not every device has them.
PRODUCTS = {
  "float32": "float32",
  "tensorfloat32": "TF32_TF32_F32",
  "bfloat16": "BF16_BF16_F32",
}


class Architecture(NamedTuple):
  """What decides the networks of an agent, beside the sizes of its task.

  The defaults are the paper's.

  Attributes:
    actor_hidden_sizes, critic_hidden_sizes, value_hidden_sizes: widths of the hidden layers.
    critics: how many; targets and the actor use the smallest of their values.
    actor_layer_norm, critic_layer_norm, value_layer_norm: whether hidden layers are
      normalised (arXiv 1607.06450) before the ReLU.
    precision: of the matrix products, a key of `PRODUCTS`.
  """

  actor_hidden_sizes: tuple[int, ...] = (256, 256)
  critic_hidden_sizes: tuple[int, ...] = (256, 256)
  value_hidden_sizes: tuple[int, ...] = (256, 256)
  critics: int = 2
  actor_layer_norm: bool = False
  critic_layer_norm: bool = False
  value_layer_norm: bool = False
  precision: str = "float32"


PAPER = Architecture()


@functools.cache
def make(action_size: int, architecture: Architecture = PAPER) -> Networks:
  """The networks of an agent; equal arguments give the same object.

  Args:
    action_size: A.
    architecture: see `Architecture`.
  """
  a = architecture._replace(precision=PRODUCTS[architecture.precision])
  return Networks(
    actor=Actor(a.actor_hidden_sizes, action_size, a.precision, a.actor_layer_norm),
    critic=Critic(a.critic_hidden_sizes, a.precision, a.critic_layer_norm, a.critics),
    value=Value(a.value_hidden_sizes, a.precision, a.value_layer_norm),
  )
