"""Policies as small arrays, with how they came about."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from flax import traverse_util

from dmg_jax.types import Parameters

_TRAINING = ("command", "method", "recipe", "level", "seconds", "device", "versions")


def save(path: Path, actor: Parameters) -> None:
  """Stores an actor's parameters."""
  flat: dict[str, Any] = traverse_util.flatten_dict(actor, sep="/")
  np.savez(path, **flat)


def load(path: Path) -> Parameters:
  """The parameters that `save` stored."""
  with np.load(path, allow_pickle=False) as file:
    return traverse_util.unflatten_dict(dict(file), sep="/")


def provenance(path: Path) -> dict[str, Any]:
  """How a policy beside a collection's `provenance.json` does, and its training."""
  stored = json.loads((path.parent / "provenance.json").read_text())
  return {**stored[path.stem], "training": {name: stored[name] for name in _TRAINING}}


def shipped(env_id: str, tier: str) -> Path | None:
  """The policy of an environment and a tier that comes with the package, if one does."""
  path = Path(str(resources.files("dmg_jax.data"))) / "policies" / env_id.lower() / f"{tier}.npz"
  return path if path.exists() else None
