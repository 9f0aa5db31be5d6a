"""Doubly Mild Generalization for offline reinforcement learning, in JAX."""

from dmg_jax.policy import load_policy

__all__ = ["load_policy"]
