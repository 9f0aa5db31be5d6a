"""A network of two hidden layers for Q(s, a), small enough to be examined whole."""

import jax
import jax.numpy as jnp

from dmg_jax.types import Array, Parameters


def init(key: Array, inputs: int, width: int) -> Parameters:
  """Weights and biases of inputs -> width -> width -> 1, variance 1 / fan-in."""
  sizes = (inputs, width, width, 1)
  keys = jax.random.split(key, len(sizes) - 1)
  return [
    (jax.random.normal(layer, (rows, columns)) / jnp.sqrt(rows), jnp.zeros(columns))
    for layer, rows, columns in zip(keys, sizes, sizes[1:], strict=False)
  ]


def value(parameters: Parameters, state: Array, action: Array, activation=jnp.tanh) -> jax.Array:
  """Q(s, a), a scalar, of a one-hot state (S,) and an action (D,).

  The default activation is smooth, as Theorem 1 takes derivatives of the gradient.
  """
  hidden = jnp.concatenate([state, action])
  for weights, biases in parameters[:-1]:
    hidden = activation(hidden @ weights + biases)
  weights, biases = parameters[-1]
  return (hidden @ weights + biases)[0]
