"""Doubly Mild Generalization for offline reinforcement learning, in JAX."""

from dmg_jax import envs
from dmg_jax.policy import load_policy

__all__ = ["envs", "load_policy"]
