"""What a person asks of the collector: names, and what is refused before any work."""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dmg_jax import networks
from dmg_jax.collect import maze_data, tiers
from dmg_jax.collect.recording import Recipe, may_grow
from dmg_jax.data import catalog, d4rl_export, names, whole_files
from dmg_jax.errors import UserError
from dmg_jax.online import learners

_LARGEST_SEED = 2**32 - 4  # the numbers above are streams of their own
_MOST_STEPS = 2**31 - 2**20  # rows of the replay are counted in int32
# Beyond these, one step of a training takes gigabytes, or minutes.
_MOST_ENVIRONMENTS, _LARGEST_BATCH, _MOST_EPISODES = 1_000, 2**16, 100_000
_WHOLE = {
  "steps": _MOST_STEPS,
  "environments": _MOST_ENVIRONMENTS,
  "batch_size": _LARGEST_BATCH,
  "evaluate_every": _MOST_STEPS,
  "episodes": _MOST_EPISODES,
  "checkpoint_every": _MOST_STEPS,
}


class Request(NamedTuple):
  """The data set to make.

  Attributes:
    tier: one of `tiers.TIERS` or `maze_data.TIERS`.
    level: share of the reference score at which a policy is "medium".
    noise: standard deviation of the Gaussian noise of recorded policies, on
      actions in [-1, 1].
    keep: transitions to keep, about. Of policies, so many are recorded; of a
      replay, evenly spaced episodes are kept.
    shipped: whether policies that come with the package are used, so that nothing
      is trained.
    dataset_id: such as "dmg/hopper/medium-v0".
    root: folder of Minari data sets.
    export: of a D4RL-form HDF5 file to write as well, if any.
    invocation: the script and its arguments, as the user gave them.
    policies_of: the environment whose shipped policies are recorded, where it is
      another one with observations and actions of the same sizes.
  """

  tier: str
  level: float
  noise: float
  keep: int
  shipped: bool
  dataset_id: str
  root: Path
  export: Path | None
  invocation: tuple[str, ...]
  policies_of: str | None = None


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


def path(flag: str, text: str) -> Path:
  """The path that a flag names; `~` is the home folder.

  Raises:
    UserError: if it is empty, or the home folder is not known.
  """
  if not text:
    raise UserError(f"--{flag} is empty; give a path, or leave the flag out")
  try:
    return Path(text).expanduser()
  except RuntimeError as error:
    raise UserError(f"--{flag}={text}: {error}; write the path out") from error


class _Rule(NamedTuple):
  """What a flag's value must be."""

  flag: str
  value: Any
  holds: bool
  requirement: str


def check(request: Request, recipe: Recipe) -> None:
  """Refuses what cannot succeed. Nothing is written.

  Raises:
    UserError: naming the flag or the file, and what it must be.
  """
  networks.check_float32()
  for rule in _rules(request, recipe):
    if not rule.holds:
      raise UserError(f"--{rule.flag} is {rule.value}, but it must be {rule.requirement}")
  if request.policies_of is not None and not request.shipped:
    raise UserError("--policies_of takes policies that come with the package; leave out --train")
  if request.dataset_id == catalog.EMBEDDED:
    raise UserError(f"{catalog.EMBEDDED} comes with the package; name another --dataset_id")
  _check_folder("root", request.root)
  names.new_dataset(request.root, request.dataset_id)
  if request.export is not None:
    whole_files.writable(request.export, d4rl_export.SUFFIXES)
    _check_folder("export", request.export.absolute().parent)


def _rules(request: Request, recipe: Recipe) -> Iterator[_Rule]:
  for flag, most in _WHOLE.items():
    value = getattr(recipe, flag)
    yield _Rule(flag, value, 1 <= value <= most, f"from 1 to {most}")
  yield _Rule("keep", request.keep, request.keep >= 1, "at least 1")
  for flag, value, known in (
    ("tier", request.tier, tiers.TIERS + maze_data.TIERS),
    ("learner", recipe.learner, learners.NAMES),
  ):
    yield _Rule(flag, value, value in known, f"one of {', '.join(known)}")
  seed = recipe.seed
  yield _Rule("seed", seed, 0 <= seed <= _LARGEST_SEED, f"from 0 to {_LARGEST_SEED}")
  yield _Rule("level", request.level, math.isfinite(request.level), "a finite number")
  for flag, value in (
    ("noise", request.noise),
    *(("exploration_noise", value) for value in recipe.exploration_noise),
  ):
    holds = value >= 0 and math.isfinite(value)
    yield _Rule(flag, value, holds, "a finite number that is not negative")
  rate = recipe.learning_rate
  yield _Rule("learning_rate", rate, 0 < rate < math.inf, "a finite number above 0")
  rate = recipe.target_rate
  yield _Rule("target_rate", rate, 0 < rate <= 1, "above 0 and at most 1")
  correlation = recipe.noise_correlation
  yield _Rule("noise_correlation", correlation, 0 <= correlation < 1, "at least 0 and below 1")
  random, annealed, steps = recipe.random_steps, recipe.annealed_steps, recipe.steps
  trains = request.tier in tiers.TIERS and request.tier != "random"
  if trains:
    holds = 0 <= random < steps
    yield _Rule("random_steps", random, holds, f"from 0 to less than the {steps} --steps")
  yield _Rule("annealed_steps", annealed, 0 <= annealed <= steps, f"from 0 to the {steps} --steps")
  count, environments = len(recipe.exploration_noise), recipe.environments
  fits = 1 <= count <= environments or recipe.learner != "td3"
  requirement = f"given from 1 to {environments} times, once for each of the --environments"
  yield _Rule("exploration_noise", f"given {count} times", fits, requirement)


def _check_folder(flag: str, folder: Path) -> None:
  """Refuses a folder that cannot be made or written in."""
  try:
    parents = (folder, *folder.absolute().parents)
    nearest = next(parent for parent in parents if os.path.lexists(parent))
    if not nearest.is_dir():
      raise UserError(f"--{flag}={folder}: {nearest} is not a folder; name another")
    if not os.access(nearest, os.W_OK | os.X_OK):
      raise UserError(f"--{flag}={folder}: {nearest} cannot be written in; name another")
    if folder == nearest:
      return
    # What `lexists` does not tell: names that are too long.
    folder.exists()
  except OSError as error:
    raise UserError(f"--{flag}={folder}: {error.strerror}; name another") from error


def check_keep(keep: int, policies: int, env_id: str, step_limit: int | None) -> None:
  """Refuses to record fewer transitions of each policy than one episode may have.

  Args:
    keep: transitions, of all policies together.
    policies: how many; or 1, for uniform actions.
    env_id: of the environment.
    step_limit: of its episodes, where it has one.

  Raises:
    UserError: naming the least number.
  """
  if step_limit is not None and keep < policies * step_limit:
    each = f" for each of {policies} policies" if policies > 1 else ""
    raise UserError(
      f"--keep is {keep}, but it must be at least {policies * step_limit}: one episode{each}, "
      f"which in {env_id} has up to {step_limit} steps"
    )
