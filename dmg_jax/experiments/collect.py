"""Makes an offline data set by D4RL's recipe."""

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dmg_jax import networks, run_directory
from dmg_jax.data import catalog, d4rl_export, minari_files, policies
from dmg_jax.data.episodes import Episode
from dmg_jax.envs.make import make, spaces
from dmg_jax.errors import UserError
from dmg_jax.experiments import maze_data, tiers
from dmg_jax.experiments.recording import Recipe, Recording
from dmg_jax.experiments.rollout import Behaviour

_PACKAGES = ("dmg_jax", "jax", "flax", "optax", "minari", "gymnasium", "mujoco", "numpy")


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


class _Made(NamedTuple):
  """Episodes, their policies by name, the returns that score 0 and 100, and more to tell."""

  episodes: list[Episode]
  policies: dict[str, tiers.Policy]
  reference: tuple[float, float] | None
  notes: dict[str, Any]


def collect(request: Request, recipe: Recipe, directory: Path) -> Path:
  """Makes a data set, training online as far as its tier needs.

  *random*: uniform actions. *medium*: the snapshot that first reaches the level,
  and *expert*: the last one, both with noise; *medium-expert*: half of each.
  *medium-replay*: the replay up to the medium snapshot; *full-replay*: all of it.
  *play* and *diverse*: agents sent through a maze, see `maze_data`. Beside the
  data lie `provenance.json` and the recorded policies. Nothing is in the data
  set's place before all of it is.

  Args:
    request: the data set.
    recipe: of the training.
    directory: of the training's recording, which is continued if it was begun.

  Returns:
    The data set's folder.

  Raises:
    UserError: if the id or the export is taken, or the level is not reached.
    StorageError: if something could not be saved.
  """
  folder = request.root / request.dataset_id
  for path in (folder, request.export):
    if path is not None and path.exists():
      raise UserError(f"{path} exists already; name another or remove it")
  env = make(recipe.env_id)
  made = _make(request, recipe, directory)
  provenance = {
    "dataset": request.dataset_id,
    "made_by": "dmg_jax; not D4RL data",
    "command": request.command,
    "tier": request.tier,
    "episodes": len(made.episodes),
    "transitions": sum(len(episode.rewards) for episode in made.episodes),
    "mean_episode_return": float(np.mean([episode.rewards.sum() for episode in made.episodes])),
    "reference_returns": made.reference,
    **made.notes,
    **{name: policy.quote for name, policy in made.policies.items()},
    "device": str(jax.devices()[0]),
    "versions": {name: metadata.version(name) for name in _PACKAGES}
    | {"python": platform.python_version()},
  }
  reference = {}
  if made.reference is not None:
    reference = {"ref_min_score": made.reference[0], "ref_max_score": made.reference[1]}
  with minari_files.staged(request.root, request.dataset_id) as stage:
    written = minari_files.write(
      stage,
      request.dataset_id,
      made.episodes,
      env,
      algorithm_name=_method(made),
      author="dmg_jax",
      description=f"{request.tier} data of dmg_jax's own making; not D4RL data.",
      **reference,
    )
    provenance["sha256"] = minari_files.load(written).sha256
    (written / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n")
    for name, policy in made.policies.items():
      policies.save(written / f"{name}.npz", policy.actor)
  if request.export is not None:
    d4rl_export.write(request.export, made.episodes, {"provenance": json.dumps(provenance)})
  return folder


def _method(made: _Made) -> str:
  """How the data's actions came about."""
  if "method" in made.notes:
    return made.notes["method"]
  return next(iter(made.policies.values())).quote["training"]["method"]


def _make(request: Request, recipe: Recipe, directory: Path) -> _Made:
  """The tier's episodes."""
  if request.tier in maze_data.TIERS:
    return _sent(request, recipe)
  known = catalog.reference_returns(recipe.env_id)
  if request.tier == "random":
    (episodes,) = tiers.behaviour_episodes(recipe.env_id, [None], request.keep, recipe.seed)
    return _Made(episodes, {}, known, {"seed": recipe.seed, "method": "uniform actions"})
  if request.shipped and (found := _shipped(request, recipe.env_id)):
    episodes, notes = _roll(request, recipe, found)
    return _Made(episodes, found, known, {"seed": recipe.seed, **notes})
  config = recipe._asdict() | {"exploration_noise": list(recipe.exploration_noise)}
  lock = run_directory.claim(directory, config, frozenset({"steps"}))
  recording = Recording(recipe, directory)
  try:
    return _cut(request, recording)
  finally:
    recording.close()
    lock.close()


def _shipped(request: Request, env_id: str) -> dict[str, tiers.Policy]:
  """The policies that come with the package for the tier, if they do and are of this level."""
  found = {
    name: tiers.Policy(policies.load(path), policies.provenance(path))
    for name, path in policies.shipped(env_id, request.tier).items()
  }
  levels = {policy.quote["training"]["level"] for policy in found.values()}
  return {} if "medium" in request.tier and levels != {request.level} else found


def _sent(request: Request, recipe: Recipe) -> _Made:
  """Episodes of agents that are sent through a maze; their score is a success rate."""
  whole, rules = maze_data.episodes(
    recipe.env_id, request.tier, recipe.steps, request.noise, recipe.seed
  )
  notes = {
    "seed": recipe.seed,
    "method": "shortest ways through the maze",
    "steps": recipe.steps,
    "noise": request.noise,
    **rules,
  }
  return _Made(tiers.thin(whole, request.keep), {}, (0.0, 1.0), notes)


def _cut(request: Request, recording: Recording) -> _Made:
  """The tier's episodes, from a recorded training."""
  replay = request.tier in tiers.REPLAYS
  rows: dict[str, dict[str, Any]] = {}
  if "medium" in request.tier:
    rows["recording_policy" if replay else "medium"] = tiers.at_level(recording, request.level)
  if request.tier == "full-replay":
    rows["recording_policy"] = tiers.at_end(recording)
  if "expert" in request.tier:
    rows["expert"] = tiers.at_end(recording)
  found = {name: tiers.policy(recording, row) for name, row in rows.items()}
  last = max(row["round"] for row in rows.values())
  notes: dict[str, Any] = {
    "recipe": recording.recipe._asdict(),
    "level": request.level,
    "method": recording.learner.description,
    "evaluations": [row for row in recording.evaluations if row["round"] <= last],
    "seconds": recording.seconds(),
  }
  if replay:
    found |= tiers.course(recording, last)
    whole = recording.stream.episodes(last)
    episodes = tiers.thin(whole, request.keep)
    notes["kept"] = f"{len(episodes)} of {len(whole)} episodes, evenly spaced"
  else:
    episodes, recorded = _roll(request, recording.recipe, found)
    notes = recorded | notes
  return _Made(episodes, found, tiers.reference(recording), notes)


def _roll(
  request: Request, recipe: Recipe, found: dict[str, tiers.Policy]
) -> tuple[list[Episode], dict[str, Any]]:
  """Episodes of policies with noise, in equal shares, and each one's mean return with it."""
  env = make(recipe.env_id)
  modules = networks.make(len(spaces(env).action_low))
  env.close()
  behaviours = [Behaviour(modules, policy.actor, request.noise) for policy in found.values()]
  shares = tiers.behaviour_episodes(recipe.env_id, behaviours, request.keep, recipe.seed)
  notes: dict[str, Any] = {"noise": request.noise, "mean_episode_return_with_noise": {}}
  for name, share in zip(found, shares, strict=True):
    mean = float(np.mean([episode.rewards.sum() for episode in share]))
    notes["mean_episode_return_with_noise"][name] = mean
  if request.tier in tiers.REPLAYS:
    notes["instead_of_a_replay"] = "episodes of policies along a training, in equal shares"
  return [episode for share in shares for episode in share], notes
