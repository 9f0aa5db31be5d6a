"""What a person asks of the collector: names, and what is refused before any work."""

import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

from minari.dataset.minari_dataset import parse_dataset_id

from dmg_jax.collect import tiers
from dmg_jax.collect.recording import Recipe, may_grow
from dmg_jax.data import catalog
from dmg_jax.errors import UserError

_HDF5 = (".hdf5", ".h5")
_LARGEST_SEED = 2**32 - 4  # the numbers above are streams of their own


class Request(NamedTuple):
  """The data set to make.

  Attributes:
    tier: one of `tiers.TIERS` or `maze_data.TIERS`.
    level: share of the reference score at which a policy is "medium".
    noise: standard deviation of the Gaussian noise of recorded policies, on
      actions in [-1, 1].
    keep: transitions to keep, about: that many are recorded of a policy; of a
      replay, episodes are thinned evenly.
    shipped: whether policies that come with the package may save the training.
    dataset_id: such as "dmg/hopper/medium-v0".
    root: folder of Minari data sets.
    export: of a D4RL-form HDF5 file to write as well, if any.
    command: that the user gave, for the provenance.
  """

  tier: str
  level: float
  noise: float
  keep: int
  shipped: bool
  dataset_id: str
  root: Path
  export: Path | None
  command: str


def task(env_id: str) -> str:
  """What an environment is called in names of data sets, such as "hopper"."""
  name = env_id.rsplit("-v", 1)[0].lower().removeprefix("dmg_jax/")
  return re.sub(r"[^\w-]", "-", name, flags=re.ASCII)


def default_dataset_id(env_id: str, tier: str) -> str:
  """Such as "dmg/hopper/medium-v0"; -v1 where a data set of that name comes with the package."""
  name = f"dmg/{task(env_id)}/{tier}"
  return f"{name}-v{int(f'{name}-v0' == catalog.EMBEDDED)}"


def default_directory(recipe: Recipe) -> Path:
  """Of a training's recording: from all of its recipe but what may grow."""
  fixed = {name: value for name, value in recipe._asdict().items() if name not in may_grow(recipe)}
  digest = hashlib.sha256(json.dumps(fixed).encode()).hexdigest()
  return Path("runs/collect", task(recipe.env_id), digest[:10])


def check(request: Request, recipe: Recipe) -> None:
  """Refuses what cannot come to a good end.

  Raises:
    UserError: naming the flag or the file, and what it may be.
  """
  for name in ("steps", "environments", "batch_size", "evaluate_every", "episodes"):
    if getattr(recipe, name) < 1:
      raise UserError(f"--{name} is {getattr(recipe, name)}, but it must be at least 1")
  if recipe.checkpoint_every < 1:
    raise UserError(f"--checkpoint_every is {recipe.checkpoint_every}, but it must be at least 1")
  if request.keep < 1:
    raise UserError(f"--keep is {request.keep}, but it must be at least 1")
  if not 0 <= recipe.seed <= _LARGEST_SEED:
    raise UserError(f"--seed is {recipe.seed}, but it must be from 0 to {_LARGEST_SEED}")
  if not request.noise >= 0:
    raise UserError(f"--noise is {request.noise}, but it must not be negative")
  trains = request.tier in tiers.TIERS and request.tier != "random"
  if trains and not 0 <= recipe.random_steps < recipe.steps:
    raise UserError(
      f"--random_steps is {recipe.random_steps}, but it must be from 0 to less than the "
      f"{recipe.steps} --steps"
    )
  if not 0 <= recipe.annealed_steps <= recipe.steps:
    raise UserError(
      f"--annealed_steps is {recipe.annealed_steps}, but it must be from 0 to the {recipe.steps} "
      "--steps"
    )
  if recipe.learner == "td3" and len(recipe.exploration_noise) > recipe.environments:
    raise UserError(
      f"--exploration_noise is given {len(recipe.exploration_noise)} times for "
      f"{recipe.environments} environments; raise --environments"
    )
  try:
    parse_dataset_id(request.dataset_id)
  except (TypeError, ValueError) as error:
    raise UserError(
      f"--dataset_id={request.dataset_id} is none of Minari's; it must be as dmg/hopper/medium-v0"
    ) from error
  if request.dataset_id == catalog.EMBEDDED:
    raise UserError(f"{catalog.EMBEDDED} comes with the package; name another --dataset_id")
  export = request.export
  if export is not None and export.suffix not in _HDF5:
    raise UserError(f"--export={export} must end in {' or '.join(_HDF5)}")
  if export is not None and not export.absolute().parent.is_dir():
    raise UserError(f"--export={export}: there is no folder {export.absolute().parent}")
  for path in (request.root / request.dataset_id, export):
    if path is not None and path.exists():
      raise UserError(f"{path} exists already; name another or remove it")
