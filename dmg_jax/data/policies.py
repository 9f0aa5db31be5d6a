"""Policies as small arrays, with how they came about.

Those that come with the package lie in `policies/<environment>/<tier>/` beside
this file, as `launch/collect.py` wrote them beside a data set of that tier.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from flax import traverse_util

from dmg_jax.errors import UserError
from dmg_jax.types import Parameters

STEP = "step_"
_TRAINING = (
  "command",
  "method",
  "recipe",
  "level",
  "reference_returns",
  "seconds",
  "device",
  "versions",
)


def save(path: Path, actor: Parameters) -> None:
  """Stores an actor's parameters."""
  flat: dict[str, Any] = traverse_util.flatten_dict(actor, sep="/")
  np.savez(path, **flat)


def load(path: Path) -> Parameters:
  """The parameters that `save` stored, in float32.

  Raises:
    UserError: if the file is missing or damaged.
  """
  try:
    with np.load(path, allow_pickle=False) as file:
      flat = {name: np.float32(values) for name, values in file.items()}
  except Exception as error:  # A damaged file raises one of seven kinds.
    raise UserError(
      f"{path} is missing or damaged ({error}); restore it from a copy, or train again in "
      "another --run_dir"
    ) from error
  return traverse_util.unflatten_dict(flat, sep="/")


def provenance(path: Path) -> dict[str, Any]:
  """How a policy beside a collection's `provenance.json` does, and its training."""
  stored = json.loads((path.parent / "provenance.json").read_text())
  return {**stored[path.stem], "training": {name: stored[name] for name in _TRAINING}}


def folder() -> Path:
  """Where the policies lie that come with the package."""
  return Path(str(resources.files("dmg_jax.data"))) / "policies"


def shipped(env_id: str, tier: str) -> dict[str, Path]:
  """The policies that come with the package for a tier's data, by name; {} if they do not.

  Those of a replay are called `step_` and the training's step, in order.
  """
  own = folder() / env_id.lower()
  if tier.endswith("replay"):
    return {path.stem: path for path in sorted((own / tier).glob(f"{STEP}*.npz"))}
  paths = {name: own / name / f"{name}.npz" for name in tier.split("-")}
  return paths if all(path.exists() for path in paths.values()) else {}
