"""Doubly Mild Generalization for offline reinforcement learning, in JAX.

`train` trains from Python, `load_policy` loads what a job has learned. Importing
this package registers its environments and imports no more than they need.
"""

from importlib import metadata
from typing import TYPE_CHECKING, Any

from dmg_jax import envs

if TYPE_CHECKING:
  from dmg_jax.experiments.api import Result, train
  from dmg_jax.policy import Policy, load_policy

__version__ = metadata.version("dmg_jax")
__all__ = ["Policy", "Result", "__version__", "envs", "load_policy", "train"]

_HOMES = {
  "Policy": "dmg_jax.policy",
  "Result": "dmg_jax.experiments.api",
  "load_policy": "dmg_jax.policy",
  "train": "dmg_jax.experiments.api",
}


def __getattr__(name: str) -> Any:
  """Imports a name when it is first used: simulators in worker processes need no JAX."""
  if name not in _HOMES:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  from importlib import import_module

  return getattr(import_module(_HOMES[name]), name)
